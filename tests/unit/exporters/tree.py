"""A folder that looks like /proc, for as many processes as a test needs."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from exporters.proc.parse import Identity
from exporters.proc.root import ProcRoot

PORT = 8000
SOCKET = 5000


@dataclass
class Tree:
    """`net/tcp` has a listening socket of inode SOCKET on PORT until it is told otherwise."""

    folder: Path

    def __post_init__(self) -> None:
        self.root = ProcRoot(self.folder)
        self.write("stat", "cpu 1 2 3\nbtime 1700000000\n")
        self.listen(SOCKET)

    def write(self, name: str, text: str | bytes) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def listen(self, *inodes: int, port: int = PORT, user: int = 0) -> None:
        """Replace all listening sockets."""
        lines = [
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"
        ]
        lines += [
            f"   {line}: 0100007F:{port:04X} 00000000:0000 0A 00000000:00000000"
            f" 00:00000000 00000000 {user:5} 0 {inode} 1 0 100 0 0 10 0"
            for line, inode in enumerate(inodes)
        ]
        self.write("net/tcp", "\n".join(lines) + "\n")

    def process(  # noqa: PLR0913  # each test names the one or two that it is about
        self,
        pid: int,
        parent: int = 1,
        *,
        start: int | None = None,
        state: str = "S",
        memory: int = 4096000,
        name: str | bytes = "python3",
        command: str = "",
        sockets: Iterable[int] = (),
        watches: Iterable[int] = (),
        idle_epoll: bool = False,
    ) -> Identity:
        """A new process; it takes the place of one with the same pid."""
        self.end(pid)
        start = pid * 100 if start is None else start
        text = name if isinstance(name, bytes) else name.encode()
        numbers = f"{state} {parent} 0 0 0 0 0 0 0 0 0 31 7 0 0 20 0 3 0 {start} {memory} 25 0"
        self.write(f"{pid}/stat", b"%d (%b) %b\n" % (pid, text, numbers.encode()))
        self.write(f"{pid}/statm", "1000 250 50 1 0 100 0\n")
        self.write(f"{pid}/limits", "Max open files  1024  4096  files\n")
        self.write(f"{pid}/cmdline", command.replace(" ", "\0"))
        self.write(f"{pid}/status", f"Name:\tpython3\nNSpid:\t{pid}\n")
        self.write(f"{pid}/task/{pid}/children", "")
        (self.folder / f"{pid}/fd").mkdir()
        held = [f"socket:[{inode}]" for inode in (*sockets, *watches)]
        waits = "".join(f"tfd: {len(tuple(sockets)) + each} events: 19\n" for each in range(9))
        epolls = [""] * idle_epoll + [waits if watches else ""] * bool(watches)
        for number, target in enumerate([*held, *["anon_inode:[eventpoll]"] * len(epolls)]):
            self.link(pid, number, target)
        for number, text_of in enumerate(epolls, len(held)):
            self.write(f"{pid}/fdinfo/{number}", f"pos:\t0\nflags:\t02\n{text_of}")
        self._adopt(pid, parent)
        return Identity(start, pid)

    def link(self, pid: int, number: int, target: str) -> None:
        (self.folder / f"{pid}/fd/{number}").symlink_to(target)

    def _adopt(self, pid: int, parent: int) -> None:
        file = self.folder / f"{parent}/task/{parent}/children"
        if file.exists():
            pids = {*file.read_text().split(), str(pid)}
            file.write_text(" ".join(sorted(pids, key=int)) + " ")

    def end(self, pid: int) -> None:
        """It is gone, its parent has no such child any more."""
        if (self.folder / str(pid)).exists():
            shutil.rmtree(self.folder / str(pid))
        for file in self.folder.glob("*/task/*/children"):
            pids = [each for each in file.read_text().split() if each != str(pid)]
            file.write_text(" ".join(pids))
