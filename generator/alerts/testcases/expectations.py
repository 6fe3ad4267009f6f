"""What recordings are expected to read over time.

Such tests tell apart windows, offsets and aggregations, which an alert on a constant quantity does
not. Counters grow by a power of two, so rounding never makes them seem to fall.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from generator.alerts.clock import Clock
from generator.alerts.context import Context
from generator.alerts.model import Case, ExprTest, Recording, Series
from generator.promql import number, selector

_SAMPLES: Final = 24  # at least, in a window
START: Final = 4.0  # first value of a counter that is older than the test


def exactly(at: float, recording: Recording, labels: Mapping[str, str], value: float) -> ExprTest:
    """Exactly `value`."""
    series = selector(recording.name, labels)
    return ExprTest(at, series, {"__name__": recording.name, **labels}, value)


def about(
    at: float, recording: Recording, labels: Mapping[str, str], value: float, step: float = 0.25
) -> ExprTest:
    """Within half a `step`, a share of `value`; 0 must be met exactly."""
    if not value:
        return exactly(at, recording, labels, 0)
    series = selector(recording.name, labels)
    return ExprTest(at, f"round({series} / {number(value)}, {number(step)})", labels, 1)


def nothing(at: float, recording: Recording, labels: Mapping[str, str]) -> ExprTest:
    """No sample."""
    return ExprTest(at, selector(recording.name, labels), labels, None)


def above(
    at: float, recording: Recording, labels: Mapping[str, str], value: float, *, is_above: bool
) -> ExprTest:
    """Above `value`, or not."""
    series = selector(recording.name, labels)
    return ExprTest(at, f"{series} > bool {number(value)}", labels, int(is_above))


@dataclass(frozen=True)
class Span:
    """A window in samples and in evaluations, with at least `_SAMPLES` samples.

    `length` is the window rounded up to whole samples.
    """

    context: Context
    window: float

    @property
    def clock(self) -> Clock:
        """The clock of the samples."""
        return Clock(max(1, min(self.context.clock.interval, int(self.window / _SAMPLES))))

    @property
    def samples(self) -> int:
        return self.length // self.clock.interval

    @property
    def length(self) -> int:
        return self.clock.tick(self.window)

    @property
    def step(self) -> float:
        """A power of two; a window of samples adds up to between a quarter and a half."""
        return 0.5 ** (math.ceil(math.log2(self.samples)) + 1)

    def at(self, windows: float) -> int:
        """The first evaluation at or after so many windows from the start."""
        return self.context.clock.tick(windows * self.length)

    def case(self, title: str, series: Sequence[Series], expr_tests: Sequence[ExprTest]) -> Case:
        return Case(title, series, expr_tests=expr_tests, interval=self.clock.interval)

    def grows(self) -> str:
        """A counter that grows for one window, then stays the same for three more."""
        last = number(START + self.samples * self.step)
        return f"{number(START)}+{number(self.step)}x{self.samples} {last}x{3 * self.samples}"

    def growth(self, at: float) -> float:
        """How much a counter that grows for one window grew in the window that ends at `at`."""
        end = min(at, self.length)
        return self.step * max(0.0, end - max(0.0, at - self.length)) / self.clock.interval

    def born(self, value: float) -> str:
        """A counter whose series starts after one window and never changes."""
        return f"_x{self.samples} {number(value)}x{3 * self.samples}"

    def turns(self, windows: int, before: float, after: float) -> str:
        """A value that changes once."""
        count = windows * self.samples
        return f"{number(before)}x{count - 1} {number(after)}x{3 * self.samples}"
