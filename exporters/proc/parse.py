"""The formats of /proc, as man proc(5) describes them; every parser raises Malformed alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from exporters.reasons import Reason


class ProcError(Exception):
    """Something of a process could not be read."""

    reason: Reason = Reason.READ


class Gone(ProcError):  # noqa: N818  # a state of the process
    """There is no such process, or no longer."""

    reason = Reason.VANISHED


class Denied(ProcError):  # noqa: N818  # a state of the process
    """Another user's, and the kernel keeps it from this one."""

    reason = Reason.PERMISSION


class OutOfDescriptors(ProcError):  # noqa: N818  # a state of the sidecar
    """The sidecar has as many files open as it may."""

    reason = Reason.DESCRIPTORS


class Malformed(ProcError):  # noqa: N818  # a state of the text
    """The text is not as documented."""

    reason = Reason.MALFORMED


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """A process, never confused with a later one of the same pid."""

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
        """Not a zombie, nor about to be one: a process that ends releases its memory first."""
        return self.state not in "ZXx" and self.virtual_bytes > 0

    @property
    def identity(self) -> Identity:
        return Identity(self.start_ticks, self.pid)


def parse_stat(data: bytes) -> Stat:
    """The name in brackets may hold anything, brackets and newlines too: its last one ends it."""
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
    """The soft limit of `Max open files`; None where there is none."""
    found = re.search(rb"^Max open files +(\d+|unlimited) ", limits, re.MULTILINE)
    if not found:
        raise Malformed(f"limits: {_excerpt(limits)}")
    return None if found[1] == b"unlimited" else _number(found[1])


def parse_namespace_pids(status: bytes) -> tuple[int, ...]:
    """The line NSpid: the pid in each pid namespace from the reader's down; since Linux 4.1."""
    found = re.search(rb"^NSpid:((?:[ \t]+\d+)+)[ \t]*$", status, re.MULTILINE)
    if not found:
        raise Malformed(f"status without NSpid: {_excerpt(status)}")
    return tuple(_number(part) for part in found[1].split())


def parse_boot_time(stat: bytes) -> int:
    """The line btime of /proc/stat, Unix time in seconds."""
    found = re.search(rb"^btime (\d+)$", stat, re.MULTILINE)
    if not found:
        raise Malformed(f"stat of the system without btime: {_excerpt(stat)}")
    return _number(found[1])


def parse_shared_memory(smaps_rollup: bytes) -> tuple[int, int]:
    """Proportional and unique bytes; the kernel prints KiB."""
    found = {
        name: _number(size) * 1024
        for name, size in re.findall(
            rb"^(Pss|Private_Clean|Private_Dirty):\s+(\d+) kB$", smaps_rollup, re.MULTILINE
        )
    }
    try:
        return found[b"Pss"], found[b"Private_Clean"] + found[b"Private_Dirty"]
    except KeyError:
        raise Malformed(f"smaps_rollup: {_excerpt(smaps_rollup)}") from None


def parse_epoll(fdinfo: bytes) -> list[int]:
    """Descriptors that it waits for (the kernel's Documentation/filesystems/proc.rst)."""
    return [_number(number) for number in re.findall(rb"^tfd: +(\d{1,10}) ", fdinfo, re.MULTILINE)]


def parse_pids(children: bytes) -> list[int]:
    try:
        return [_number(part) for part in children.split()]
    except ValueError:
        raise Malformed(f"children: {_excerpt(children)}") from None


# The kernel's numbers have 64 bits; longer text is none of its own.
_LONGEST: Final = 20


def _number(text: bytes) -> int:
    """Digits alone; raises ValueError for signs, blanks and underscores, which int() takes."""
    if not text.isdigit() or len(text) > _LONGEST:
        raise ValueError
    return int(text)


def _excerpt(data: bytes) -> str:
    return repr(data[:80].decode("utf-8", "backslashreplace"))
