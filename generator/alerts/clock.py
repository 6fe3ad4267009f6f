"""The clock of a promtool test."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Samples come and rules are evaluated together, every `interval` (whole seconds).

    Together, because a slope or a rate read between two scrapes is a little off its true value.
    """

    interval: int

    def tick(self, seconds: float) -> int:
        """The first evaluation at or after `seconds`."""
        return math.ceil(seconds / self.interval) * self.interval
