"""What a run has measured, graded by the targets that its load has in the thresholds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from generator.measured import measured_text
from generator.thresholds import Thresholds
from generator.thresholds.levels import ErrorTargets, Levels
from generator.thresholds.settings import TrafficAlert

# Rows of the latency and the share of the samples that lie at or under them.
PERCENTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}


class Level(IntEnum):
    """From best to worst; the words are those of the guide's tables."""

    TARGET = 0
    ACCEPTABLE = 1
    POOR = 2
    CRITICAL = 3


@dataclass(frozen=True)
class Grade:
    """A measured value beside its row of the targets; None where the run is too short to tell.

    `of` says what was measured, where a run measures several, and `interval` between which values
    the true one lies: with a confidence of 95 %, of growth 99.9 %.
    """

    row: str
    value: float | None
    levels: Levels
    of: str = ""
    interval: tuple[float, float] | None = None

    @property
    def level(self) -> Level | None:
        return None if self.value is None else level_of(self.levels, self.value)

    @property
    def name(self) -> str:
        return f"{self.of}: {self.row}" if self.of else self.row

    @property
    def measured(self) -> str:
        """The value and its interval in words; "too few" samples where there is none."""
        unit = self.levels.unit
        value = "too few" if self.value is None else measured_text(self.value, unit)
        if self.interval is None:
            return value
        low, high = (measured_text(each, unit) for each in self.interval)
        return f"{'unclear' if self.value is None else value} ({low} to {high})"


@dataclass(frozen=True)
class Verdict:
    """`counted` says what the run rests on, `empty` why it proves nothing; "" if it does.

    `regressions` are what is worse than in an earlier run, each in words.
    """

    grades: tuple[Grade, ...]
    counted: str
    empty: str = ""
    regressions: tuple[str, ...] = ()

    @property
    def worst(self) -> Level:
        return max((each.level for each in self.grades if each.level is not None), default=Level(0))

    @property
    def exit_code(self) -> int:
        """0 for target and acceptable, 1 for worse or a regression, 2 if nothing is proven."""
        if self.empty:
            return 2
        return int(self.worst > Level.ACCEPTABLE or bool(self.regressions))

    @property
    def word(self) -> str:
        return "nothing proven" if self.empty else self.worst.name.lower()

    @property
    def said(self) -> str:
        """What it comes to, in a line."""
        if self.empty:
            return f"nothing proven: {self.empty}"
        worse = f"; slower than before: {'; '.join(self.regressions)}" if self.regressions else ""
        return f"verdict: {self.word}, of {self.counted}{worse}"


def level_of(levels: Levels, value: float) -> Level:
    """Each number of a row is the last value of its level; a row of two ends with poor."""
    beyond = Level.TARGET
    for name, edge in levels.edges():
        if value <= edge if levels.worse == "above" else value >= edge:
            return Level[name.upper()]
        beyond = Level(Level[name.upper()] + 1)
    return beyond


def worst(grades: Iterable[Grade]) -> list[Grade]:
    """Of each row, in their order, the one grade that is worst: by level, then by value.

    Poor is worse than unclear, unclear is worse than good, and too few samples say least.
    """
    found: dict[str, Grade] = {}
    for each in grades:
        if each.row not in found or _badness(each) > _badness(found[each.row]):
            found[each.row] = each
    return list(found.values())


def _badness(grade: Grade) -> tuple[int, float]:
    if grade.value is None or grade.level is None:
        return Level.POOR if grade.interval else -1, -math.inf
    sign = 1 if grade.levels.worse == "above" else -1
    return grade.level, sign * grade.value


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """By nearest rank: the smallest sample with at least that share at or under it.

    None where not even one sample is expected beyond it.
    """
    if len(ordered) * (1 - share) < 1 - 1e-9:
        return None
    return ordered[math.ceil(share * len(ordered) - 1e-9) - 1]


def of_users(rates: ErrorTargets, users: int) -> str:
    """The row of a load: the first that holds so many users; the last holds all others."""
    *names, last = type(rates).model_fields
    bounds = {name: getattr(rates, name).up_to_users for name in names}
    return next((name for name, bound in bounds.items() if users <= bound), last)


def latency_grades(thresholds: Thresholds, seconds: Iterable[float], of: str = "") -> list[Grade]:
    """Of the times of requests that succeeded, by percentile."""
    ordered = sorted(seconds)
    rows = thresholds.rows()
    return [
        Grade(f"latency.{name}", percentile(ordered, share), rows[f"latency.{name}"], of)
        for name, share in PERCENTILES.items()
    ]


def error_grade(thresholds: Thresholds, total: int, failed: int, users: int, of: str = "") -> Grade:
    """Of the share of requests that failed, by the row of the load."""
    row = f"error_rate.{of_users(thresholds.targets.error_rate, users)}"
    return Grade(row, failed / total if total else None, thresholds.rows()[row], of)


def refused(limited: int) -> str:
    """That the rate limit was met, and what to do about it."""
    return (
        f"the rate limit refused {limited} requests (429): set ENABLE_RATE_LIMITING=false, or a "
        "higher RATE_LIMIT_PER_MINUTE and RATE_LIMIT_BURST"
    )


def proves_nothing(
    thresholds: Thresholds, answered: int, problems: Mapping[str, int], limited: int = 0
) -> str:
    """Why so many verifications prove nothing; "" if they do.

    `problems` counts those that failed, by what was wrong; `limited` those that were refused.
    """
    total = answered + sum(problems.values())
    least = thresholds.alert("high_error_rate", TrafficAlert).min_requests
    if total < least and limited:
        return f"{total} verifications, fewer than {least}: {refused(limited)}"
    if not total:
        return "no verification was asked for"
    if not answered:
        most = max(problems, key=lambda each: problems[each])
        return f"none of {total} verifications succeeded; most often: {most}"
    return f"{total} verifications, fewer than {least}" if total < least else ""


def judge(
    thresholds: Thresholds,
    seconds: Sequence[float],
    problems: Mapping[str, int],
    users: int,
    limited: int = 0,
) -> Verdict:
    """Of the latencies of verifications that succeeded, and what the others had, at a load."""
    failed = sum(problems.values())
    total = len(seconds) + failed
    grades = (
        *latency_grades(thresholds, seconds),
        error_grade(thresholds, total, failed, users),
    )
    counted = f"{total} verifications"
    if limited:
        counted += f", {limited} more refused by the rate limit (429)"
    return Verdict(grades, counted, proves_nothing(thresholds, len(seconds), problems, limited))
