"""Whether Prometheus can scrape the sidecar, and which series it cannot give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.availability import SECTION
from generator.alerts.model import Alert, AlertTest, Case, Panel, Recording, Series, silent
from generator.alerts.testcases.expectations import about
from generator.alerts.testcases.inputs import HERE, MakeSeries, constant, gauge_inputs
from generator.alerts.testcases.series import Phase, counter, every_other_minute
from generator.alerts.testcases.standard import (
    silenced,
    silenced_while_known,
    with_standard_cases,
)
from generator.names import EXPORTER_ERRORS, LATENCY, PROBE_SUCCESS, UP, WORKERS
from generator.thresholds.fields import PositiveSeconds, doc
from generator.thresholds.settings import ConditionAlert
from generator.thresholds.units import format_duration


@define(ConditionAlert)
def sidecar_down(context: Context, settings: ConditionAlert) -> Alert:
    alert = Alert(
        family="availability",
        detects="sidecar not scraped",
        quantity=context.sidecar_scrapes,
        op="<",
        constant=1,
        triggers=context.triggers(settings),
        inhibits=("app_metrics_missing",),
        explains="job",
        summary="Prometheus cannot scrape JOB on INSTANCE",
        description=(
            "Scrapes of JOB on INSTANCE have failed for FOR. Alerts based on its "
            "metrics cannot fire; the service itself may be fine. Next: check whether the sidecar "
            "is running and whether Prometheus can reach it over the network."
        ),
        panel=Panel("overview", SECTION, "Scrape success", "{{job}} {{instance}}"),
        origins=("service.jobs.api", "service.jobs.workers"),
    )
    interval = context.clock.interval
    other = Series(UP, {"job": "another", "instance": HERE}, "0x99")
    return with_standard_cases(
        alert,
        gauge_inputs(context, {UP: float}, context.workers, healthy=1),
        Case("a different job cannot be scraped", (other,), silent(99 * interval)),
    )


@define(ConditionAlert)
def sidecar_blind(context: Context, settings: ConditionAlert) -> Alert:
    alert = Alert(
        family="availability",
        detects="workers not found",
        quantity=f"{WORKERS}{{}}",
        op="<",
        constant=1,
        triggers=context.triggers(settings, f"and on (job, instance) {PROBE_SUCCESS}{{}} == 1"),
        explains="workers",
        summary="The sidecar on INSTANCE cannot find any worker",
        description=(
            "The Auditor on INSTANCE responds, but its sidecar has found no worker for FOR, so "
            "memory, file descriptors and restarts are not monitored. Next: check that both run in "
            "the same PID namespace and as the same user, and that the sidecar is set to the "
            "Auditor's port."
        ),
        panel=Panel("overview", SECTION, "Workers found by the sidecar"),
        origins=("service.expected_workers",),
    )
    workers, expected = context.workers, context.thresholds.service.expected_workers
    found = gauge_inputs(context, {WORKERS: float}, workers, healthy=expected)
    answering = {WORKERS: float, PROBE_SUCCESS: lambda _value: 1.0}
    fails = constant(context, workers, PROBE_SUCCESS, 0)
    return with_standard_cases(
        alert,
        gauge_inputs(context, answering, workers, healthy=expected),
        silenced(alert, found.beside(fails), 0, "no worker and no response: the service is down"),
    )


class SidecarErrorsAlert(ConditionAlert):
    window: PositiveSeconds = doc("Range over which the sidecar's errors are counted.")


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
            (
                *silent(start - i),
                firing(start),
                firing(steady - i),
                alert.is_firing(gone - 3 * i),
                *silent(gone),
            ),
        ),
        Case(
            "scrapes fail every other minute",
            series(HERE, every_other_minute(clock, Phase(3 * start, 40))),
            (alert.is_firing(2 * start),),
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
    counts = constant(context, context.api, f"{LATENCY}_count", 0)
    title = "app metrics are present, although no requests have come"
    return with_standard_cases(alert, inputs, silenced_while_known(alert, inputs, 4, title, counts))
