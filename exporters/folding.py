"""Whether the pids in the names of the app's files are those that the sidecar sees.

Only then can it tell who is dead. In another pid namespace every live worker would look dead, and a
file taken away from a live worker silently loses what the worker counts from then on.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from exporters.app import AppMetrics
from exporters.proc.parse import Gone, Identity, ProcError
from exporters.proc.root import ProcRoot


class Witness:
    """Looks for a worker that proves it, by holding the file that bears its pid."""

    def __init__(self, proc: ProcRoot, app: AppMetrics) -> None:
        self._proc = proc
        self._app = app
        self._proven: set[Identity] = set()

    def proves(self, workers: Iterable[Identity]) -> bool:
        """Whether one of these live workers does."""
        alive = set(workers)
        self._proven &= alive
        self._proven.update(worker for worker in alive - self._proven if self._holds(worker.pid))
        return bool(self._proven)

    def _holds(self, pid: int) -> bool:
        try:
            return self._proc.namespace_pids(pid) == (pid,) and any(
                self._proc.holds(pid, *place) for place in self._app.places(pid)
            )
        except (OSError, ProcError):
            return False

    def is_dead(self, pid: int) -> bool:
        """Whether no process of this pid lives, or only a zombie, which writes no more."""
        try:
            return not self._proc.stat(pid).alive
        except Gone:
            return not _signalable(pid)
        except ProcError:
            return False


def _signalable(pid: int) -> bool:
    """A second opinion: /proc may be mounted so that it hides the processes of others."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
