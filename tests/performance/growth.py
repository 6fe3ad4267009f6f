"""How fast a quantity of a worker grows: a robust slope with its confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

# Of several workers in many runs, hardly one is to be called leaking by chance.
CONFIDENCE: Final = 0.999
# Pieces of which only the lowest value counts, and the fewest that make a slope.
PIECES: Final = 12
LEAST: Final = 6

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Growth:
    """Units per second with the interval of 99.9 %; the warm-up, in seconds, is not in it."""

    slope: float
    low: float
    high: float
    warm_up: float

    @property
    def sure(self) -> bool:
        """Whether it is growth at all, or shrinking: no change lies outside of the interval."""
        return not self.low <= 0 <= self.high


def growth(times: Sequence[float], values: Sequence[float], warm_up: float = 0) -> Growth | None:
    """The slope of the lower envelope by Theil and Sen; None for fewer than LEAST samples.

    The samples after the warm-up, which is what `warm_up` says in seconds or `jump_end` finds, are
    cut into PIECES of the same length in time, and of each the lowest counts: a sawtooth of the
    garbage collector has a flat envelope. The slope is the median of the slopes between all pairs
    of these (Sen 1968), and the interval that of Kendall's test; both hold while three pieces of
    ten are off.
    """
    x, y = np.asarray(times, float), np.asarray(values, float)
    begin = max(jump_end(y), int(np.searchsorted(x, x[0] + warm_up))) if x.size else 0
    low = _envelope(x[begin:], y[begin:])
    if len(low) < LEAST:
        return None
    found = stats.theilslopes(y[begin:][low], x[begin:][low], CONFIDENCE)
    bounds = float(found.low_slope), float(found.high_slope)
    return Growth(float(found.slope), *bounds, float(x[begin] - x[0]))


def jump_end(values: Values) -> int:
    """Index at which the last jump of the first half has ended; 0 if there is none.

    A jump is a rise between two samples beyond Tukey's outer fence of all rises: loading models
    takes a gigabyte within seconds, while a leak, however fast, rises everywhere.
    """
    rises = np.diff(values)
    if rises.size < LEAST:
        return 0
    lower, upper = np.percentile(rises, (25, 75))
    jumps = np.flatnonzero(rises[: values.size // 2] > upper + 3 * (upper - lower))
    return int(jumps[-1]) + 1 if jumps.size else 0


def _envelope(times: Values, values: Values) -> list[int]:
    """Index of the lowest value of each piece; every sample is one if there are few."""
    if times.size < 2 * PIECES:
        return list(range(times.size))
    edges = np.linspace(times[0], times[-1], PIECES + 1)[1:-1]
    pieces = np.split(np.arange(times.size), np.searchsorted(times, edges))
    return [int(piece[np.argmin(values[piece])]) for piece in pieces if piece.size]
