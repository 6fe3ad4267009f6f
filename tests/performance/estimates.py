"""Confidence intervals of measured values, and the test for regressions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

CONFIDENCE: Final = 0.95
WINDOWS: Final = 10
# The accepted share of false alarms among all regressions.
FALSE_DISCOVERY_RATE: Final = 0.01

Interval = tuple[float, float]


def percentile_interval(ordered: Sequence[float], share: float) -> Interval | None:
    """The confidence interval of a percentile, by ranks alone (binomial, distribution-free).

    None if there are too few samples above it for an upper limit.
    """
    from scipy.stats import quantile_test  # late, as it takes most of a second

    found: Any = quantile_test(ordered, p=share).confidence_interval(CONFIDENCE)
    low, high = float(found.low), float(found.high)
    return None if math.isnan(low) or math.isnan(high) else (low, high)


def rate_interval(times: Sequence[float], elapsed: float) -> Interval:
    """The confidence interval of a rate of events: Student's t over windows of equal length."""
    from scipy.stats import sem, t

    counts, _ = np.histogram(times, WINDOWS, (0, elapsed))
    rates = counts * WINDOWS / elapsed
    margin = float(t.ppf((1 + CONFIDENCE) / 2, WINDOWS - 1) * sem(rates))
    mean = len(times) / elapsed
    return max(0.0, mean - margin), mean + margin


@dataclass(frozen=True)
class Comparison:
    """Medians in seconds; the null hypothesis is "not slower than tolerated"."""

    before: float
    after: float
    p_value: float

    @property
    def change(self) -> float:
        """0.1 is 10% slower."""
        return self.after / self.before - 1

    @property
    def slower(self) -> bool:
        return self.p_value <= FALSE_DISCOVERY_RATE


def compare(
    before: Mapping[str, Sequence[float]], after: Mapping[str, Sequence[float]], tolerance: float
) -> dict[str, Comparison]:
    """Compare the latencies of the benchmarks that both results have.

    Mann-Whitney U test of the new latencies against the old ones scaled by the tolerance, which
    allows for differences between runs. Corrected for multiple comparisons (Benjamini-Hochberg).
    """
    names = [name for name in after if after[name] and before.get(name)]
    if not names:
        return {}
    from scipy.stats import false_discovery_control, mannwhitneyu

    p_values = false_discovery_control(
        [
            mannwhitneyu(
                after[name], np.asarray(before[name]) * (1 + tolerance), alternative="greater"
            ).pvalue
            for name in names
        ]
    )
    return {
        name: Comparison(
            statistics.median(before[name]), statistics.median(after[name]), float(p_value)
        )
        for name, p_value in zip(names, p_values, strict=True)
    }
