"""Stable numbers for workers, so that labels need no pid."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from exporters.proc.parse import Identity


class Slots:
    """A respawned worker takes the lowest slot that is free; the others keep theirs.

    There are never more slots than workers were alive at once.
    """

    def __init__(self) -> None:
        self._taken: dict[Identity, int] = {}
        self._free: list[int] = []
        self.starts = 0

    def update(self, alive: Iterable[Identity]) -> dict[Identity, int]:
        """Slot of each live worker; new ones are numbered in the order of their start."""
        present = set(alive)
        for ended in self._taken.keys() - present:
            heappush(self._free, self._taken.pop(ended))
        for started in sorted(present - self._taken.keys()):
            slot = heappop(self._free) if self._free else len(self._taken)
            self._taken[started] = slot
            self.starts += 1
        return dict(self._taken)
