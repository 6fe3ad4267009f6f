"""Whether the process that wrote a metric file is dead.

A file is named after the pid that its worker has in its own pid namespace. In another namespace
every live worker would look dead, and merging the file of a live worker silently loses what it
counts from then on. So nothing is merged before a live worker shows that the pids are comparable.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from exporters.app.folder import AppMetrics
from exporters.proc.parse import Gone, Identity, ProcError
from exporters.proc.root import ProcRoot


class Liveness:
    """Pids in the names of the app's files, looked up in the sidecar's pid namespace."""

    def __init__(self, proc: ProcRoot, app: AppMetrics) -> None:
        self._proc = proc
        self._app = app
        self._verified: set[Identity] = set()

    def pids_match(self, workers: Iterable[Identity]) -> bool:
        """Whether one of these live workers has the file open that is named after its pid."""
        alive = set(workers)
        self._verified &= alive
        self._verified.update(
            worker for worker in alive - self._verified if self._has_own_file_open(worker.pid)
        )
        return bool(self._verified)

    def _has_own_file_open(self, pid: int) -> bool:
        try:
            return self._proc.namespace_pids(pid) == (pid,) and any(
                self._proc.has_open(pid, *file) for file in self._app.file_ids(pid)
            )
        except (OSError, ProcError):
            return False

    def is_dead(self, pid: int) -> bool:
        """Whether the pid has no process, or only a zombie, which writes nothing any more."""
        try:
            return not self._proc.stat(pid).alive
        except Gone:
            return not _accepts_signals(pid)
        except ProcError:
            return False


def _accepts_signals(pid: int) -> bool:
    """A second check, as a mount option can make /proc hide processes of other users."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
