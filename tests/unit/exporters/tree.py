"""A folder that looks like /proc, with as many processes as a test needs."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from exporters.proc.parse import Identity
from exporters.proc.root import ProcRoot

PORT = 8000
SOCKET = 5000
STATUS = """\
Name:\tpython3
Umask:\t0022
State:\tS (sleeping)
Tgid:\t{pid}
Ngid:\t0
Pid:\t{pid}
PPid:\t{parent}
TracerPid:\t0
Uid:\t1000\t1000\t1000\t1000
Gid:\t1000\t1000\t1000\t1000
FDSize:\t64
Groups:\t1000
NStgid:\t{pid}
NSpid:\t{pid}
NSpgid:\t{pid}
NSsid:\t{pid}
VmPeak:\t    4200 kB
VmSize:\t    4000 kB
VmHWM:\t    1100 kB
VmRSS:\t    1000 kB
VmSwap:\t       0 kB
Threads:\t3
SigQ:\t0/63322
voluntary_ctxt_switches:\t150
nonvoluntary_ctxt_switches:\t9
"""


@dataclass
class Tree:
    """`net/tcp` has a listening socket with inode SOCKET on PORT unless told otherwise."""

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

    def connect(self, inode: int, remote_port: int) -> None:
        """One more established connection from this machine."""
        file = self.folder / "net/tcp"
        file.write_text(
            f"{file.read_text()}   9: 0100007F:C350 0100007F:{remote_port:04X} 01 00000000:00000000"
            f" 00:00000000 00000000     0 0 {inode} 1 0 100 0 0 10 0\n"
        )

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
        """A new process; it replaces one with the same pid."""
        self.end(pid)
        start = pid * 100 if start is None else start
        text = name if isinstance(name, bytes) else name.encode()
        numbers = f"{state} {parent} 0 0 0 0 0 0 0 0 0 31 7 0 0 20 0 3 0 {start} {memory} 25 0"
        self.write(f"{pid}/stat", b"%d (%b) %b\n" % (pid, text, numbers.encode()))
        self.write(f"{pid}/statm", "1000 250 50 1 0 100 0\n")
        self.write(f"{pid}/limits", "Max open files  1024  4096  files\n")
        self.write(f"{pid}/cmdline", command.replace(" ", "\0"))
        self.write(f"{pid}/status", STATUS.format(pid=pid, parent=parent))
        self.write(f"{pid}/smaps_rollup", "Pss: 40 kB\nPrivate_Clean: 3 kB\nPrivate_Dirty: 5 kB\n")
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
        """The process is gone, also from its parent's children."""
        if (self.folder / str(pid)).exists():
            shutil.rmtree(self.folder / str(pid))
        for file in self.folder.glob("*/task/*/children"):
            pids = [each for each in file.read_text().split() if each != str(pid)]
            file.write_text(" ".join(pids))
