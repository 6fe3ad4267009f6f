"""A mounted /proc, or a folder that looks like one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exporters.proc.parse import (
    Denied,
    Gone,
    Malformed,
    OutOfDescriptors,
    ProcError,
    Stat,
    parse_boot_time,
    parse_epoll,
    parse_namespace_pids,
    parse_pids,
    parse_stat,
)
from exporters.reasons import Reason, reason_of

_READ_BYTES: Final = 65536
_EPOLL: Final = "anon_inode:[eventpoll]"
_ERRORS: Final = {
    Reason.VANISHED: Gone,
    Reason.PERMISSION: Denied,
    Reason.DESCRIPTORS: OutOfDescriptors,
}


@dataclass(frozen=True, slots=True)
class Links:
    """Inodes of the sockets that a process has open, and that its epolls wait for."""

    sockets: frozenset[int]
    watched: frozenset[int]


def proc_error(error: OSError, what: str) -> ProcError:
    """The ProcError that says the same."""
    kind = _ERRORS.get(reason_of(error), ProcError)
    return kind(f"{what}: {error.strerror or error}")


def read_file(path: str) -> bytes:
    """A whole file, read until it is empty: some of /proc give 4 KiB at a time."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            parts = [os.read(file, _READ_BYTES)]
            while parts[-1]:
                parts.append(os.read(file, _READ_BYTES))
        finally:
            os.close(file)
    except OSError as error:
        raise proc_error(error, path) from error
    return b"".join(parts)


def _list(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError as error:
        raise proc_error(error, path) from error


class ProcRoot:
    """Every method raises Gone, Denied, Malformed, or their base ProcError, and nothing else."""

    def __init__(self, root: Path = Path("/proc"), own_root: str = "") -> None:
        """`own_root` stands before the mount points of /proc/self/mountinfo; for fixtures."""
        self.path = str(root)
        self.own_root = own_root
        self.real = self.path == "/proc"

    def read(self, name: str) -> bytes:
        return read_file(f"{self.path}/{name}")

    def pids(self) -> list[int]:
        return sorted(int(name) for name in _list(self.path) if name.isdecimal())

    def stat(self, pid: int) -> Stat:
        """Of a zombie too."""
        return parse_stat(self.read(f"{pid}/stat"))

    def children(self, pid: int) -> list[int]:
        """Children of all its threads, zombies among them.

        Without the kernel's option CONFIG_PROC_CHILDREN all processes are asked for their parent.
        """
        found: list[int] = []
        for thread in _list(f"{self.path}/{pid}/task"):
            try:
                found += parse_pids(self.read(f"{pid}/task/{thread}/children"))
            except Gone:
                if os.path.isdir(f"{self.path}/{pid}/task/{thread}"):
                    return self._by_parent(pid)
        return sorted(found)

    def _by_parent(self, parent: int) -> list[int]:
        return [pid for pid in self.pids() if self._parent(pid) == parent]

    def _parent(self, pid: int) -> int | None:
        try:
            return self.stat(pid).parent
        except ProcError:
            return None

    def links(self, pid: int) -> Links:
        """Of the same user's processes alone; Gone, not Denied, for one that is ending.

        The kernel gives the descriptors of a process without memory to root.
        """
        try:
            return self._links(pid)
        except Denied as error:
            if self.stat(pid).alive:
                raise
            raise Gone(f"{pid} is ending") from error

    def _links(self, pid: int) -> Links:
        sockets: dict[int, int] = {}
        watched: set[int] = set()
        for number, link in self._targets(pid):
            if link.startswith("socket:["):
                sockets[number] = int(link[8:-1])
            elif link == _EPOLL:
                with suppress(Gone):  # closed meanwhile
                    watched.update(parse_epoll(self.read(f"{pid}/fdinfo/{number}")))
        return Links(
            frozenset(sockets.values()),
            frozenset(sockets[number] for number in watched if number in sockets),
        )

    def _targets(self, pid: int) -> Iterator[tuple[int, str]]:
        """Number and target of each descriptor."""
        folder = f"{self.path}/{pid}/fd"
        for name in self._descriptors(pid):
            try:
                yield int(name), os.readlink(f"{folder}/{name}")
            except FileNotFoundError:
                continue  # closed meanwhile
            except OSError as error:
                raise proc_error(error, f"{folder}/{name}") from error

    def _descriptors(self, pid: int) -> list[str]:
        return _list(f"{self.path}/{pid}/fd")

    def holds(self, pid: int, device: int, inode: int) -> bool:
        """Whether it has this very file open; of the same user's processes alone."""
        for name in self._descriptors(pid):
            try:
                status = os.stat(f"{self.path}/{pid}/fd/{name}")
            except OSError:
                continue  # closed meanwhile, or not to be followed from here
            if (status.st_dev, status.st_ino) == (device, inode):
                return True
        return False

    def command(self, pid: int) -> str:
        """The command line with blanks between its words; empty for a zombie."""
        return (
            self.read(f"{pid}/cmdline")
            .rstrip(b"\0")
            .replace(b"\0", b" ")
            .decode("utf-8", "replace")
        )

    def namespace_pids(self, pid: int) -> tuple[int, ...]:
        """Its pid here, then in each namespace further down that it is in."""
        try:
            return parse_namespace_pids(self.read(f"{pid}/status"))
        except Malformed:
            return ()

    def network(self, pid: int | str) -> str:
        """Names its network namespace; of the same user's processes alone."""
        path = f"{self.path}/{pid}/ns/net"
        try:
            return os.readlink(path)
        except OSError as error:
            raise proc_error(error, path) from error

    def boot_time(self) -> int:
        return parse_boot_time(self.read("stat"))
