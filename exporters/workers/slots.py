"""Stable numbers for workers, so that labels do not need the pid."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from exporters.proc.parse import Identity


class Slots:
    """A new worker takes the lowest free slot; the others keep theirs.

    There are never more slots than there were live workers at one time. `starts` are the workers
    that each slot has had so far.
    """

    def __init__(self) -> None:
        self._taken: dict[Identity, int] = {}
        self._free: list[int] = []
        self.starts: list[int] = []

    def update(self, alive: Iterable[Identity]) -> dict[Identity, int]:
        """Slot of each live worker; new ones are numbered by start time."""
        present = set(alive)
        for dead in self._taken.keys() - present:
            heappush(self._free, self._taken.pop(dead))
        for new in sorted(present - self._taken.keys()):
            if not self._free:
                heappush(self._free, len(self.starts))
                self.starts.append(0)
            slot = heappop(self._free)
            self._taken[new] = slot
            self.starts[slot] += 1
        return dict(self._taken)
