"""Input series of promtool tests, from the phases of a quantity."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from generator.alerts.clock import Clock
from generator.alerts.model import Series
from generator.promql import le, number


@dataclass(frozen=True)
class Phase:
    """`seconds`, a multiple of the scrape interval, with one value of the quantity.

    A value of None is a failed scrape, or no scrape at all if `lost`. `traffic` multiplies the
    requests; `reset` restarts the counters at the first sample.
    """

    seconds: int
    value: float | None
    traffic: float = 1.0
    reset: bool = False
    lost: bool = False


def every_other_minute(clock: Clock, phase: Phase) -> list[Phase]:
    """A phase, or a little more, in which scrapes fail every other minute, at first not."""
    turn = clock.tick(60)
    scraped, failed = replace(phase, seconds=turn), replace(phase, seconds=turn, value=None)
    return [scraped, failed] * math.ceil(phase.seconds / (2 * turn))


def just_over(bound: float) -> float:
    """A number with four digits, 0.1% or a little more above `bound`."""
    return _four_digits(bound * 1.001, ROUND_CEILING)


def just_under(bound: float) -> float:
    """A number with four digits, 0.1% or a little more below `bound`."""
    return _four_digits(bound * 0.999, ROUND_FLOOR)


def _four_digits(value: float, rounding: str) -> float:
    exact = Decimal(repr(value))
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - 3), rounding=rounding))


def gauge(clock: Clock, phases: Sequence[Phase], level: Callable[[float], float]) -> str:
    """Values of a gauge that holds `level(value)` through each phase."""
    parts: list[str] = []
    for phase in phases:
        samples = phase.seconds // clock.interval
        if phase.value is None:
            parts += gap(samples, lost=phase.lost)
        elif samples:
            parts.append(run(number(level(phase.value)), samples))
    return " ".join(parts)


def counter(
    clock: Clock, phases: Sequence[Phase], slope: Callable[[Phase], float], start: float = 0.0
) -> str:
    """Values of a counter that grows by `slope(phase)` per scrape, even while scrapes fail."""
    parts: list[str] = []
    total, growth = start, 0.0
    for index, phase in enumerate(phases):
        samples = phase.seconds // clock.interval
        if phase.value is None:
            parts += gap(samples, lost=phase.lost)
            total += growth * samples
            continue
        growth = slope(phase)
        first = growth if phase.reset else total + (growth if index else 0.0)
        parts.append(run(f"{number(first)}+{number(growth)}", samples))
        if index + 1 < len(phases):
            total = _last(first, growth, samples)
    return " ".join(parts)


def _last(first: float, growth: float, samples: int) -> float:
    """The last sample with promtool's rounding, so that no counter seems to fall."""
    for _ in range(samples - 1):
        first += growth
    return first


def ramp(clock: Clock, phases: Sequence[Phase], base: float) -> str:
    """Values of a gauge that rises by the phase's value per second, even while scrapes fail.

    A reset sets it back to `base`.
    """
    parts: list[str] = []
    level, growth = base, 0.0
    for phase in phases:
        samples = phase.seconds // clock.interval
        if phase.value is None:
            parts += gap(samples, lost=phase.lost)
            level += growth * samples
            continue
        level = base if phase.reset else level
        growth = phase.value * clock.interval
        parts.append(run(f"{number(level)}{growth:+.17g}", samples))
        level += growth * samples
    return " ".join(parts)


def run(value: str, samples: int) -> str:
    """`samples` values in promtool's notation, from `value` or `value+growth`."""
    return f"{value}x{samples - 1}"


def gap(samples: int, *, lost: bool = False) -> list[str]:
    """Failed scrapes end a series with a staleness marker; lost ones only leave a gap."""
    if lost:
        return [f"_x{samples}"]
    return ["stale", *([f"_x{samples - 1}"] if samples > 1 else [])]


def histogram(
    clock: Clock,
    metric: str,
    labels: Mapping[str, str],
    buckets: Sequence[float],
    phases: Sequence[Phase],
    share: Callable[[float, float], float],
    observations: float,
) -> tuple[Series, ...]:
    """A histogram's series.

    Of the `observations` per scrape, `share(value, le)` are at or below each bound.
    """

    def slope(upper: float) -> Callable[[Phase], float]:
        return lambda phase: (
            observations
            * phase.traffic
            * (1.0 if math.isinf(upper) else share(phase.value or 0.0, upper))
        )

    bounds = [(le(bound), slope(bound)) for bound in buckets] + [("+Inf", slope(math.inf))]
    series = [
        Series(f"{metric}_bucket", {**labels, "le": text}, counter(clock, phases, growth))
        for text, growth in bounds
    ]
    return (*series, Series(f"{metric}_count", labels, counter(clock, phases, slope(math.inf))))


def quantile_share(q: float, buckets: Sequence[float]) -> Callable[[float, float], float]:
    """Shares under which `histogram_quantile(q, ...)` reads a given value exactly.

    Prometheus interpolates linearly inside the bucket that holds the rank, so with the value a
    share p of the way into it, (q - p) / (1 - p) of the observations lie below the bucket, or 1 - q
    / p above it where that is negative.
    """

    def share(value: float, upper: float) -> float:
        index = next(i for i, bound in enumerate(buckets) if value <= bound)
        low = buckets[index - 1] if index else 0.0
        part = (value - low) / (buckets[index] - low)
        if upper < buckets[index]:
            below = max(0.0, (q - part) / (1 - part)) if part < 1 else 0.0
            return below if index and upper >= low else 0.0
        return min(1.0, q / part) if upper == buckets[index] else 1.0

    return share
