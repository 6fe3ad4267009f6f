"""How long verifications take inside a worker, and how long requests wait for one."""

from __future__ import annotations

from typing import Final

from generator import names
from generator.alerts.objectives import objectives
from generator.alerts.recordings import NAMES, QUANTILES
from generator.alerts.recordings import quantile as recorded_quantile
from generator.dashboards import queries
from generator.dashboards.budgets import budget_left
from generator.dashboards.panels import Dashboard, Heatmap, Panel, Query, Section, Table, TimeSeries
from generator.promql import le, number
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import WindowAlert
from generator.thresholds.units import Unit, format_value

_LEGENDS: Final = {**NAMES, "p50": "p50"}
_BUCKET: Final = f"{names.LATENCY}_bucket"


def build(thresholds: Thresholds) -> Dashboard:
    _, speed = objectives(thresholds)
    return Dashboard(
        name="latency",
        title="Auditor / Latency",
        description=(
            "How long verifications take inside a worker, and how long requests wait for one. "
            "Clients see the sum of both."
        ),
        sections=(
            Section("Percentiles"),
            Section("Latency budget", (budget_left(thresholds, speed),)),
            Section("Distribution", (_PERCENTILES, _DURATIONS, _shares(thresholds), _MEAN)),
            Section("Instances", (_instances(thresholds),)),
            Section("Waiting", (_QUEUES, _PROBE)),
        ),
    )


_PERCENTILES: Final = TimeSeries(
    key="percentiles",
    title="Percentiles of all instances",
    description=(
        "All selected instances together. Only the tail rises: a few expensive requests. The "
        "median rises too: every request is slower."
    ),
    queries=tuple(
        Query(f"histogram_quantile({number(q)}, {queries.rate(_BUCKET, 'le')})", _LEGENDS[field])
        for field, q in QUANTILES.items()
    ),
    unit="s",
)

_DURATIONS: Final = Heatmap(
    key="durations",
    title="Verifications by duration",
    description=(
        "Number of verifications by duration. A second, separate band: one kind of request, or one "
        "instance, is slow."
    ),
    queries=(queries.buckets(names.LATENCY),),
    unit="s",
)


def _shares(thresholds: Thresholds) -> Panel:
    rows = thresholds.targets.latency
    buckets = thresholds.service.latency_buckets
    targets = {field: getattr(rows, field).target for field in QUANTILES}
    within = {field: format_value(target, Unit.DURATION) for field, target in targets.items()}
    return TimeSeries(
        key="within_targets",
        title="Verifications within their targets",
        description=(
            "Share of verifications that were as fast as the target of each percentile. The target "
            "is met while the share is at or above the percentile: for p95 at 95% or more. Between "
            "two histogram buckets the share is interpolated."
        ),
        queries=tuple(
            Query(share(buckets, target), f"{NAMES[field]}: within {within[field]}")
            for field, target in targets.items()
        ),
        unit="percentunit",
        maximum=1,
    )


def share(buckets: tuple[float, ...], bound: float) -> str:
    """Share of observations up to `bound`, or up to the highest bucket if that is less.

    Inside a bucket it is linear, as in `histogram_quantile`.
    """
    bound = min(bound, buckets[-1])
    upper = next(edge for edge in buckets if edge >= bound)
    lower = max((edge for edge in buckets if edge < upper), default=0.0)
    part = round((bound - lower) / (upper - lower), 6)
    within = queries.rate(_BUCKET, matchers=f'le="{le(upper)}"')
    if part < 1:
        below = queries.rate(_BUCKET, matchers=f'le="{le(lower)}"') if lower else "0"
        within = f"({number(round(1 - part, 6))} * {below} + {number(part)} * {within})"
    return f"{within} / ({queries.rate(f'{names.LATENCY}_count')} > 0)"


_MEAN: Final = TimeSeries(
    key="mean_by_instance",
    title="Mean latency by instance",
    description=(
        "All instances should be about equally fast. One is slower: compare its CPU time and "
        "database connections on the system dashboard."
    ),
    queries=(Query(queries.mean(names.LATENCY, "instance"), "{{instance}}"),),
    unit="s",
)


def _instances(thresholds: Thresholds) -> Panel:
    alerts = {
        "p50": "high_median_latency",
        "p95": "high_latency",
        "p99": "high_tail_latency",
        "p999": "extreme_latency",
    }
    windows = {field: thresholds.alert(key, WindowAlert).window for field, key in alerts.items()}
    percentiles = (
        Query(recorded_quantile(names.LATENCY, field, window).query, NAMES[field])
        for field, window in windows.items()
    )
    rate = queries.rate(names.REQUESTS, "job, instance")
    return Table(
        key="percentiles_by_instance",
        title="Percentiles by instance",
        description=(
            "The same percentiles that the alerts use. One instance is slower than the rest: "
            "restart it or take it out of the load balancer."
        ),
        queries=(*percentiles, Query(rate, "Requests per second", unit="reqps")),
        unit="s",
        labels={"instance": "Instance"},
    )


_QUEUES: Final = TimeSeries(
    key="waiting_connections",
    title="Requests waiting for a worker",
    description=(
        "Connections with unread data, and connections that are not accepted yet. Only unread data "
        "grows: the workers are busy. Both grow: the workers no longer accept connections."
    ),
    queries=(
        Query(f"{names.CONNECTIONS_WAITING}{{}}", "{{instance}} unread"),
        Query(f"{names.ACCEPT_QUEUE}{{}}", "{{instance}} not accepted"),
    ),
    stacked=True,
)

_PROBE: Final = Heatmap(
    key="health_durations",
    title="GET /health by duration",
    description=(
        "Response time of the health check as a client sees it. Slow health checks while "
        "verifications are fast: requests wait for a worker."
    ),
    queries=(queries.buckets(names.PROBE_DURATION),),
    unit="s",
)
