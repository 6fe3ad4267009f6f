"""Input generators: input series that bring an alert's quantity to a wanted value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from generator.alerts.clock import Clock
from generator.alerts.context import Context
from generator.alerts.model import Series
from generator.alerts.recordings import QUANTILES
from generator.alerts.testcases.series import Phase, counter, gauge, histogram, quantile_share
from generator.names import LATENCY, REQUESTS

HERE: Final = "10.0.0.1:9105"
THERE: Final = "10.0.0.2:9105"

MakeSeries = Callable[[str, Sequence[Phase]], Sequence[Series]]
MakeLabels = Callable[[str], Mapping[str, str]]


def _nothing_known(_value: float, _at: float) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, kw_only=True)
class InputGenerator:
    """How input series bring an alert's quantity to a wanted value.

    `series(instance, phases)` are the series. `delay`: the time until the quantity is read, such as
    the interval for a rate, which needs two samples. `exact`: the quantity reads the value to the
    last bit, so the bound itself can be tested and must stay silent. `window`: the quantity rises
    to its value, and falls again, over this time (a rate or an increase); 0 if it jumps.
    `traffic_multiplier` applies to the healthy phase, so that its first sample outweighs a whole
    window. `lag`: extra seconds until a change is seen, where the quantity is recorded after the
    alert is evaluated. `labels(instance)` are the alert's labels except for the rule's own.
    `query_results(value, at)` are the results of the queries in its texts. `held`: what the alert
    reads, its guard included, ends with the samples, not only once a window is empty. `margin`: how
    far beyond its bound the quantity must be to be seen while half of the scrapes fail; a rate is
    not extrapolated over gaps.
    """

    context: Context
    series: MakeSeries
    labels: MakeLabels
    healthy: float = 0.0
    delay: int = 0
    exact: bool = False
    window: float = 0.0
    counters: bool = False
    traffic_multiplier: float = 1.0
    lag: int = 0
    held: bool = False
    margin: float = 1.0
    query_results: Callable[[float, float], Mapping[str, str]] = _nothing_known

    @property
    def clock(self) -> Clock:
        return self.context.clock

    def time_to_fire(self, value: float, bound: float) -> int:
        """The first evaluation at which a constant `value` is seen beyond `bound`, in seconds."""
        if not self.window:
            return self.delay
        interval = self.clock.interval
        return math.floor(self.window * bound / value / interval + 1) * interval

    def beside(self, more: MakeSeries) -> InputGenerator:
        """These inputs and further series."""

        def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
            return *self.series(instance, phases), *more(instance, phases)

        return replace(self, series=series)


def traffic_multiplier(context: Context, window: float, share: float = 0.001) -> float:
    """Traffic so high that all other scrapes of a window make up less than `share` of it."""
    return 2 * window / context.clock.interval / share


def gauge_inputs(
    context: Context,
    metrics: Mapping[str, Callable[[float], float]],
    labels: MakeLabels,
    healthy: float,
    *,
    exact: bool = True,
) -> InputGenerator:
    """Inputs made of gauges: `metrics` give the level of each for a value of the quantity."""

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        return [
            Series(name, labels(instance), gauge(context.clock, phases, level))
            for name, level in metrics.items()
        ]

    return InputGenerator(
        context=context, series=series, labels=labels, healthy=healthy, exact=exact, held=True
    )


def constant(context: Context, labels: MakeLabels, metric: str, value: float) -> MakeSeries:
    """A gauge that reads `value` whatever the quantity is."""

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        values = gauge(context.clock, phases, lambda _value: value)
        return [Series(metric, labels(instance), values)]

    return series


def rate_inputs(
    context: Context, window: float, labels: MakeLabels, series: MakeSeries
) -> InputGenerator:
    """Inputs made of counters, of which a rate over the window jumps with the next sample."""
    return InputGenerator(
        context=context,
        series=series,
        labels=labels,
        delay=context.clock.interval,
        counters=True,
        traffic_multiplier=traffic_multiplier(context, window),
    )


def request_series(
    clock: Clock, labels: Mapping[str, str], phases: Sequence[Phase], per_scrape: float
) -> Sequence[Series]:
    """The app's request counter; a phase's value is the share of errors."""

    def status(name: str, share: Callable[[float], float]) -> Series:
        def growth(phase: Phase) -> float:
            return per_scrape * phase.traffic * share(phase.value or 0.0)

        return Series(REQUESTS, {**labels, "status": name}, counter(clock, phases, growth))

    return status("success", lambda value: 1 - value), status("error", lambda value: value)


def quantile_inputs(
    context: Context, field: str, window: float, per_scrape: float, metric: str = LATENCY
) -> InputGenerator:
    """Observations spread so that the quantile reads the wanted value exactly."""
    labels = context.api if metric == LATENCY else context.workers
    buckets, q = context.thresholds.service.latency_buckets, QUANTILES[field]
    share = quantile_share(q, buckets)

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        own = labels(instance)
        return histogram(context.clock, metric, own, buckets, phases, share, per_scrape)

    return replace(
        rate_inputs(context, window, labels, series),
        healthy=buckets[0] * q,
        traffic_multiplier=traffic_multiplier(context, window, 1 - q),
    )


def thousandfold(value: float) -> float:
    """1000 times `value` without a rounding error, so dividing by 1000 gives `value` exactly."""
    return float(f"{value * 1000:.12g}")
