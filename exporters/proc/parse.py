"""Parsers for files of /proc (man proc(5)). They raise Malformed and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from exporters.errors import ErrorReason


class ProcError(Exception):
    """Something about a process could not be read."""

    reason: ErrorReason = ErrorReason.READ


class Gone(ProcError):  # noqa: N818  # a state of the process
    """The process does not exist, or no longer does."""

    reason = ErrorReason.VANISHED


class Denied(ProcError):  # noqa: N818  # a state of the process
    """The process belongs to another user, and the kernel denies access."""

    reason = ErrorReason.PERMISSION


class OutOfFileDescriptors(ProcError):  # noqa: N818  # a state of the sidecar
    """The sidecar has reached its limit on open files."""

    reason = ErrorReason.FILE_DESCRIPTORS


class Malformed(ProcError):  # noqa: N818  # a state of the text
    """The text does not have the documented format."""

    reason = ErrorReason.MALFORMED


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """A process, never confused with a later one that has the same pid."""

    start_ticks: int
    pid: int


@dataclass(frozen=True, slots=True)
class Stat:
    """Of /proc/PID/stat: times in clock ticks, `start_ticks` since boot, memory in bytes."""

    pid: int
    state: str
    parent: int
    user_ticks: int
    system_ticks: int
    threads: int
    start_ticks: int
    virtual_bytes: int

    @property
    def alive(self) -> bool:
        """Neither a zombie nor about to be one: an exiting process releases its memory first."""
        return self.state not in "ZXx" and self.virtual_bytes > 0

    @property
    def identity(self) -> Identity:
        return Identity(self.start_ticks, self.pid)


def parse_stat(data: bytes) -> Stat:
    """The name may contain anything, even brackets and newlines: the last bracket ends it."""
    head, bracket, tail = data.rpartition(b")")
    fields = tail.split()
    try:
        if not bracket or len(fields) < 21 or len(fields[0]) != 1:
            raise ValueError
        return Stat(
            pid=_number(head.partition(b" ")[0]),
            state=fields[0].decode("ascii"),
            parent=_number(fields[1]),
            user_ticks=_number(fields[11]),
            system_ticks=_number(fields[12]),
            threads=_number(fields[17]),
            start_ticks=_number(fields[19]),
            virtual_bytes=_number(fields[20]),
        )
    except ValueError:
        raise Malformed(f"stat: {_excerpt(data)}") from None


def parse_resident_pages(statm: bytes) -> int:
    """The second field of /proc/PID/statm, which is exact; that of stat lags behind."""
    try:
        return _number(statm.split(maxsplit=2)[1])
    except (IndexError, ValueError):
        raise Malformed(f"statm: {_excerpt(statm)}") from None


def parse_max_fds(limits: bytes) -> int | None:
    """The soft limit of `Max open files`; None if there is none."""
    found = _search(rb"^Max open files +(\d{1,20}|unlimited) ", limits, "limits")
    return None if found == b"unlimited" else int(found)


def parse_namespace_pids(status: bytes) -> tuple[int, ...]:
    """The line NSpid: the pid in each pid namespace from the reader's down; since Linux 4.1."""
    found = _search(rb"^NSpid:((?:[ \t]+\d{1,20})+)[ \t]*$", status, "status")
    return tuple(map(int, found.split()))


def parse_boot_time(stat: bytes) -> int:
    """The line btime of /proc/stat, as Unix time."""
    return int(_search(rb"^btime (\d{1,20})$", stat, "stat of the system"))


def parse_shared_memory(smaps_rollup: bytes) -> tuple[int, int]:
    """Proportional and unique set size in bytes; the kernel prints KiB."""
    found = {
        name: int(size) * 1024
        for name, size in re.findall(
            rb"^(Pss|Private_Clean|Private_Dirty):\s+(\d{1,20}) kB$", smaps_rollup, re.MULTILINE
        )
    }
    try:
        return found[b"Pss"], found[b"Private_Clean"] + found[b"Private_Dirty"]
    except KeyError:
        raise Malformed(f"smaps_rollup: {_excerpt(smaps_rollup)}") from None


def parse_epoll(fdinfo: bytes) -> list[int]:
    """File descriptors that it polls (the kernel's Documentation/filesystems/proc.rst)."""
    return [int(number) for number in re.findall(rb"^tfd: +(\d{1,10}) ", fdinfo, re.MULTILINE)]


def parse_pids(children: bytes) -> list[int]:
    try:
        return [_number(part) for part in children.split()]
    except ValueError:
        raise Malformed(f"children: {_excerpt(children)}") from None


def _search(pattern: bytes, text: bytes, name: str) -> bytes:
    """The first group of the pattern, in which ^ matches at every line."""
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise Malformed(f"{name}: {_excerpt(text)}")
    return found[1]


# The kernel's numbers have at most 64 bits.
_MAX_DIGITS: Final = 20


def _number(text: bytes) -> int:
    """Digits only; raises ValueError for signs, blanks and underscores, which int() accepts."""
    if not text.isdigit() or len(text) > _MAX_DIGITS:
        raise ValueError
    return int(text)


def _excerpt(data: bytes) -> str:
    return repr(data[:80].decode("utf-8", "backslashreplace"))
