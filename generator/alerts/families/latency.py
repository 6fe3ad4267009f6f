"""Latency of verification requests, measured in the handler."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from generator.alerts.context import Context
from generator.alerts.definition import Definition
from generator.alerts.model import Alert, Effect, Panel
from generator.alerts.recordings import NAMES, observations, quantile
from generator.alerts.testcases.inputs import quantile_inputs
from generator.alerts.testcases.recordings import quantile_over_time
from generator.alerts.testcases.standard import low_traffic, with_standard_cases
from generator.names import LATENCY
from generator.thresholds.settings import Rows, TrafficAlert
from generator.thresholds.units import format_duration


@dataclass(frozen=True)
class _Percentile:
    """What one alert on a percentile has of its own.

    `key` names its settings, `field` its row of the targets, `inhibits` the next alert, which
    says less about slow answers.
    """

    key: str
    field: str
    detects: Effect
    inhibits: str


_ALERTS: Final = (
    _Percentile(
        key="high_median_latency",
        field="p50",
        detects="slow answers",
        inhibits="extreme_latency",
    ),
    _Percentile(
        key="high_latency",
        field="p95",
        detects="slow answers",
        inhibits="high_tail_latency",
    ),
    _Percentile(
        key="high_tail_latency",
        field="p99",
        detects="slow tail",
        inhibits="high_median_latency",
    ),
    _Percentile(
        key="extreme_latency",
        field="p999",
        detects="slow outliers",
        inhibits="latency_budget_fast_burn",
    ),
)


def _quantile_alert(own: _Percentile, context: Context, settings: TrafficAlert) -> Alert:
    window, minimum = settings.window, settings.min_requests
    read, count = quantile(LATENCY, own.field, window), observations(LATENCY, window)
    enough = f"and on (job, instance) {count.query} >= {minimum}"
    spoken, w = NAMES[own.field], format_duration(window)
    buckets = context.thresholds.service.latency_buckets
    alert = Alert(
        family="latency",
        detects=own.detects,
        quantity=read.query,
        triggers=context.triggers(settings, enough),
        recordings=(read, count),
        summary=f"{spoken} latency on INSTANCE is VALUE",
        description=(
            f"The {spoken.lower()} latency of verification requests on INSTANCE over {w} has been "
            "above BOUND for FOR (now VALUE), not counting the wait for a worker. Next: compare "
            "with CPU and database connections on the system dashboard to tell slow models from a "
            "slow database."
        ),
        panel=Panel("latency", "Percentiles", f"{spoken} latency"),
        inhibits=(own.inhibits,),
    )
    slowest = next(edge for edge in buckets if edge > alert.bound(alert.triggers[0]))
    few = quantile_inputs(context, own.field, window, minimum * context.clock.interval / window)
    inputs = quantile_inputs(context, own.field, window, 2 * minimum)
    time_series = quantile_over_time(context, own.field, window)
    return with_standard_cases(alert, inputs, low_traffic(alert, few, window, slowest), time_series)


DEFINITIONS: Final = tuple(
    Definition(
        each.key,
        TrafficAlert,
        Rows(f"latency.{each.field}", histogram=True),
        partial(_quantile_alert, each),
    )
    for each in _ALERTS
)
