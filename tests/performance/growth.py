"""How fast a quantity of a worker grows: a robust slope with its confidence interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

# High, so that among many workers and runs hardly one is called leaking by chance.
CONFIDENCE: Final = 0.999
# The run is cut into this many windows, of which only the lowest values count.
WINDOWS: Final = 12
MIN_SAMPLES: Final = 6

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Growth:
    """Units per second with the 99.9% interval; excludes the first `warm_up` seconds."""

    slope: float
    low: float
    high: float
    warm_up: float

    @property
    def significant(self) -> bool:
        """Whether it grows or shrinks at all: the interval excludes zero."""
        return not self.low <= 0 <= self.high


def growth(times: Sequence[float], values: Sequence[float], warm_up: float = 0) -> Growth | None:
    """The Theil-Sen slope of the lower envelope; None for fewer than MIN_SAMPLES samples.

    Samples after the warm-up (given in seconds, or found by `jump_end`) are cut into WINDOWS of
    equal length, and the lowest of each counts: the envelope of a garbage collector's sawtooth is
    flat. The slope is the median of the slopes between all pairs (Sen 1968) with the interval of
    Kendall's test. Both tolerate outliers in three of ten windows.
    """
    x, y = np.asarray(times, float), np.asarray(values, float)
    begin = max(jump_end(y), int(np.searchsorted(x, x[0] + warm_up))) if x.size else 0
    lowest = _envelope(x[begin:], y[begin:])
    if len(lowest) < MIN_SAMPLES:
        return None
    from scipy.stats import theilslopes  # late, as it takes most of a second

    found = theilslopes(y[begin:][lowest], x[begin:][lowest], CONFIDENCE)
    interval = float(found.low_slope), float(found.high_slope)
    return Growth(float(found.slope), *interval, float(x[begin] - x[0]))


def jump_end(values: Values) -> int:
    """The index after the last jump in the first half; 0 if there is none.

    A jump is a rise between two samples beyond Tukey's outer fence of all rises: loading models
    takes a gigabyte within seconds, while a leak, however fast, rises everywhere.
    """
    rises = np.diff(values)
    if rises.size < MIN_SAMPLES:
        return 0
    lower, upper = np.percentile(rises, (25, 75))
    jumps = np.flatnonzero(rises[: values.size // 2] > upper + 3 * (upper - lower))
    return int(jumps[-1]) + 1 if jumps.size else 0


def _envelope(times: Values, values: Values) -> list[int]:
    """The index of the lowest value of each window; of all samples if there are few."""
    if times.size < 2 * WINDOWS:
        return list(range(times.size))
    edges = np.linspace(times[0], times[-1], WINDOWS + 1)[1:-1]
    windows = np.split(np.arange(times.size), np.searchsorted(times, edges))
    return [int(window[np.argmin(values[window])]) for window in windows if window.size]
