"""The clock of a promtool test."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Samples arrive and rules are evaluated at the same time, every `interval` whole seconds.

    At the same time, because a slope or a rate read between two scrapes is slightly off.
    """

    interval: int

    def tick(self, seconds: float) -> int:
        """The first evaluation at or after `seconds`."""
        return math.ceil(seconds / self.interval) * self.interval
