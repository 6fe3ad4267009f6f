"""What a run has measured, graded by the targets that its load has in the thresholds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Final

from generator.markdown import table
from generator.measured import measured_text
from generator.thresholds import Thresholds
from generator.thresholds.levels import ErrorTargets, Levels
from generator.thresholds.units import format_value

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
    """A measured value beside its row of the targets; None where the run is too short to tell."""

    row: str
    value: float | None
    levels: Levels

    @property
    def level(self) -> Level | None:
        return None if self.value is None else level_of(self.levels, self.value)


@dataclass(frozen=True)
class Verdict:
    """`empty` says why a run proves nothing; it is "" for one that does."""

    grades: tuple[Grade, ...]
    total: int
    empty: str = ""

    @property
    def worst(self) -> Level:
        return max((each.level for each in self.grades if each.level is not None), default=Level(0))

    @property
    def exit_code(self) -> int:
        """0 for target and acceptable, 1 for worse, 2 for a run that proves nothing."""
        if self.empty:
            return 2
        return int(self.worst > Level.ACCEPTABLE)

    def text(self) -> str:
        """The table, in Markdown, and what it comes to."""
        head = ("metric", "measured", "target", "acceptable", "poor", "verdict")
        said = self.empty or f"verdict: {self.worst.name.lower()}, of {self.total} verifications"
        return f"{table(head, map(_cells, self.grades))}\n{said}\n"


def _cells(grade: Grade) -> tuple[str, ...]:
    edges = dict(grade.levels.edges())
    unit = grade.levels.unit
    bounds = [
        format_value(edges[name], unit) if name in edges else ""
        for name in ("target", "acceptable", "poor")
    ]
    measured = "too few" if grade.value is None else measured_text(grade.value, unit)
    return (
        grade.row,
        measured,
        *bounds,
        "" if grade.level is None else grade.level.name.lower(),
    )


def level_of(levels: Levels, value: float) -> Level:
    """Each number of a row is the last value of its level; a row of two ends with poor."""
    beyond = Level.TARGET
    for name, edge in levels.edges():
        if value <= edge if levels.worse == "above" else value >= edge:
            return Level[name.upper()]
        beyond = Level(Level[name.upper()] + 1)
    return beyond


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """By nearest rank: the smallest sample with at least that share at or under it.

    None where not even one sample is expected beyond it.
    """
    if len(ordered) * (1 - share) < 1 - 1e-9:
        return None
    return ordered[math.ceil(share * len(ordered) - 1e-9) - 1]


def of_users(rates: ErrorTargets, users: int) -> str:
    """The row of a load: the first that holds so many users; the last holds all others."""
    *names, last = (each.name for each in fields(rates))
    bounds = {name: getattr(rates, name).up_to_users for name in names}
    return next((name for name, bound in bounds.items() if users <= bound), last)


def judge(thresholds: Thresholds, seconds: Sequence[float], failed: int, users: int) -> Verdict:
    """Of the latencies of verifications that succeeded, and how many did not, at a load."""
    total = len(seconds) + failed
    least = thresholds.alerts.high_error_rate.min_requests
    rates = thresholds.targets.error_rate
    ordered = sorted(seconds)
    latency = [
        Grade(f"latency.{name}", percentile(ordered, share), row)
        for name, share in PERCENTILES.items()
        for row in [getattr(thresholds.targets.latency, name)]
    ]
    load = of_users(rates, users)
    share = failed / total if total else None
    ratio = Grade(f"error_rate.{load}", share, getattr(rates, load))
    empty = ""
    if not seconds:
        empty = f"nothing proven: none of {total} verifications was answered"
    elif total < least:
        empty = f"nothing proven: {total} verifications, fewer than {least}"
    return Verdict((*latency, ratio), total, empty)
