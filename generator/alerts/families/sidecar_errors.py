"""Missing series: the sidecar cannot read them, or the app does not export them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from pydantic import Field

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.availability import SECTION, beside
from generator.alerts.model import Alert, AlertTest, Case, ExpectedAlert, Panel, Recording, Series
from generator.alerts.testcases.expectations import about, still_firing
from generator.alerts.testcases.inputs import HERE, InputGenerator, gauge_inputs, second_sample
from generator.alerts.testcases.series import Phase, counter, gauge, selector
from generator.alerts.testcases.standard import with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import EXPORTER_ERRORS, LATENCY, WORKERS
from generator.thresholds.fields import PositiveSeconds
from generator.thresholds.settings import ConditionAlert
from generator.thresholds.units import Unit, format_duration


class SidecarErrorsAlert(ConditionAlert):
    window: PositiveSeconds = Field(
        description="Range over which the sidecar's errors are counted."
    )


@define(SidecarErrorsAlert)
def sidecar_errors(context: Context, settings: SidecarErrorsAlert) -> Alert:
    window = format_duration(settings.window)
    count = Recording(
        "availability",
        f"instance:auditor_exporter_errors:increase{window}",
        f"sum by (job, instance) (increase({EXPORTER_ERRORS}{{}}[{window}]))",
    )
    alert = Alert(
        family="availability",
        scope="instance",
        detects="read errors",
        quantity=count.query,
        op=">",
        unit=Unit.COUNT,
        triggers=triggers(context.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        recordings=(count,),
        summary=(
            "The sidecar on {{ $labels.instance }} had {{ $value | humanize }} read errors in "
            f"{window}"
        ),
        description=(
            "The sidecar on {{ $labels.instance }} had {{ $value | humanize }} read errors in the "
            f"last {window} and has had errors for FOR, so some worker metrics are missing. Next: "
            "check the label `reason` of auditor_exporter_errors_total; `permission` means that "
            "the sidecar must run as the Auditor's user."
        ),
        panel=Panel("overview", SECTION, f"Sidecar read errors in {window}", "{{instance}}"),
    )

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        def growth(phase: Phase) -> float:
            return (phase.value or 0.0) * context.clock.interval / settings.window

        labels = {**context.workers(instance), "reason": "permission"}
        return (Series(selector(EXPORTER_ERRORS, labels), counter(context.clock, phases, growth)),)

    inputs = InputGenerator(
        clock=context.clock,
        series=series,
        labels=context.workers,
        healthy=0.0,
        time_to_fire=partial(second_sample, context),
    )
    return replace(alert, cases=_errors_cases(context, alert, inputs, settings.window))


def _errors_cases(
    context: Context, alert: Alert, inputs: InputGenerator, window: float
) -> tuple[Case, ...]:
    """Constant errors, and a single one.

    Any error counts, so the quantity has no value just beyond its bound.
    """
    clock = context.clock
    wait, keep = alert.triggers[0].for_, alert.keep_firing_for
    steady = clock.tick(window + wait) + 2 * clock.interval
    gone = steady + clock.tick(window)
    start = clock.interval + clock.tick(wait)

    def firing(at: float, errors: float = 40) -> AlertTest:
        """The errors counted so far, while the window fills."""
        read = errors * min(1.0, at / window)
        found = (
            ExpectedAlert(each.severity, read, context.workers(HERE), {}) for each in alert.triggers
        )
        return AlertTest(at, tuple(found))

    phases = [Phase(steady, 40), Phase(gone + clock.tick(keep), 0)]
    rare = [Phase(steady, 0.5)]
    single = f"0x{steady // clock.interval} 1x{2 * steady // clock.interval}"
    labels = {**context.workers(HERE), "reason": "vanished"}
    return (
        Case(
            "constant errors, then none",
            tuple(inputs.series(HERE, phases)),
            (
                AlertTest(start - clock.interval, ()),
                firing(start),
                firing(steady - clock.interval),
                AlertTest(gone + clock.tick(keep), ()),
            ),
            (still_firing(gone + clock.tick(keep) - 3 * clock.interval, sidecar_errors.name, 1),),
        ),
        Case(
            "one error every other window",
            tuple(inputs.series(HERE, rare)),
            (firing(steady - clock.interval, 0.5),),
        ),
        Case(
            "errors with two reasons",
            tuple(
                Series(
                    selector(EXPORTER_ERRORS, {**context.workers(HERE), "reason": reason}), "0+1x50"
                )
                for reason in ("permission", "vanished")
            ),
            expr_tests=(
                about(
                    clock.tick(window),
                    alert.recordings[0],
                    context.workers(HERE),
                    2 * window / clock.interval,
                ),
            ),
        ),
        Case(
            "a single error",
            (Series(selector(EXPORTER_ERRORS, labels), single),),
            tuple(AlertTest(clock.tick(steady + wait * part / 4), ()) for part in range(1, 6)),
        ),
    )


@define(ConditionAlert)
def app_metrics_missing(context: Context, settings: ConditionAlert) -> Alert:
    alert = Alert(
        family="availability",
        scope="instance",
        detects="app metrics missing",
        quantity=f"{WORKERS}{{}}",
        op=">",
        unit=Unit.COUNT,
        triggers=triggers(
            context.thresholds, settings, f"unless on (instance) {LATENCY}_count{{}}"
        ),
        keep_firing_for=settings.keep_firing_for,
        summary="The Auditor's own metrics are missing on {{ $labels.instance }}",
        description=(
            "{{ $value }} Auditor workers are running on {{ $labels.instance }}, but the Auditor's "
            "own metrics have been missing for FOR, so errors and latency are not monitored. Next: "
            "check that PROMETHEUS_MULTIPROC_DIR is set for the Auditor and is the directory that "
            "the sidecar reads."
        ),
        panel=Panel("overview", SECTION, "Workers expected to export metrics", "{{instance}}"),
    )
    inputs = gauge_inputs(context, {WORKERS: float}, context.workers, healthy=0)
    counts = Series(
        selector(f"{LATENCY}_count", context.api(HERE)),
        gauge(context.clock, [Phase(context.clock.tick(86400), 0.0)], float),
    )
    return with_standard_cases(
        alert,
        inputs,
        beside(
            context,
            alert,
            inputs,
            4,
            counts,
            "app metrics are present, although no requests have come",
        ),
    )
