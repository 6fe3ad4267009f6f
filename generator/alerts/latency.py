"""Time of verifications inside the handler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from generator.alerts.build import Kit, triggers
from generator.alerts.model import Alert, Panel, Recording, Series
from generator.alerts.proof import Drive, low_traffic, prove
from generator.alerts.series import Phase, histogram, quantile_share
from generator.names import LATENCY
from generator.promql import number
from generator.thresholds.model import Unit
from generator.thresholds.units import format_duration

# Field of LatencyTargets -> quantile.
QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}
NAMES: Final = {"p50": "median", "p95": "p95", "p99": "p99", "p999": "p99.9"}


def quantile(metric: str, field: str, window: float) -> Recording:
    """A quantile per instance over a window, from a histogram's buckets."""
    w = format_duration(window)
    return Recording(
        f"instance:{metric}:{field}_rate{w}",
        f"histogram_quantile({number(QUANTILES[field])}, "
        f"sum by (job, instance, le) (rate({metric}_bucket{{}}[{w}])))",
    )


def observations(metric: str, window: float) -> Recording:
    """Observations of a histogram in a window."""
    w = format_duration(window)
    return Recording(
        f"instance:{metric}_count:increase{w}", f"sum by (job, instance) (increase({metric}_count{{}}[{w}]))"
    )


def alerts(kit: Kit) -> tuple[Alert, ...]:
    return (
        _quantile_alert(kit, "AuditorHighMedianLatency", "high_median_latency", "p50", 100),
        _quantile_alert(kit, "AuditorHighLatency", "high_latency", "p95", 101),
        _quantile_alert(kit, "AuditorHighTailLatency", "high_tail_latency", "p99", 102),
        _quantile_alert(kit, "AuditorExtremeLatency", "extreme_latency", "p999", 103),
    )


def _quantile_alert(kit: Kit, name: str, key: str, field: str, panel: int) -> Alert:
    settings = getattr(kit.thresholds.alerts, key)
    window, minimum = settings.window, settings.min_requests
    read, count = quantile(LATENCY, field, window), observations(LATENCY, window)
    spoken = NAMES[field]
    alert = Alert(
        name=name,
        settings=f"alerts.{key}",
        family="latency",
        place="instance",
        quantity=read.query,
        op=">",
        unit=Unit.DURATION,
        triggers=triggers(kit.thresholds, settings, f"and on (job, instance) {count.query} >= {minimum}"),
        keep_firing_for=settings.keep_firing_for,
        recordings=(read, count),
        summary=f"{spoken} latency of {{{{ $labels.instance }}}} is {{{{ $value | humanizeDuration }}}}",
        description=(
            f"The {spoken} of the verifications on {{{{ $labels.instance }}}} over the last {format_duration(window)} is "
            "{{ $value | humanizeDuration }}, more than BOUND. Waiting for a worker is not in it. Next: compare it with "
            "CPU and database connections on the system dashboard, which tell slow models from a slow database."
        ),
        panel=Panel("latency", "Percentiles", panel, f"{spoken} of verifications", "{{instance}}"),
    )
    slowest = next(edge for edge in kit.thresholds.service.latency_buckets if edge > alert.bound(alert.triggers[0]))
    few = quantile_drive(kit, field, window, minimum * kit.clock.scrape / window)
    return prove(alert, quantile_drive(kit, field, window, 2 * minimum), low_traffic(alert, few, window, slowest))


def quantile_drive(kit: Kit, field: str, window: float, per_scrape: float, metric: str = LATENCY) -> Drive:
    """Observations spread so that the quantile reads the wanted value exactly."""
    labels = kit.api if metric == LATENCY else kit.workers
    buckets, q = kit.thresholds.service.latency_buckets, QUANTILES[field]

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        share = quantile_share(q, buckets)
        return histogram(kit.clock, metric, labels(instance), buckets, phases, share, per_scrape)

    return Drive(
        clock=kit.clock,
        series=series,
        labels=labels,
        healthy=buckets[0] * q,
        onset=kit.second_sample,
        counters=True,
        flood=kit.flood(window, 1 - q),
    )
