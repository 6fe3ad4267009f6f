"""Time of verifications inside the handler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from generator.alerts import remedies
from generator.alerts.context import Context
from generator.alerts.definition import Definition
from generator.alerts.model import (
    Alert,
    Cause,
    Effect,
    Panel,
    Query,
    Runbook,
)
from generator.alerts.recordings import NAMES, QUANTILES, observations, quantile
from generator.alerts.testcases.inputs import quantile_inputs
from generator.alerts.testcases.recordings import quantile_over_time
from generator.alerts.testcases.standard import low_traffic, with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import (
    ACCEPT_QUEUE,
    CONNECTIONS_WAITING,
    CPU_SECONDS,
    DB_CONNECTIONS,
    LATENCY,
)
from generator.thresholds.levels import Unit
from generator.thresholds.notices import between_buckets
from generator.thresholds.settings import Rows, TrafficAlert
from generator.thresholds.units import format_duration, format_value


@dataclass(frozen=True)
class _Percentile:
    """What one alert on a percentile has of its own.

    `key` names its settings, `field` its row of the targets.
    """

    key: str
    field: str
    detects: Effect
    summary: str
    impact: str
    first: str
    causes: tuple[Cause, ...]
    escalate: str


_ALERTS: Final = (
    _Percentile(
        key="high_median_latency",
        field="p50",
        detects="slow answers",
        summary="Half of the verifications take too long: the service as a whole is slow.",
        impact="Every client, on most requests.",
        first=(
            "The whole service is slow, so look for what all requests share: a release, the "
            "models, the database, the machine."
        ),
        causes=(
            remedies.ROLL_BACK,
            remedies.SLOW_DATABASE,
            remedies.SMALLER_MODELS,
            remedies.HEAVY_REQUESTS,
            remedies.STATISTICS_CALLS,
        ),
        escalate=(
            "Critical: to the developers after 15 minutes, at once if it began with a release. To "
            "the database's administrators as soon as a statement or a lock is found. Warning: a "
            "ticket."
        ),
    ),
    _Percentile(
        key="high_latency",
        field="p95",
        detects="slow answers",
        summary="One verification in twenty takes too long.",
        impact="Most clients now and then; those with long answers and many sources first.",
        first=(
            "Compare with the median on the same dashboard. It rose as well: the service as a "
            "whole is slow. It did not: some requests are, by their size or by one slow worker."
        ),
        causes=(
            remedies.SLOW_DATABASE,
            remedies.SMALLER_MODELS,
            remedies.SLOW_DISK,
            remedies.HEAVY_REQUESTS,
            remedies.STATISTICS_CALLS,
        ),
        escalate=(
            "Critical: to the developers after 15 minutes if neither the database nor the "
            "processor explains it. To the database's administrators as soon as a statement or a "
            "lock is found. Warning: a ticket."
        ),
    ),
    _Percentile(
        key="high_tail_latency",
        field="p99",
        detects="slow tail",
        summary="One verification in a hundred takes too long.",
        impact=(
            "Few requests, but each client sooner or later; clients with short time limits see "
            "failures."
        ),
        first=(
            "Compare with p95 on the same dashboard. It rose as well: follow AuditorHighLatency. "
            "It did not: look for rare events below."
        ),
        causes=(
            remedies.LOADING_MODELS,
            remedies.HEAVY_REQUESTS,
            remedies.STATISTICS_CALLS,
            remedies.SLOW_DATABASE,
            remedies.SLOW_DISK,
        ),
        escalate=(
            "Critical: to the developers after 30 minutes, sooner if p95 rises too. Warning: a "
            "ticket."
        ),
    ),
    _Percentile(
        key="extreme_latency",
        field="p999",
        detects="slow outliers",
        summary="One verification in a thousand takes extremely long.",
        impact="Single requests. Nobody needs to get up for it.",
        first="Nothing at night. By day look for what the slowest requests have in common.",
        causes=(
            remedies.LOADING_MODELS,
            remedies.HEAVY_REQUESTS,
            remedies.STATISTICS_CALLS,
            remedies.SLOW_DISK,
        ),
        escalate="Not at night. A ticket for the developers if it fires on several days of a week.",
    ),
)


def _quantile_alert(own: _Percentile, context: Context, settings: TrafficAlert) -> Alert:
    window, minimum = settings.window, settings.min_requests
    read, count = quantile(LATENCY, own.field, window), observations(LATENCY, window)
    found = triggers(
        context.thresholds, settings, f"and on (job, instance) {count.query} >= {minimum}"
    )
    spoken, w = NAMES[own.field], format_duration(window)
    buckets = context.thresholds.service.latency_buckets
    alert = Alert(
        key=own.key,
        family="latency",
        scope="instance",
        detects=own.detects,
        quantity=read.query,
        op=">",
        unit=Unit.DURATION,
        triggers=found,
        keep_firing_for=settings.keep_firing_for,
        recordings=(read, count),
        summary=(
            f"{spoken} latency of {{{{ $labels.instance }}}} is {{{{ $value | humanizeDuration }}}}"
        ),
        description=(
            f"The {spoken.lower()} of the verifications on {{{{ $labels.instance }}}} over the "
            f"last {w} is {{{{ $value | humanizeDuration }}}}, more than BOUND. Waiting for a "
            "worker is not in it. Next: compare it with CPU and database connections on the system "
            "dashboard, which tell slow models from a slow database."
        ),
        panel=Panel(
            "latency",
            "Percentiles",
            f"{spoken} latency of verifications",
            "{{instance}}",
        ),
        runbook=Runbook(
            summary=own.summary,
            first=(
                own.first,
                (
                    "Look at the processor time of the workers and at their database connections "
                    "(queries below). Processor busy: the models or the size of the requests. "
                    "Processor idle: the database, the disk or a lock."
                ),
                (
                    "See whether requests wait for a worker as well; then clients feel far more "
                    "than this number says: AuditorRequestsWaiting."
                ),
            ),
            meaning=(
                (
                    f"The {spoken.lower()} of the time that successful verifications spent in "
                    "their handler. The time a request waits for a worker is not in it, nor are "
                    "failures. "
                )
                + precision(buckets, [each.bound.value for each in found if each.bound])
            ),
            impact=own.impact,
            queries=(
                Query("Processor time of each worker, in cores", per_worker(CPU_SECONDS, w)),
                Query("Database connections of each worker", f"{DB_CONNECTIONS}{{}}"),
                Query(
                    "Requests that wait for a worker",
                    f"{CONNECTIONS_WAITING}{{}} + {ACCEPT_QUEUE}{{}}",
                ),
                Query(
                    "Mean time of a verification, in seconds",
                    (
                        f"sum by (instance) (rate({LATENCY}_sum{{}}[{w}])) / sum by (instance) "
                        f"(rate({LATENCY}_count{{}}[{w}]))"
                    ),
                ),
            ),
            causes=own.causes,
            escalate=own.escalate,
        ),
    )
    slowest = next(edge for edge in buckets if edge > alert.bound(found[0]))
    few = quantile_inputs(context, own.field, window, minimum * context.clock.interval / window)
    inputs = quantile_inputs(context, own.field, window, 2 * minimum)
    time_series = quantile_over_time(
        context, window, LATENCY, QUANTILES[own.field], context.api, (read, count)
    )
    return with_standard_cases(alert, inputs, low_traffic(alert, few, window, slowest), time_series)


def per_worker(counter: str, w: str) -> str:
    return f"sum by (instance, worker) (rate({counter}{{}}[{w}]))"


def precision(buckets: Sequence[float], bounds: Sequence[float]) -> str:
    """How far a quantile near the `bounds` can be trusted."""
    parts: list[str] = []
    for bound in sorted(set(bounds)):
        bucket = between_buckets(bound, buckets)
        if bucket:
            value, low, high = (format_value(each, Unit.DURATION) for each in (bound, *bucket))
            parts.append(
                f"{value} is no bound of the histogram's buckets: from {low} to {high} the value "
                "is interpolated, and the true one may lie anywhere in between."
            )
    top = format_value(max(buckets), Unit.DURATION)
    return " ".join([*parts, f"Beyond {top}, the last bucket, every value reads {top}."])


DEFINITIONS: Final = tuple(
    Definition(
        each.key,
        TrafficAlert,
        Rows(f"latency.{each.field}", histogram=True),
        partial(_quantile_alert, each),
    )
    for each in _ALERTS
)
