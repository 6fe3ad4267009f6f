"""Missing series: the sidecar cannot read them, or the app does not export them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.availability import SECTION
from generator.alerts.model import Alert, AlertTest, Case, Panel, Recording, Series, silent
from generator.alerts.testcases.expectations import about, still_firing
from generator.alerts.testcases.inputs import HERE, MakeSeries, gauge_inputs
from generator.alerts.testcases.series import Phase, counter, gauge
from generator.alerts.testcases.standard import silenced, with_standard_cases
from generator.names import EXPORTER_ERRORS, LATENCY, WORKERS
from generator.thresholds.fields import PositiveSeconds
from generator.thresholds.settings import ConditionAlert
from generator.thresholds.units import format_duration


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
        triggers=context.triggers(settings),
        recordings=(count,),
        summary=f"The sidecar on INSTANCE had {{{{ $value | humanize }}}} read errors in {window}",
        description=(
            "The sidecar on INSTANCE had {{ $value | humanize }} read errors in the last "
            f"{window} and has had errors for FOR, so some worker metrics are missing. Next: check "
            "the label `reason` of auditor_exporter_errors_total; `permission` means that the "
            "sidecar must run as the Auditor's user."
        ),
        panel=Panel("overview", SECTION, f"Sidecar read errors in {window}"),
    )

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        def growth(phase: Phase) -> float:
            return (phase.value or 0.0) * context.clock.interval / settings.window

        return [_errors(context, "permission", counter(context.clock, phases, growth), instance)]

    return replace(alert, cases=_errors_cases(context, alert, series, settings.window))


def _errors(context: Context, reason: str, values: str, instance: str = HERE) -> Series:
    return Series(EXPORTER_ERRORS, {**context.workers(instance), "reason": reason}, values)


def _errors_cases(
    context: Context, alert: Alert, series: MakeSeries, window: float
) -> tuple[Case, ...]:
    """Constant errors, and a single one.

    Any error counts, so the quantity has no value just beyond its bound.
    """
    clock, i, here = context.clock, context.clock.interval, context.workers(HERE)
    wait = alert.longest_for
    steady = clock.tick(window + wait) + 2 * i
    gone = steady + clock.tick(window) + clock.tick(alert.keep_firing_for)
    start = i + clock.tick(wait)

    def firing(at: float, errors: float = 40) -> AlertTest:
        """The errors counted so far, while the window fills."""
        return alert.firing(at, errors * min(1.0, at / window), here)

    count, twice = alert.recordings[0], 2 * window / i
    return (
        Case(
            "constant errors, then none",
            series(HERE, [Phase(steady, 40), Phase(gone, 0)]),
            (*silent(start - i), firing(start), firing(steady - i), *silent(gone)),
            (still_firing(gone - 3 * i, sidecar_errors.name, 1),),
        ),
        Case(
            "one error every other window",
            series(HERE, [Phase(steady, 0.5)]),
            (firing(steady - i, 0.5),),
        ),
        Case(
            "errors with two reasons",
            [_errors(context, reason, "0+1x50") for reason in ("permission", "vanished")],
            expr_tests=(about(clock.tick(window), count, here, twice),),
        ),
        Case(
            "a single error",
            [_errors(context, "vanished", f"0x{steady // i} 1x{2 * steady // i}")],
            silent(*(clock.tick(steady + wait * part / 4) for part in range(1, 6))),
        ),
    )


@define(ConditionAlert)
def app_metrics_missing(context: Context, settings: ConditionAlert) -> Alert:
    alert = Alert(
        family="availability",
        scope="instance",
        detects="app metrics missing",
        quantity=f"{WORKERS}{{}}",
        triggers=context.triggers(settings, f"unless on (instance) {LATENCY}_count{{}}"),
        summary="The Auditor's own metrics are missing on INSTANCE",
        description=(
            "VALUE Auditor workers are running on INSTANCE, but the Auditor's own metrics have "
            "been missing for FOR, so errors and latency are not monitored. Next: check that "
            "PROMETHEUS_MULTIPROC_DIR is set for the Auditor and is the directory that the sidecar "
            "reads."
        ),
        panel=Panel("overview", SECTION, "Workers expected to export metrics"),
    )
    inputs = gauge_inputs(context, {WORKERS: float}, context.workers, healthy=0)
    day = [Phase(context.clock.tick(86400), 0.0)]
    counts = Series(f"{LATENCY}_count", context.api(HERE), gauge(context.clock, day, float))
    title = "app metrics are present, although no requests have come"
    return with_standard_cases(alert, inputs, silenced(alert, inputs, 4, title, counts))
