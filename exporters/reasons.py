"""Why something could not be read or written: the label `reason` of the sidecar's error counter."""

from __future__ import annotations

import errno
from collections.abc import Callable
from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    PERMISSION = "permission"  # the kernel refuses: another user, a hardened container
    VANISHED = "vanished"  # it ended or was removed while it was being read
    MALFORMED = "malformed"  # the kernel's text is not as documented
    CORRUPT = "corrupt"  # a file of the app's metrics, or the archive, is damaged
    DESCRIPTORS = "descriptors"  # the sidecar's own limit of open files is reached
    SOCKETS = "sockets"  # the kernel's socket tables cannot be read
    READ = "read"  # any other failure of reading
    WRITE = "write"  # the archive cannot be written: full disk, read-only folder


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
