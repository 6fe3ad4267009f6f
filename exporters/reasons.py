"""Why something could not be read or written: the label `reason` of the sidecar's error counter."""

from __future__ import annotations

import errno
from collections.abc import Callable
from enum import StrEnum
from typing import Final, Self


class Reason(StrEnum):
    """Each with what it means."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        made = str.__new__(cls, value)
        made._value_ = value
        made.meaning = meaning
        return made

    PERMISSION = "permission", "the kernel refuses: the workers are another user's"
    VANISHED = "vanished", "a process or file went away while it was read; single ones are normal"
    MALFORMED = "malformed", "a text of the kernel is not as documented"
    CORRUPT = "corrupt", "a file of the app's metrics, or the archive, is damaged"
    DESCRIPTORS = "descriptors", "the sidecar's limit of open files is reached"
    SOCKETS = "sockets", "the kernel's socket tables cannot be read"
    READ = "read", "reading failed in another way"
    WRITE = "write", "the archive cannot be written: a full disk, a read-only folder"


Report = Callable[[Reason, str], None]
"""Takes one failure: its reason, and what it was about for the log (never for a label)."""


_BY_ERRNO: Final = {
    errno.EACCES: Reason.PERMISSION,
    errno.EPERM: Reason.PERMISSION,
    errno.ENOENT: Reason.VANISHED,
    errno.ESRCH: Reason.VANISHED,
    errno.EMFILE: Reason.DESCRIPTORS,
    errno.ENFILE: Reason.DESCRIPTORS,
}


def reason_of(error: OSError) -> Reason:
    """Why the operating system refused to read."""
    return _BY_ERRNO.get(error.errno or 0, Reason.READ)
