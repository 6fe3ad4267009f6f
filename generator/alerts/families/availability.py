"""Whether the service is running and responding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, AlertTest, Case, Panel, Series
from generator.alerts.testcases.inputs import HERE, InputGenerator, gauge_inputs
from generator.alerts.testcases.series import Phase, gauge, selector
from generator.alerts.testcases.standard import with_standard_cases, worst_alone
from generator.alerts.triggers import triggers
from generator.names import PROBE_SUCCESS, WORKERS
from generator.thresholds.settings import ConditionAlert
from generator.thresholds.units import Unit

SECTION: Final = "Availability"
LOOK_BACK: Final = "5m"


def beside(
    context: Context, alert: Alert, inputs: InputGenerator, value: float, beside: Series, title: str
) -> Case:
    """The quantity is beyond its bound, but another series shows that the alert does not apply."""
    end = (
        context.clock.tick(inputs.time_to_fire(value, alert.constant) + alert.triggers[0].for_)
        + 2 * context.clock.interval
    )
    series = inputs.series(HERE, [Phase(end + context.clock.interval, value)])
    return Case(title, (*series, beside), (AlertTest(end, ()),))


def hours(context: Context, metric: str, value: float) -> Series:
    """A sidecar gauge that keeps its value for longer than any case lasts."""
    return Series(
        selector(metric, context.workers(HERE)),
        gauge(context.clock, [Phase(context.clock.tick(86400), value)], float),
    )


def always_one(context: Context, metric: str, instance: str, phases: Sequence[Phase]) -> Series:
    """A sidecar gauge that is 1 in every phase in which it is scraped."""
    ones = [replace(phase, value=None if phase.value is None else 1.0) for phase in phases]
    return Series(selector(metric, context.workers(instance)), gauge(context.clock, ones, float))


@define(ConditionAlert)
def down(context: Context, settings: ConditionAlert) -> Alert:
    alert = Alert(
        family="availability",
        scope="instance",
        detects="service down",
        quantity=f"{WORKERS}{{}}",
        op="<",
        unit=Unit.COUNT,
        constant=1,
        triggers=triggers(
            context.thresholds, settings, f"unless on (job, instance) {PROBE_SUCCESS}{{}} == 1"
        ),
        keep_firing_for=settings.keep_firing_for,
        summary="The Auditor on {{ $labels.instance }} is down",
        description=(
            "No Auditor worker has been running on {{ $labels.instance }} for FOR, and "
            "GET /health does not respond. Next: start the service and read the end of its log; "
            "if it exits right away, check its database and its models."
        ),
        panel=Panel("overview", SECTION, "Running workers", "{{instance}}"),
        origins=("service.expected_workers",),
        inhibits="symptoms",
    )
    inputs = gauge_inputs(
        context,
        {WORKERS: float},
        context.workers,
        healthy=context.thresholds.service.expected_workers,
    )
    answers = hours(context, PROBE_SUCCESS, 1)

    def silent(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        return (*inputs.series(instance, phases), hours(context, PROBE_SUCCESS, 0))

    return with_standard_cases(
        alert,
        inputs,
        worst_alone(
            alert, replace(inputs, series=silent), "no worker is found and the health check fails"
        ),
        beside(context, alert, inputs, 0, answers, "no worker is found, but the service responds"),
    )


@define(ConditionAlert)
def unresponsive(context: Context, settings: ConditionAlert) -> Alert:
    alert = Alert(
        family="availability",
        scope="instance",
        detects="service unresponsive",
        quantity=f"{PROBE_SUCCESS}{{}}",
        op="<",
        unit=Unit.COUNT,
        constant=1,
        triggers=triggers(
            context.thresholds, settings, f"and on (job, instance) {WORKERS}{{}} > 0"
        ),
        keep_firing_for=settings.keep_firing_for,
        summary="The Auditor on {{ $labels.instance }} is not responding",
        description=(
            "Auditor workers are running on {{ $labels.instance }}, but GET /health has not "
            "responded for FOR. Next: check whether requests are queueing and which worker is busy "
            "or stopped, then restart the service."
        ),
        panel=Panel("overview", SECTION, "Health check success", "{{instance}}"),
    )
    inputs = gauge_inputs(context, {PROBE_SUCCESS: float}, context.workers, healthy=1)
    running = replace(
        inputs,
        series=lambda instance, phases: (
            *inputs.series(instance, phases),
            always_one(context, WORKERS, instance, phases),
        ),
    )
    gone = hours(context, WORKERS, 0)
    return with_standard_cases(
        alert,
        running,
        beside(
            context, alert, inputs, 0, gone, "no worker is running: down rather than unresponsive"
        ),
    )
