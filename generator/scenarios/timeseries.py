"""Courses of a quantity over the seconds of a scenario, and the phases they make together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Generic, Literal, TypeVar

from generator.alerts.clock import Clock
from generator.alerts.testcases.series import Phase, gap, run
from generator.promql import number

T = TypeVar("T")
P = TypeVar("P", bound=tuple[float, *tuple[object, ...]])
# A scrape may fail, never be tried as Prometheus itself is down, or its target not be known.
ScrapeState = Literal["scraped", "failed", "lost", "unknown"]


@dataclass(frozen=True)
class Steps(Generic[T]):
    """A value that holds from its moment to the next one."""

    points: tuple[tuple[float, T], ...]

    def to(self, moment: float, value: T) -> Steps[T]:
        """The same course until `moment`, `value` from then on."""
        return Steps((*(point for point in self.points if point[0] < moment), (moment, value)))

    def between(self, start: float, end: float, value: T) -> Steps[T]:
        """`value` for a while, then what the course would have been."""
        later = tuple(point for point in self.points if point[0] > end)
        return Steps((*self.to(start, value).points, (end, self.at(end)), *later))

    def at(self, moment: float) -> T:
        return _latest(self.points, moment)[1]

    @property
    def alert_tests(self) -> Iterable[float]:
        return (point[0] for point in self.points)


@dataclass(frozen=True)
class Line:
    """A value that grows steadily from its moment to the next: (moment, value, growth a second)."""

    points: tuple[tuple[float, float, float], ...]

    def to(self, moment: float, value: float, growth: float = 0.0) -> Line:
        """The same course until `moment`; from then on `value`, which grows."""
        return Line(
            (*(point for point in self.points if point[0] < moment), (moment, value, growth))
        )

    def grow(self, moment: float, growth: float) -> Line:
        """The same course until `moment`, which goes on from there with another growth."""
        return self.to(moment, self.at(moment), growth)

    def between(self, start: float, end: float, value: float) -> Line:
        """`value` for a while, then what there was before."""
        return self.to(start, value).to(end, self.at(start))

    def at(self, moment: float) -> float:
        start, value, growth = _latest(self.points, moment)
        return value + growth * max(0.0, moment - start)

    def growth(self, moment: float) -> float:
        return _latest(self.points, moment)[2]

    @property
    def alert_tests(self) -> Iterable[float]:
        return (point[0] for point in self.points)


def steady(value: T) -> Steps[T]:
    return Steps(((0.0, value),))


def level(value: float) -> Line:
    return Line(((0.0, value, 0.0),))


def total(lines: Sequence[Line]) -> Line:
    alert_tests = sorted({moment for line in lines for moment in line.alert_tests})
    return Line(
        tuple(
            (
                moment,
                sum(line.at(moment) for line in lines),
                sum(line.growth(moment) for line in lines),
            )
            for moment in alert_tests
        )
    )


ALWAYS: Final = steady(True)
SCRAPED: Final[Steps[ScrapeState]] = Steps(((0.0, "scraped"),))


@dataclass(frozen=True)
class Grid:
    """The samples of a scenario, and whether a target's scrapes succeed."""

    clock: Clock
    length: int
    seen: Steps[ScrapeState]

    def cuts(self, alert_tests: Iterable[float]) -> list[tuple[int, int]]:
        """Stretches in which nothing changes, by their first sample and the one after the last."""
        starts = {self.clock.tick(each) for each in (0.0, *alert_tests, *self.seen.alert_tests)}
        ordered = sorted(start for start in starts if start < self.length)
        return list(pairwise((*ordered, self.length)))

    def phases(
        self,
        alert_tests: Iterable[float],
        value: Callable[[float], float | None],
        resets: Iterable[float] = (),
    ) -> list[Phase]:
        """`value` of each stretch; None where there is no sample."""
        again = {self.clock.tick(each) for each in resets}
        return [
            Phase(
                end - start,
                value(start) if self.seen.at(start) == "scraped" else None,
                reset=start in again,
                lost=self.seen.at(start) == "lost",
            )
            for start, end in self.cuts((*alert_tests, *again))
        ]

    def line(self, course: Line, *there: Steps[bool]) -> str:
        """A gauge's values in promtool's notation, where `there` says that it has any."""
        parts: list[str] = []
        alert_tests = [
            *course.alert_tests,
            *(moment for each in there for moment in each.alert_tests),
        ]
        for start, end in self.cuts(alert_tests):
            samples = (end - start) // self.clock.interval
            if self.seen.at(start) != "scraped" or not all(each.at(start) for each in there):
                parts += gap(samples, lost=self.seen.at(start) == "lost")
                continue
            value, growth = number(course.at(start)), course.growth(start) * self.clock.interval
            parts.append(run(f"{value}{growth:+.10g}" if growth else value, samples))
        return " ".join(parts)


def _latest(points: Sequence[P], moment: float) -> P:
    """The point that holds at `moment`; most courses have a single one."""
    if len(points) == 1:
        return points[0]
    return points[max(0, bisect_right(points, moment, key=_moment) - 1)]


def _moment(point: tuple[float, *tuple[object, ...]]) -> float:
    return point[0]
