"""Quantities over the seconds of a scenario, and their samples in promtool's notation."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Any, Final, Generic, Literal, TypeVar

from generator.alerts.clock import Clock
from generator.alerts.testcases.series import Phase, gap, run
from generator.promql import number

T = TypeVar("T")
# A scrape may fail, be left out as Prometheus itself is down, or have no target to go to.
ScrapeState = Literal["scraped", "failed", "lost", "unknown"]


@dataclass(frozen=True)
class Span:
    """From `start` to `end`, in seconds since the start of the scenario."""

    start: float
    end: float


@dataclass(frozen=True)
class TimeSeries(Generic[T]):
    """Values that hold, or numbers that grow, until the next: (moment, value, growth a second)."""

    points: tuple[tuple[float, T, float], ...]

    @property
    def moments(self) -> tuple[float, ...]:
        return tuple(moment for moment, _, _ in self.points)

    def then(self, moment: float, value: T, growth: float = 0.0) -> TimeSeries[T]:
        """Unchanged until `moment`; from then on `value`, which may grow."""
        before = (point for point in self.points if point[0] < moment)
        return TimeSeries((*before, (moment, value, growth)))

    def grow(self, moment: float, growth: float) -> TimeSeries[T]:
        """Unchanged until `moment`; it goes on from there with another growth."""
        return self.then(moment, self.at(moment), growth)

    def during(self, span: Span, value: T) -> TimeSeries[T]:
        """`value` for a while, then what there would have been without it."""
        resumed = self.grow(span.end, self.growth(span.end)).points[-1]
        later = (point for point in self.points if point[0] > span.end)
        return TimeSeries((*self.then(span.start, value).points, resumed, *later))

    def at(self, moment: float) -> T:
        start, value, growth = self._latest(moment)
        found: T = value + growth * max(0.0, moment - start) if growth else value
        return found

    def growth(self, moment: float) -> float:
        return self._latest(moment)[2]

    def _latest(self, moment: float) -> tuple[float, Any, float]:
        """The point that holds at `moment`."""
        return self.points[max(0, bisect_right(self.points, moment, key=itemgetter(0)) - 1)]


def steady(value: T) -> TimeSeries[T]:
    return TimeSeries(((0.0, value, 0.0),))


def combine(function: Callable[..., T], *parts: TimeSeries[Any]) -> TimeSeries[T]:
    """`function` of the parts' values, at every moment that one of them has."""
    return TimeSeries(
        tuple((each, function(*(part.at(each) for part in parts)), 0.0) for each in _moments(parts))
    )


def total(parts: Sequence[TimeSeries[float]]) -> TimeSeries[float]:
    return TimeSeries(
        tuple(
            (each, sum(part.at(each) for part in parts), sum(part.growth(each) for part in parts))
            for each in _moments(parts)
        )
    )


def _moments(parts: Iterable[TimeSeries[Any]]) -> list[float]:
    return sorted({moment for part in parts for moment in part.moments})


ALWAYS: Final = steady(True)
SCRAPED: Final[TimeSeries[ScrapeState]] = steady("scraped")


@dataclass(frozen=True)
class Sampler:
    """Takes the samples of a scenario that is `length` seconds long, where scrapes succeed."""

    clock: Clock
    length: int
    scrapes: TimeSeries[ScrapeState]

    def stretches(self, moments: Iterable[float]) -> list[tuple[int, int]]:
        """Stretches in which nothing changes, by their first sample and the one after the last."""
        starts = {self.clock.tick(each) for each in (0.0, *moments, *self.scrapes.moments)}
        ordered = sorted(start for start in starts if start < self.length)
        return list(pairwise((*ordered, self.length)))

    def phases(self, values: TimeSeries[Any], resets: Iterable[float] = ()) -> list[Phase]:
        """The stretches of `values`, which is None where there is no sample."""
        reset_at = {self.clock.tick(each) for each in resets}
        return [
            Phase(
                end - start,
                values.at(start) if self.scrapes.at(start) == "scraped" else None,
                reset=start in reset_at,
                lost=self.scrapes.at(start) == "lost",
            )
            for start, end in self.stretches((*values.moments, *reset_at))
        ]

    def gauge(self, values: TimeSeries[float], *present: TimeSeries[bool]) -> str:
        """A gauge's values in promtool's notation, while all of `present` hold."""
        parts: list[str] = []
        for start, end in self.stretches(_moments((values, *present))):
            samples = (end - start) // self.clock.interval
            if self.scrapes.at(start) != "scraped" or not all(each.at(start) for each in present):
                parts += gap(samples, lost=self.scrapes.at(start) == "lost")
                continue
            value, growth = number(values.at(start)), values.growth(start) * self.clock.interval
            parts.append(run(f"{value}{growth:+.10g}" if growth else value, samples))
        return " ".join(parts)
