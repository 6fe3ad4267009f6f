"""One worker's figures, from files of /proc that stay open."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from exporters.proc.parse import (
    Gone,
    Identity,
    ProcError,
    Stat,
    parse_max_fds,
    parse_resident_pages,
    parse_shared_memory,
    parse_stat,
)
from exporters.proc.root import ProcRoot, proc_error
from exporters.reasons import Reason, Report, reason_of

T = TypeVar("T")
PAGE_BYTES: Final = resource.getpagesize()
TICKS: Final = os.sysconf("SC_CLK_TCK")
_ENOUGH: Final = 4096
_NOT_OPEN: Final = -1


@dataclass(frozen=True, slots=True)
class WorkerSample:
    """Bytes and seconds; None is what could not be read, or for `max_fds` no limit."""

    resident_bytes: int | None
    virtual_bytes: int | None
    threads: int | None
    user_seconds: float | None
    system_seconds: float | None
    open_fds: int | None
    max_fds: int | None


class WorkerReader:
    """Keeps `stat` and `statm` open: reading costs half of opening, and an open file stays bound.

    After the end of the process it reads ESRCH, even if another process has its pid by then.
    """

    __slots__ = ("_folder", "_identity", "_proc", "_stat_file", "_statm_file", "start_time")

    def __init__(self, proc: ProcRoot, identity: Identity) -> None:
        """Raises ProcError; Gone too if the pid is another process's now."""
        self._proc = proc
        self._identity = identity
        self._folder = f"{proc.path}/{identity.pid}"
        self._stat_file = self._statm_file = _NOT_OPEN
        try:
            self._stat_file = self._open("stat")
            self._statm_file = self._open("statm")
            if parse_stat(self._text(self._stat_file, "stat")).start_ticks != identity.start_ticks:
                raise Gone(f"{identity.pid} is another process now")
            self.start_time = proc.boot_time() + identity.start_ticks / TICKS
        except ProcError:
            self.close()
            raise

    def _open(self, name: str) -> int:
        path = f"{self._folder}/{name}"
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            if reason_of(error) is Reason.DESCRIPTORS:
                return _NOT_OPEN
            raise proc_error(error, path) from error

    def _text(self, file: int, name: str) -> bytes:
        """Of the open file; without one, by its name."""
        if file == _NOT_OPEN:
            return self._proc.read(f"{self._identity.pid}/{name}")
        try:
            return os.pread(file, _ENOUGH, 0)
        except OSError as error:
            raise proc_error(error, f"{self._folder}/{name}") from error

    def read(self, report: Report) -> WorkerSample | None:
        """None after the end of the process. What cannot be read is reported and left out."""
        failures: list[ProcError] = []
        resident = _or_none(self._resident, failures)
        open_fds = _or_none(self._open_fds, failures)
        max_fds = _or_none(self._max_fds, failures)
        # Last, so that what was read by the pid was read of this process.
        stat = _or_none(self._stat, failures)
        if stat is None and any(isinstance(failure, Gone) for failure in failures):
            return None
        for failure in failures:
            report(failure.reason, str(failure))
        if stat is None:
            return WorkerSample(resident, None, None, None, None, open_fds, max_fds)
        return WorkerSample(
            resident_bytes=resident,
            virtual_bytes=stat.virtual_bytes,
            threads=stat.threads,
            user_seconds=stat.user_ticks / TICKS,
            system_seconds=stat.system_ticks / TICKS,
            open_fds=open_fds,
            max_fds=max_fds,
        )

    def _stat(self) -> Stat:
        stat = parse_stat(self._text(self._stat_file, "stat"))
        if stat.start_ticks != self._identity.start_ticks or not stat.alive:
            raise Gone(f"{self._identity.pid} has ended")
        return stat

    def _resident(self) -> int:
        return parse_resident_pages(self._text(self._statm_file, "statm")) * PAGE_BYTES

    def _open_fds(self) -> int:
        """Linux 6.2 and newer give the number as the folder's size; older ones have it listed."""
        folder = f"{self._folder}/fd"
        try:
            size = os.stat(folder).st_size if self._proc.real else 0
            return size or len(os.listdir(folder))
        except OSError as error:
            raise proc_error(error, folder) from error

    def _max_fds(self) -> int | None:
        """The system call is the quicker way, but for the same user's processes alone."""
        if self._proc.real:
            with suppress(OSError):
                limit, _ = resource.prlimit(self._identity.pid, resource.RLIMIT_NOFILE)
                return None if limit == resource.RLIM_INFINITY else limit
        return parse_max_fds(self._proc.read(f"{self._identity.pid}/limits"))

    def shared_memory(self, report: Report) -> tuple[int, int] | None:
        """Proportional and unique bytes: 0.3 ms, or 10 ms for a process of a gigabyte."""
        try:
            found = parse_shared_memory(self._proc.read(f"{self._identity.pid}/smaps_rollup"))
            self._stat()
        except Gone:
            return None
        except ProcError as error:
            report(error.reason, str(error))
            return None
        return found

    def close(self) -> None:
        for file in (self._stat_file, self._statm_file):
            if file != _NOT_OPEN:
                os.close(file)
        self._stat_file = self._statm_file = _NOT_OPEN


def _or_none(read: Callable[[], T], failures: list[ProcError]) -> T | None:
    try:
        return read()
    except ProcError as error:
        failures.append(error)
        return None
