"""Failed reads and writes: their reasons, a counter, and the log."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final, Self

from exporters.contract import EXPORTER_ERRORS
from exporters.exposition import Block, block

LOG: Final = logging.getLogger("exporters")
LOG_INTERVAL_SECONDS: Final = 3600.0


class ErrorReason(StrEnum):
    """The label `reason` of the error counter, with what it means."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        reason = str.__new__(cls, value)
        reason._value_ = value
        reason.meaning = meaning
        return reason

    PERMISSION = "permission", "permission denied: the workers run as another user"
    VANISHED = "vanished", "a process or file disappeared while being read; normal if rare"
    MALFORMED = "malformed", "a file of the kernel does not have the documented format"
    CORRUPT = "corrupt", "a metric file of the app or the archive is damaged"
    FILE_DESCRIPTORS = "descriptors", "the sidecar has reached its limit on open files"
    SOCKETS = "sockets", "the kernel's socket tables cannot be read"
    READ = "read", "reading failed for any other reason"
    WRITE = "write", "the archive cannot be written: disk full or folder read-only"


ReportError = Callable[[ErrorReason, str], None]
"""Takes the reason of a failure, and the details for the log (never for a label)."""


_BY_ERRNO: Final = {
    errno.EACCES: ErrorReason.PERMISSION,
    errno.EPERM: ErrorReason.PERMISSION,
    errno.ENOENT: ErrorReason.VANISHED,
    errno.ESRCH: ErrorReason.VANISHED,
    errno.EMFILE: ErrorReason.FILE_DESCRIPTORS,
    errno.ENFILE: ErrorReason.FILE_DESCRIPTORS,
}


def reason_of(error: OSError) -> ErrorReason:
    """Why the operating system refused to read."""
    return _BY_ERRNO.get(error.errno or 0, ErrorReason.READ)


class ErrorCounter:
    """Counts failures. Every reason starts at 0, so that `increase()` sees the first one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts = dict.fromkeys(ErrorReason, 0)
        self._logged_at: dict[ErrorReason, float] = {}

    def report(self, reason: ErrorReason, details: str) -> None:
        """Count one failure, and log it unless its reason was logged within the last hour."""
        self._counts[reason] += 1
        now = self._clock()
        if now - self._logged_at.get(reason, -LOG_INTERVAL_SECONDS) >= LOG_INTERVAL_SECONDS:
            self._logged_at[reason] = now
            LOG.warning("%s: %s (logged at most once an hour; all are counted)", reason, details)

    def block(self) -> Block:
        return block(
            EXPORTER_ERRORS, (((reason,), count) for reason, count in self._counts.items())
        )
