"""Confidence scores of the Auditor's answers."""

from __future__ import annotations

from collections.abc import Sequence

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Panel, Recording, Series
from generator.alerts.recordings import observations
from generator.alerts.testcases.inputs import InputGenerator, rate_inputs
from generator.alerts.testcases.recordings import low_scores, low_scores_of_two
from generator.alerts.testcases.series import Phase, histogram
from generator.alerts.testcases.standard import low_traffic, with_standard_cases
from generator.names import CONFIDENCE
from generator.promql import le, number
from generator.thresholds.settings import Rows, TrafficAlert
from generator.thresholds.units import format_duration, spoken


def weak_answers(window: float, below: float) -> Recording:
    """Share of answers scored at or below a bucket bound of the histogram, so it is exact."""
    w = format_duration(window)
    weak = f'sum by (job, instance) (rate({CONFIDENCE}_bucket{{le="{le(below)}"}}[{w}]))'
    return Recording(
        "quality",
        f"instance:auditor_confidence_score:weak_ratio{w}",
        f"{weak}\n/\n(sum by (job, instance) (rate({CONFIDENCE}_count{{}}[{w}])) > 0)",
    )


@define(TrafficAlert, Rows("confidence"))
def low_confidence(context: Context, settings: TrafficAlert) -> Alert:
    below = context.thresholds.targets.confidence.below
    window = settings.window
    context = context.for_window(window)
    w = format_duration(window)
    weak, count = weak_answers(window, below), observations(CONFIDENCE, window)
    alert = Alert(
        family="quality",
        detects="low confidence",
        quantity=weak.query,
        triggers=context.triggers(
            settings, f"and on (job, instance) {count.query} >= {settings.min_requests}"
        ),
        recordings=(weak, count),
        summary="VALUE of the answers on INSTANCE have low confidence",
        description=(
            f"VALUE of the answers verified on INSTANCE in the last {spoken(w)} scored "
            f"{number(below)} or less; the share has been above BOUND for FOR. Next: check whether "
            "the sources, the model or the questions changed; a broken model gives every "
            "answer a low score."
        ),
        panel=Panel("overview", "Quality", f"Share of answers scored {number(below)} or less"),
        origins=("targets.confidence.below",),
    )
    few = _inputs(context, window, settings.min_requests * context.clock.interval / window)
    return with_standard_cases(
        alert,
        _inputs(context, window, 2 * settings.min_requests),
        low_traffic(alert, few, window, 1.0),
        low_scores_of_two(context, window, weak, count),
    )


def _inputs(context: Context, window: float, per_scrape: float) -> InputGenerator:
    buckets, share = context.thresholds.service.confidence_buckets, low_scores(context)

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        labels = context.api(instance)
        return histogram(context.clock, CONFIDENCE, labels, buckets, phases, share, per_scrape)

    return rate_inputs(context, window, context.api, series)
