"""Input generators: input series that bring an alert's quantity to a wanted value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from generator.alerts.clock import Clock
from generator.alerts.context import Context
from generator.alerts.model import Series
from generator.alerts.recordings import QUANTILES
from generator.alerts.testcases.series import (
    Phase,
    counter,
    gauge,
    histogram,
    quantile_share,
    selector,
)
from generator.names import LATENCY, REQUESTS

HERE: Final = "10.0.0.1:9105"
THERE: Final = "10.0.0.2:9105"


def _nothing_known(_value: float, _at: float) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, kw_only=True)
class InputGenerator:
    """How input series bring an alert's quantity to a wanted value.

    `series(instance, phases)` are the series; `time_to_fire(value, bound)` is the first evaluation
    (seconds) at which a quantity that has `value` from the start is seen beyond `bound`. `exact`:
    the quantity reads the value to the last bit, so the bound itself can be tested and must stay
    silent. `window`: the quantity rises to its value, and falls again, over this time (a rate or an
    increase); 0 if it jumps. `traffic_multiplier` applies to the healthy phase, so that its first
    sample outweighs a whole window. `lag`: extra seconds until a change is seen, where the quantity
    is recorded after the alert is evaluated. `labels(instance)` are the alert's labels except for
    the rule's own. `query_results(value, at)` are the results of the queries in its texts.
    """

    clock: Clock
    series: Callable[[str, Sequence[Phase]], Sequence[Series]]
    labels: Callable[[str], Mapping[str, str]]
    healthy: float
    time_to_fire: Callable[[float, float], int]
    exact: bool = False
    window: float = 0.0
    counters: bool = False
    traffic_multiplier: float = 1.0
    lag: int = 0
    query_results: Callable[[float, float], Mapping[str, str]] = _nothing_known


def at_once(_value: float, _bound: float) -> int:
    """The time to fire of a gauge."""
    return 0


def second_sample(context: Context, _value: float, _bound: float) -> int:
    """The time to fire of a rate, which needs two samples."""
    return context.clock.tick(context.clock.interval)


def filling(context: Context, inputs: InputGenerator, window: float) -> InputGenerator:
    """`inputs` for a rate or an increase: it rises steadily while the window fills."""

    def time_to_fire(value: float, bound: float) -> int:
        return (
            math.floor(window * bound / value / context.clock.interval + 1) * context.clock.interval
        )

    return replace(inputs, time_to_fire=time_to_fire, window=window)


def steady(context: Context, window: float) -> Callable[[float, float], int]:
    """The time to fire of a quantity over `steady_rate`."""
    return lambda _value, _bound: (
        context.clock.tick(context.clock.interval) + context.clock.tick(window)
    )


def traffic_multiplier(context: Context, window: float, share: float = 0.001) -> float:
    """Traffic so high that all other scrapes of a window make up less than `share` of it."""
    return 2 * window / context.clock.interval / share


def gauge_inputs(
    context: Context,
    metrics: Mapping[str, Callable[[float], float]],
    labels: Callable[[str], Mapping[str, str]],
    healthy: float,
    exact: bool = True,
    alert_labels: Callable[[str], Mapping[str, str]] | None = None,
) -> InputGenerator:
    """Inputs made of gauges: `metrics` give the level of each for a value of the quantity."""

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        return tuple(
            Series(selector(name, labels(instance)), gauge(context.clock, phases, level))
            for name, level in metrics.items()
        )

    return InputGenerator(
        clock=context.clock,
        series=series,
        labels=alert_labels or labels,
        healthy=healthy,
        time_to_fire=at_once,
        exact=exact,
    )


def request_series(
    clock: Clock, labels: Mapping[str, str], phases: Sequence[Phase], per_scrape: float
) -> tuple[Series, ...]:
    """The app's request counter; a phase's value is the share of errors."""

    def status(name: str, share: Callable[[float], float]) -> Series:
        return Series(
            selector(REQUESTS, {**labels, "status": name}),
            counter(
                clock, phases, lambda phase: per_scrape * phase.traffic * share(phase.value or 0.0)
            ),
        )

    return status("success", lambda value: 1 - value), status("error", lambda value: value)


def quantile_inputs(
    context: Context, field: str, window: float, per_scrape: float, metric: str = LATENCY
) -> InputGenerator:
    """Observations spread so that the quantile reads the wanted value exactly."""
    labels = context.api if metric == LATENCY else context.workers
    buckets, q = context.thresholds.service.latency_buckets, QUANTILES[field]

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        share = quantile_share(q, buckets)
        return histogram(
            context.clock, metric, labels(instance), buckets, phases, share, per_scrape
        )

    return InputGenerator(
        clock=context.clock,
        series=series,
        labels=labels,
        healthy=buckets[0] * q,
        time_to_fire=partial(second_sample, context),
        counters=True,
        traffic_multiplier=traffic_multiplier(context, window, 1 - q),
    )


def thousandfold(value: float) -> float:
    """1000 times `value` without a rounding error, so dividing by 1000 gives `value` exactly."""
    return float(f"{value * 1000:.12g}")
