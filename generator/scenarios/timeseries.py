"""Quantities over the seconds of a scenario, and their samples in promtool's notation."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Generic, Literal, TypeVar

from generator.alerts.clock import Clock
from generator.alerts.testcases.series import Phase, gap, run
from generator.promql import number

T = TypeVar("T")
P = TypeVar("P", bound=tuple[float, *tuple[object, ...]])
# A scrape may fail, be left out as Prometheus itself is down, or have no target to go to.
ScrapeState = Literal["scraped", "failed", "lost", "unknown"]


@dataclass(frozen=True)
class Span:
    """From `start` to `end`, in seconds since the start of the scenario."""

    start: float
    end: float


@dataclass(frozen=True)
class _Points(Generic[P]):
    """Each point holds from its moment, its first value, to the next one."""

    points: tuple[P, ...]

    @property
    def moments(self) -> Iterable[float]:
        return (point[0] for point in self.points)

    def _before(self, moment: float) -> tuple[P, ...]:
        return tuple(point for point in self.points if point[0] < moment)

    def _latest(self, moment: float) -> P:
        """The point that holds at `moment`; most series have a single one."""
        if len(self.points) == 1:
            return self.points[0]
        return self.points[max(0, bisect_right(self.points, moment, key=_moment) - 1)]


def _moment(point: tuple[float, *tuple[object, ...]]) -> float:
    return point[0]


@dataclass(frozen=True)
class Steps(_Points[tuple[float, T]], Generic[T]):
    """A value that holds from its moment to the next one."""

    def then(self, moment: float, value: T) -> Steps[T]:
        """Unchanged until `moment`, `value` from then on."""
        return Steps((*self._before(moment), (moment, value)))

    def during(self, span: Span, value: T) -> Steps[T]:
        """`value` for a while, then what there would have been without it."""
        later = tuple(point for point in self.points if point[0] > span.end)
        return Steps((*self.then(span.start, value).points, (span.end, self.at(span.end)), *later))

    def at(self, moment: float) -> T:
        return self._latest(moment)[1]


@dataclass(frozen=True)
class Line(_Points[tuple[float, float, float]]):
    """A value that grows steadily from its moment to the next: (moment, value, growth a second)."""

    def then(self, moment: float, value: float, growth: float = 0.0) -> Line:
        """Unchanged until `moment`; from then on `value`, which grows."""
        return Line((*self._before(moment), (moment, value, growth)))

    def grow(self, moment: float, growth: float) -> Line:
        """Unchanged until `moment`; it goes on from there with another growth."""
        return self.then(moment, self.at(moment), growth)

    def during(self, span: Span, value: float) -> Line:
        """`value` for a while, then what there was before."""
        return self.then(span.start, value).then(span.end, self.at(span.start))

    def at(self, moment: float) -> float:
        start, value, growth = self._latest(moment)
        return value + growth * max(0.0, moment - start)

    def growth(self, moment: float) -> float:
        return self._latest(moment)[2]


def steady(value: T) -> Steps[T]:
    return Steps(((0.0, value),))


def level(value: float) -> Line:
    return Line(((0.0, value, 0.0),))


def combine(function: Callable[..., T], *parts: Steps[Any]) -> Steps[T]:
    """`function` of the parts' values, with a step wherever one of them has one."""
    moments = sorted({moment for part in parts for moment in part.moments})
    return Steps(
        tuple((moment, function(*(part.at(moment) for part in parts))) for moment in moments)
    )


def total(lines: Sequence[Line]) -> Line:
    moments = sorted({moment for line in lines for moment in line.moments})
    return Line(
        tuple(
            (
                moment,
                sum(line.at(moment) for line in lines),
                sum(line.growth(moment) for line in lines),
            )
            for moment in moments
        )
    )


ALWAYS: Final = steady(True)
SCRAPED: Final[Steps[ScrapeState]] = Steps(((0.0, "scraped"),))


@dataclass(frozen=True)
class Sampler:
    """Takes the samples of a scenario that is `length` seconds long, where scrapes succeed."""

    clock: Clock
    length: int
    scrapes: Steps[ScrapeState]

    def stretches(self, moments: Iterable[float]) -> list[tuple[int, int]]:
        """Stretches in which nothing changes, by their first sample and the one after the last."""
        starts = {self.clock.tick(each) for each in (0.0, *moments, *self.scrapes.moments)}
        ordered = sorted(start for start in starts if start < self.length)
        return list(pairwise((*ordered, self.length)))

    def phases(
        self, values: Steps[float] | Steps[float | None], resets: Iterable[float] = ()
    ) -> list[Phase]:
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

    def line(self, line: Line, *present: Steps[bool]) -> str:
        """A gauge's values in promtool's notation, while all of `present` hold."""
        parts: list[str] = []
        moments = [*line.moments, *(moment for each in present for moment in each.moments)]
        for start, end in self.stretches(moments):
            samples = (end - start) // self.clock.interval
            if self.scrapes.at(start) != "scraped" or not all(each.at(start) for each in present):
                parts += gap(samples, lost=self.scrapes.at(start) == "lost")
                continue
            value, growth = number(line.at(start)), line.growth(start) * self.clock.interval
            parts.append(run(f"{value}{growth:+.10g}" if growth else value, samples))
        return " ".join(parts)
