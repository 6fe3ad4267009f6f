"""How sure a measured value is, and whether another one is really worse: by scipy's tests."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import stats

CONFIDENCE: Final = 0.95
WINDOWS: Final = 10
# Share of false alarms among all that are called slower.
FALSE_DISCOVERIES: Final = 0.01

Interval = tuple[float, float]


def of_percentile(ordered: Sequence[float], share: float) -> Interval | None:
    """Between which of the samples it lies, by their ranks alone (binomial, no distribution).

    None where there are too few samples beyond it for an upper end.
    """
    found: Any = stats.quantile_test(ordered, p=share).confidence_interval(CONFIDENCE)
    low, high = float(found.low), float(found.high)
    return None if math.isnan(low) or math.isnan(high) else (low, high)


def of_rate(ends: Sequence[float], elapsed: float) -> Interval:
    """Of events a second, from their moments: Student's t over windows of the same length."""
    counts, _ = np.histogram(ends, WINDOWS, (0, elapsed))
    rates = counts * WINDOWS / elapsed
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, WINDOWS - 1) * stats.sem(rates)
    mean = len(ends) / elapsed
    return max(0.0, mean - float(reach)), mean + float(reach)


@dataclass(frozen=True)
class Comparison:
    """Medians in seconds; `chance`: of seeing this if it were not slower than is tolerated."""

    before: float
    after: float
    chance: float

    @property
    def change(self) -> float:
        """0.1 is a tenth slower."""
        return self.after / self.before - 1

    @property
    def slower(self) -> bool:
        return self.chance <= FALSE_DISCOVERIES


def compare(
    before: Mapping[str, Sequence[float]], after: Mapping[str, Sequence[float]], tolerance: float
) -> dict[str, Comparison]:
    """Latencies of the benchmarks that both have.

    By Mann and Whitney's test of the new ones against the old ones made longer by the tolerance,
    which allows for what differs from run to run; corrected for the number of benchmarks as
    Benjamini and Hochberg do.
    """
    names = [name for name in after if after[name] and before.get(name)]
    if not names:
        return {}
    chances = [
        stats.mannwhitneyu(
            after[name], np.asarray(before[name]) * (1 + tolerance), alternative="greater"
        ).pvalue
        for name in names
    ]
    corrected = stats.false_discovery_control(chances)
    return {
        name: Comparison(
            statistics.median(before[name]), statistics.median(after[name]), float(chance)
        )
        for name, chance in zip(names, corrected, strict=True)
    }
