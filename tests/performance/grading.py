"""Grades the measurements of a run by the targets for its load."""

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

# The latency rows, and the share of samples at or below their value.
PERCENTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}


class Level(IntEnum):
    """From best to worst."""

    TARGET = 0
    ACCEPTABLE = 1
    POOR = 2
    CRITICAL = 3


@dataclass(frozen=True)
class Grade:
    """A measured value and its row of the targets; the value is None if the run was too short.

    `subject` names the benchmark or worker where a run has several. `interval` is the confidence
    interval: 99.9% for growth, else 95%.
    """

    row: str
    value: float | None
    levels: Levels
    subject: str = ""
    interval: tuple[float, float] | None = None

    @property
    def level(self) -> Level | None:
        return None if self.value is None else level_of(self.levels, self.value)

    @property
    def name(self) -> str:
        return f"{self.subject}: {self.row}" if self.subject else self.row

    @property
    def measured(self) -> str:
        """The value and its interval as text."""
        unit = self.levels.unit
        value = "too few samples" if self.value is None else measured_text(self.value, unit)
        if self.interval is None:
            return value
        low, high = (measured_text(each, unit) for each in self.interval)
        return f"{'unclear' if self.value is None else value} ({low} to {high})"


@dataclass(frozen=True)
class Verdict:
    """`basis` says how much was measured, `inconclusive` why that is not enough, or "".

    `regressions` describe what is slower than the baseline.
    """

    grades: tuple[Grade, ...]
    basis: str
    inconclusive: str = ""
    regressions: tuple[str, ...] = ()

    @property
    def worst(self) -> Level:
        return max((each.level for each in self.grades if each.level is not None), default=Level(0))

    @property
    def exit_code(self) -> int:
        """0 for target and acceptable, 1 if worse or slower than before, 2 if inconclusive."""
        if self.inconclusive:
            return 2
        return int(self.worst > Level.ACCEPTABLE or bool(self.regressions))

    @property
    def label(self) -> str:
        return "inconclusive" if self.inconclusive else self.worst.name.lower()

    @property
    def summary(self) -> str:
        """One line."""
        if self.inconclusive:
            return f"inconclusive: {self.inconclusive}"
        slower = "; ".join(self.regressions)
        suffix = f"; slower than the baseline: {slower}" if slower else ""
        return f"verdict: {self.label}, based on {self.basis}{suffix}"


def level_of(levels: Levels, value: float) -> Level:
    """Each number of a row is the last value of its level. A row of two ends with poor."""
    beyond = Level.TARGET
    for name, edge in levels.edges():
        if value <= edge if levels.worse == "above" else value >= edge:
            return Level[name.upper()]
        beyond = Level(Level[name.upper()] + 1)
    return beyond


def worst(grades: Iterable[Grade]) -> list[Grade]:
    """The worst grade of each row, in the order of the rows: by level, then by value.

    From worst to best: poor, unclear growth, good, too few samples.
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
    """By nearest rank: the smallest sample with at least that share at or below it.

    None if less than one sample is expected above it.
    """
    if len(ordered) * (1 - share) < 1 - 1e-9:
        return None
    return ordered[math.ceil(share * len(ordered) - 1e-9) - 1]


def error_row(targets: ErrorTargets, users: int) -> str:
    """The first row for at least this many users, else the last row."""
    *names, last = type(targets).model_fields
    limits = {name: getattr(targets, name).up_to_users for name in names}
    return next((name for name, limit in limits.items() if users <= limit), last)


def latency_grades(
    thresholds: Thresholds, seconds: Iterable[float], subject: str = ""
) -> list[Grade]:
    """The percentiles of the latencies of successful requests."""
    ordered = sorted(seconds)
    rows = thresholds.rows()
    return [
        Grade(f"latency.{name}", percentile(ordered, share), rows[f"latency.{name}"], subject)
        for name, share in PERCENTILES.items()
    ]


def error_grade(
    thresholds: Thresholds, total: int, failed: int, users: int, subject: str = ""
) -> Grade:
    """The share of failed requests, by the row for that many users."""
    row = f"error_rate.{error_row(thresholds.targets.error_rate, users)}"
    return Grade(row, failed / total if total else None, thresholds.rows()[row], subject)


def rate_limit_advice(limited: int) -> str:
    return (
        f"the rate limit rejected {limited} requests (429): set ENABLE_RATE_LIMITING=false or "
        "raise RATE_LIMIT_PER_MINUTE and RATE_LIMIT_BURST"
    )


def too_few_responses(
    thresholds: Thresholds, answered: int, problems: Mapping[str, int], limited: int = 0
) -> str:
    """Why these verifications are not enough for a verdict; "" if they are.

    `problems` counts the failed ones by problem; `limited` is how many the rate limit rejected.
    """
    total = answered + sum(problems.values())
    least = thresholds.alert("high_error_rate", TrafficAlert).min_requests
    text = f"only {total} verifications, at least {least} are needed"
    if total < least and limited:
        return f"{text}: {rate_limit_advice(limited)}"
    if not total:
        return "no verifications were sent"
    if not answered:
        most = max(problems, key=lambda each: problems[each])
        return f"all {total} verifications failed, most often with: {most}"
    return text if total < least else ""


def evaluate(
    thresholds: Thresholds,
    seconds: Sequence[float],
    problems: Mapping[str, int],
    users: int,
    limited: int = 0,
) -> Verdict:
    """Grade the latencies of the successful verifications, and the share of failed ones."""
    failed = sum(problems.values())
    total = len(seconds) + failed
    grades = (
        *latency_grades(thresholds, seconds),
        error_grade(thresholds, total, failed, users),
    )
    basis = f"{total} verifications"
    if limited:
        basis += f" ({limited} more were rejected with 429)"
    return Verdict(grades, basis, too_few_responses(thresholds, len(seconds), problems, limited))
