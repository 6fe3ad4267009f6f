"""How sure the Auditor is of its answers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from generator.alerts import remedies
from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Cause, Panel, Query, Recording, Runbook, Series
from generator.alerts.recordings import observations
from generator.alerts.testcases.inputs import InputGenerator, second_sample, traffic_multiplier
from generator.alerts.testcases.recordings import shares_of_two
from generator.alerts.testcases.series import Phase, histogram
from generator.alerts.testcases.standard import low_traffic, with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import CONFIDENCE, WORKER_STARTS
from generator.promql import le, number
from generator.thresholds.levels import Unit
from generator.thresholds.settings import Rows, TrafficAlert
from generator.thresholds.units import format_duration


def weak_answers(window: float, below: float) -> Recording:
    """Share of the window's answers scored at or under a bound of the histogram: exact."""
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
        key="low_confidence",
        family="quality",
        scope="instance",
        detects="low confidence",
        quantity=weak.query,
        op=">",
        unit=Unit.RATIO,
        triggers=triggers(
            context.thresholds,
            settings,
            f"and on (job, instance) {count.query} >= {settings.min_requests}",
        ),
        keep_firing_for=settings.keep_firing_for,
        recordings=(weak, count),
        summary=(
            "{{ $value | humanizePercentage }} of the answers of {{ $labels.instance }} are weakly "
            "supported"
        ),
        description=(
            "{{ $value | humanizePercentage }} of the answers verified on {{ $labels.instance }} "
            f"in the last {w} scored {number(below)} or less, more than BOUND. Next: see whether "
            "the sources, the model or the questions changed; a failing model scores everything "
            "low."
        ),
        panel=Panel(
            "overview", "Quality", f"Answers scored {number(below)} or less", "{{instance}}"
        ),
        runbook=Runbook(
            summary="An unusual share of the answers is weakly supported by its sources.",
            first=(
                "Did a release, a model or a source change when it began? Then undo that.",
                "Look at some weak answers (command below): are they nonsense, or are the sources?",
                "One client's questions alone: tell its owner. Nothing is broken.",
            ),
            meaning=(
                f"More than the bound's share of the answers of the last {w} scored "
                f"{number(below)} or less; the histogram has a bucket just there, so the share is "
                "exact. A low score says that sentences were not found in the sources: the "
                "verification worked. It does not say who is at fault: the answers, the sources or "
                "the models."
            ),
            impact=(
                "The readers of these answers are told not to trust them; if the models are at "
                "fault, wrongly."
            ),
            queries=(
                Query(
                    "Mean score",
                    (
                        f"sum by (instance) (rate({CONFIDENCE}_sum{{}}[{w}])) / sum by (instance) "
                        f"(rate({CONFIDENCE}_count{{}}[{w}]))"
                    ),
                ),
                Query(
                    "Answers a second, by score",
                    f"sum by (le) (rate({CONFIDENCE}_bucket{{}}[{w}]))",
                ),
                Query("Starts of workers", f"increase({WORKER_STARTS}{{}}[{w}])"),
            ),
            causes=(
                remedies.ROLL_BACK,
                Cause(
                    "A model was changed",
                    "Scores of different models cannot be compared: a smaller one scores lower or "
                    "higher throughout. Go back to the models before, or calibrate the row "
                    "`confidence` of the targets anew.",
                    settings=("SPACY_MODEL=de_core_news_lg",),
                    commands=("docker compose exec -T auditor-api sh -c 'env | grep _MODEL'",),
                ),
                Cause(
                    "The sources do not fit the questions",
                    "The search that delivers them finds the wrong ones, or an index is stale. "
                    "Rows with few or foreign sources show it.",
                    commands=(
                        """\
psql -c "SELECT created_at, confidence_score, source_count,
                semantic_similarity, left(answer_text, 60) AS answer
         FROM verification_log ORDER BY created_at DESC LIMIT 20\"""",
                    ),
                ),
                Cause(
                    "The model behind the answers invents more",
                    "Its version or its prompt changed: the very thing that the Auditor is there "
                    "to find. Tell its owners.",
                ),
            ),
            escalate=(
                "Critical: to the owners of the answering system within the hour, to the "
                "developers of the Auditor at once if a release or a model of its own changed. "
                "Warning: a ticket."
            ),
        ),
        origins=("targets.confidence.below",),
    )
    few = _inputs(context, window, settings.min_requests * context.clock.interval / window)
    return with_standard_cases(
        alert,
        _inputs(context, window, 2 * settings.min_requests),
        low_traffic(alert, few, window, 1.0),
        shares_of_two(context, window, CONFIDENCE, below, (weak, count)),
    )


def _inputs(context: Context, window: float, per_scrape: float) -> InputGenerator:
    below = context.thresholds.targets.confidence.below
    buckets = context.thresholds.service.confidence_buckets

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        def share(value: float, upper: float) -> float:
            return 1.0 if upper == max(buckets) else value if upper >= below else 0.0

        return histogram(
            context.clock, CONFIDENCE, context.api(instance), buckets, phases, share, per_scrape
        )

    return InputGenerator(
        clock=context.clock,
        series=series,
        labels=context.api,
        healthy=0.0,
        time_to_fire=partial(second_sample, context),
        counters=True,
        traffic_multiplier=traffic_multiplier(context, window),
    )
