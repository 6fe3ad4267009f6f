"""The clock of a promtool test."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """When samples come and rules are evaluated, in whole seconds."""

    scrape: int
    evaluate: int

    def tick(self, seconds: float) -> int:
        """The first evaluation at or after `seconds`."""
        return math.ceil(seconds / self.evaluate) * self.evaluate

    @property
    def step(self) -> int:
        """The shortest time after which a scrape and an evaluation coincide again."""
        return math.lcm(self.scrape, self.evaluate)

    def grid(self, seconds: float) -> int:
        """The first common moment of scrape and evaluation at or after `seconds`."""
        return math.ceil(seconds / self.step) * self.step
