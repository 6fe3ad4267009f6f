"""How sure the Auditor is of its answers."""

from __future__ import annotations

from collections.abc import Sequence

from generator.alerts.build import Kit, triggers
from generator.alerts.latency import observations
from generator.alerts.model import Alert, Panel, Recording, Series
from generator.alerts.proof import Drive, low_traffic, prove
from generator.alerts.series import Phase, histogram
from generator.names import CONFIDENCE
from generator.promql import le, number
from generator.thresholds.model import Unit
from generator.thresholds.units import format_duration


def alerts(kit: Kit) -> tuple[Alert, ...]:
    return (low_confidence(kit),)


def weak_answers(window: float, below: float) -> Recording:
    """Share of the window's answers scored at or under a bound of the histogram, so without interpolation."""
    w = format_duration(window)
    weak = f'sum by (job, instance) (rate({CONFIDENCE}_bucket{{le="{le(below)}"}}[{w}]))'
    return Recording(
        f"instance:auditor_confidence_score:weak_ratio{w}",
        f"{weak}\n/\n(sum by (job, instance) (rate({CONFIDENCE}_count{{}}[{w}])) > 0)",
    )


def low_confidence(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.low_confidence
    below = kit.thresholds.targets.confidence.below
    window = settings.window
    weak, count = weak_answers(window, below), observations(CONFIDENCE, window)
    alert = Alert(
        name="AuditorLowConfidence",
        settings="alerts.low_confidence",
        family="quality",
        place="instance",
        quantity=weak.query,
        op=">",
        unit=Unit.RATIO,
        triggers=triggers(kit.thresholds, settings, f"and on (job, instance) {count.query} >= {settings.min_requests}"),
        keep_firing_for=settings.keep_firing_for,
        recordings=(weak, count),
        summary="{{ $value | humanizePercentage }} of the answers of {{ $labels.instance }} are weakly supported",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of the answers verified on {{{{ $labels.instance }}}} in the last "
            f"{format_duration(window)} scored {number(below)} or less, more than BOUND. Next: see whether the sources, the model "
            "or the questions changed; a failing model scores everything low."
        ),
        panel=Panel("overview", "Quality", 110, f"Answers scored {number(below)} or less", "{{instance}}"),
        origins=("targets.confidence.below",),
    )
    few = _drive(kit, settings.min_requests * kit.clock.scrape / window)
    return prove(alert, _drive(kit, 2 * settings.min_requests), low_traffic(alert, few, window, 1.0))


def _drive(kit: Kit, per_scrape: float) -> Drive:
    below = kit.thresholds.targets.confidence.below
    buckets = kit.thresholds.service.confidence_buckets

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        def share(value: float, upper: float) -> float:
            return 1.0 if upper == max(buckets) else value if upper >= below else 0.0

        return histogram(kit.clock, CONFIDENCE, kit.api(instance), buckets, phases, share, per_scrape)

    return Drive(
        clock=kit.clock,
        series=series,
        labels=kit.api,
        healthy=0.0,
        onset=kit.second_sample,
        counters=True,
        flood=kit.flood(kit.thresholds.alerts.low_confidence.window),
    )
