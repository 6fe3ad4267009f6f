"""A mounted /proc, or a folder that looks like one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exporters.errors import ErrorReason, reason_of
from exporters.proc.parse import (
    Denied,
    Gone,
    Malformed,
    OutOfFileDescriptors,
    ProcError,
    Stat,
    parse_boot_time,
    parse_epoll,
    parse_namespace_pids,
    parse_pids,
    parse_stat,
)

_READ_BYTES: Final = 65536
_EPOLL: Final = "anon_inode:[eventpoll]"
_ERRORS: Final = {
    ErrorReason.VANISHED: Gone,
    ErrorReason.PERMISSION: Denied,
    ErrorReason.FILE_DESCRIPTORS: OutOfFileDescriptors,
}


@dataclass(frozen=True, slots=True)
class SocketInodes:
    """Inodes of the sockets that a process has open, and of those that it polls with epoll."""

    open: frozenset[int]
    polled: frozenset[int]


def proc_error(error: OSError, what: str) -> ProcError:
    """The ProcError of the same meaning."""
    kind = _ERRORS.get(reason_of(error), ProcError)
    return kind(f"{what}: {error.strerror or error}")


def read_file(path: str) -> bytes:
    """A whole file, read until nothing more comes: some of /proc give 4 KiB at a time."""
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
        """`own_root` is put before the mount points of /proc/self/mountinfo; for fixtures."""
        self.path = str(root)
        self.own_root = own_root
        self.real = self.path == "/proc"

    def read(self, name: str) -> bytes:
        return read_file(f"{self.path}/{name}")

    def pids(self) -> list[int]:
        return sorted(int(name) for name in _list(self.path) if name.isdecimal())

    def stat(self, pid: int) -> Stat:
        """Zombies have one too."""
        return parse_stat(self.read(f"{pid}/stat"))

    def children(self, pid: int) -> list[int]:
        """Children of all its threads, zombies included.

        On a kernel without CONFIG_PROC_CHILDREN, every process is asked for its parent.
        """
        found: list[int] = []
        for thread in _list(f"{self.path}/{pid}/task"):
            try:
                found += parse_pids(self.read(f"{pid}/task/{thread}/children"))
            except Gone:
                if os.path.isdir(f"{self.path}/{pid}/task/{thread}"):
                    return self._children_by_parent(pid)
        return sorted(found)

    def _children_by_parent(self, parent: int) -> list[int]:
        return [pid for pid in self.pids() if self._parent(pid) == parent]

    def _parent(self, pid: int) -> int | None:
        try:
            return self.stat(pid).parent
        except ProcError:
            return None

    def socket_inodes(self, pid: int) -> SocketInodes:
        """Only for processes of the same user; Gone, not Denied, for one that is exiting.

        The kernel gives the file descriptors of a process without memory to root.
        """
        try:
            return self._socket_inodes(pid)
        except Denied as error:
            if self.stat(pid).alive:
                raise
            raise Gone(f"process {pid} is exiting") from error

    def _socket_inodes(self, pid: int) -> SocketInodes:
        sockets: dict[int, int] = {}
        polled: set[int] = set()
        for number, link in self._links(pid):
            if link.startswith("socket:["):
                sockets[number] = int(link[8:-1])
            elif link == _EPOLL:
                with suppress(Gone):  # closed in the meantime
                    polled.update(parse_epoll(self.read(f"{pid}/fdinfo/{number}")))
        return SocketInodes(
            frozenset(sockets.values()),
            frozenset(sockets[number] for number in polled if number in sockets),
        )

    def _links(self, pid: int) -> Iterator[tuple[int, str]]:
        """Number and target of each file descriptor."""
        folder = f"{self.path}/{pid}/fd"
        for name in _list(folder):
            try:
                yield int(name), os.readlink(f"{folder}/{name}")
            except FileNotFoundError:
                continue  # closed in the meantime
            except OSError as error:
                raise proc_error(error, f"{folder}/{name}") from error

    def has_open(self, pid: int, device: int, inode: int) -> bool:
        """Whether the process has this very file open; only for processes of the same user."""
        folder = f"{self.path}/{pid}/fd"
        for name in _list(folder):
            try:
                status = os.stat(f"{folder}/{name}")
            except OSError:
                continue  # closed in the meantime, or unreachable from here
            if (status.st_dev, status.st_ino) == (device, inode):
                return True
        return False

    def command_line(self, pid: int) -> str:
        """The arguments joined by blanks; empty for a zombie."""
        return (
            self.read(f"{pid}/cmdline")
            .rstrip(b"\0")
            .replace(b"\0", b" ")
            .decode("utf-8", "replace")
        )

    def namespace_pids(self, pid: int) -> tuple[int, ...]:
        """Its pid here, then in each nested pid namespace that it is in."""
        try:
            return parse_namespace_pids(self.read(f"{pid}/status"))
        except Malformed:
            return ()

    def network_namespace(self, pid: int | str) -> str:
        """Identifies its network namespace; only for processes of the same user."""
        path = f"{self.path}/{pid}/ns/net"
        try:
            return os.readlink(path)
        except OSError as error:
            raise proc_error(error, path) from error

    def boot_time(self) -> int:
        return parse_boot_time(self.read("stat"))
