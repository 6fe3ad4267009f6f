"""Whether the service is running and responding."""

from __future__ import annotations

from typing import Final

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Panel
from generator.alerts.testcases.inputs import constant, gauge_inputs
from generator.alerts.testcases.standard import (
    silenced,
    silenced_while_known,
    with_standard_cases,
    worst_alone,
)
from generator.names import PROBE_SUCCESS, WORKERS
from generator.thresholds.settings import ConditionAlert

SECTION: Final = "Availability"


@define(ConditionAlert)
def down(context: Context, settings: ConditionAlert) -> Alert:
    alert = Alert(
        family="availability",
        detects="service down",
        quantity=f"{WORKERS}{{}}",
        op="<",
        constant=1,
        triggers=context.triggers(settings, f"unless on (job, instance) {PROBE_SUCCESS}{{}} == 1"),
        summary="The Auditor on INSTANCE is down",
        description=(
            "No Auditor worker has been running on INSTANCE for FOR, and GET /health does not "
            "respond. Next: start the service and read the end of its log; if it exits right away, "
            "check its database and its models."
        ),
        panel=Panel("overview", SECTION, "Running workers"),
        origins=("service.expected_workers",),
        explains="instance",
        inhibits=("unreachable",),
    )
    workers = context.thresholds.service.expected_workers
    inputs = gauge_inputs(context, {WORKERS: float}, context.workers, healthy=workers)
    answers, fails = (constant(context, context.workers, PROBE_SUCCESS, each) for each in (1, 0))
    return with_standard_cases(
        alert,
        inputs,
        worst_alone(alert, inputs.beside(fails), "no worker is found and the health check fails"),
        silenced_while_known(
            alert, inputs, 0, "no worker is found, but the service responds", answers
        ),
    )


@define(ConditionAlert)
def unresponsive(context: Context, settings: ConditionAlert) -> Alert:
    alert = Alert(
        family="availability",
        detects="service unresponsive",
        quantity=f"{PROBE_SUCCESS}{{}}",
        op="<",
        constant=1,
        triggers=context.triggers(settings, f"and on (job, instance) {WORKERS}{{}} > 0"),
        summary="The Auditor on INSTANCE is not responding",
        description=(
            "Auditor workers are running on INSTANCE, but GET /health has not responded for FOR. "
            "Next: check whether requests are queueing and which worker is busy or stopped, then "
            "restart the service."
        ),
        panel=Panel("overview", SECTION, "Health check success"),
        inhibits=("unreachable", "requests_waiting", "no_traffic"),
    )
    probe = gauge_inputs(context, {PROBE_SUCCESS: float}, context.workers, healthy=1)
    running = {PROBE_SUCCESS: float, WORKERS: lambda _value: 1.0}
    stopped = constant(context, context.workers, WORKERS, 0)
    return with_standard_cases(
        alert,
        gauge_inputs(context, running, context.workers, healthy=1),
        silenced(
            alert,
            probe.beside(stopped),
            0,
            "no worker is running: down rather than unresponsive",
        ),
    )
