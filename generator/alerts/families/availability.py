"""Down or hung: whether the service runs and answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from generator.alerts import remedies
from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, AlertTest, Case, Cause, Panel, Query, Runbook, Series
from generator.alerts.testcases.inputs import HERE, InputGenerator, gauge_inputs
from generator.alerts.testcases.series import Phase, gauge, selector
from generator.alerts.testcases.standard import with_standard_cases, worst_alone
from generator.alerts.triggers import triggers
from generator.names import (
    ACCEPT_QUEUE,
    CONNECTIONS_WAITING,
    CPU_SECONDS,
    DB_CONNECTIONS,
    PROBE_SUCCESS,
    WORKER_INFO,
    WORKER_STARTS,
    WORKERS,
)
from generator.thresholds.levels import Unit
from generator.thresholds.settings import ConditionAlert

SECTION: Final = "Availability"
LOOK_BACK: Final = "5m"


def beside(
    context: Context, alert: Alert, inputs: InputGenerator, value: float, beside: Series, title: str
) -> Case:
    """The quantity is beyond its bound, yet another series shows that the alert does not apply."""
    end = (
        context.clock.tick(inputs.time_to_fire(value, alert.constant) + alert.triggers[0].for_)
        + 2 * context.clock.interval
    )
    series = inputs.series(HERE, [Phase(end + context.clock.interval, value)])
    return Case(title, (*series, beside), (AlertTest(end, ()),))


def hours(context: Context, metric: str, value: float) -> Series:
    """A gauge of the sidecar that keeps a value longer than any case lasts."""
    return Series(
        selector(metric, context.workers(HERE)),
        gauge(context.clock, [Phase(context.clock.tick(86400), value)], float),
    )


def always_one(context: Context, metric: str, instance: str, phases: Sequence[Phase]) -> Series:
    """A gauge of the sidecar that is 1 through all phases in which it is scraped."""
    ones = [replace(phase, value=None if phase.value is None else 1.0) for phase in phases]
    return Series(selector(metric, context.workers(instance)), gauge(context.clock, ones, float))


@define(ConditionAlert)
def down(context: Context, settings: ConditionAlert) -> Alert:
    alert = Alert(
        key="down",
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
            "No worker of the Auditor runs on {{ $labels.instance }} and GET /health has no "
            "answer, for FOR. Next: start the service and read the end of its log; if it ends at "
            "once, look at its database and its models."
        ),
        panel=Panel("overview", SECTION, "Workers alive", "{{instance}}"),
        runbook=Runbook(
            summary="No worker of the Auditor runs, and nothing answers.",
            first=(
                f"Start it: `{remedies.START}`.",
                (
                    f"It ends again: read the end of its log, `{remedies.TAIL}`. The last "
                    "traceback names the reason."
                ),
                "It runs, but does not answer: go on with AuditorUnresponsive.",
            ),
            meaning=(
                "The sidecar finds no worker process, and its probe of `GET /health` had no answer "
                "for the whole time. The sidecar itself is up, or there would be no value: see "
                "AuditorSidecarDown for that. If the service answers although no worker is seen, "
                "AuditorSidecarBlind fires instead."
            ),
            impact="Every client of this instance: connections are refused.",
            queries=(
                Query("Does the probe get an answer?", f"{PROBE_SUCCESS}{{}}"),
                Query("Workers of every instance", f"{WORKERS}{{}}"),
                Query("Starts of workers in the last hour", f"increase({WORKER_STARTS}{{}}[1h])"),
            ),
            causes=(
                Cause(
                    "It cannot start",
                    "A wrong setting, a missing module or model, or a database that cannot be "
                    "reached: the app creates its tables while it starts and ends if it cannot.",
                    commands=(remedies.TAIL, "pg_isready"),
                ),
                Cause(
                    "It was stopped, or is being deployed",
                    "Nobody has started it again. The state and the exit code tell: 0 or 143 is a "
                    "stop, 137 a kill.",
                    commands=("docker compose ps --all auditor-api", remedies.START),
                ),
                remedies.KERNEL_KILLS,
                remedies.ROLL_BACK,
            ),
            escalate=(
                "At once to the developers if it does not stay up after one start, to the "
                "database's administrators if the log names the database, to the platform team if "
                "the machine itself is gone. Tell the clients' owners after 15 minutes."
            ),
        ),
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
        worst_alone(alert, replace(inputs, series=silent), "no worker is seen, no probe answered"),
        beside(context, alert, inputs, 0, answers, "no worker is seen, yet the service answers"),
    )


@define(ConditionAlert)
def unresponsive(context: Context, settings: ConditionAlert) -> Alert:
    alert = Alert(
        key="unresponsive",
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
        summary="The Auditor on {{ $labels.instance }} hangs",
        description=(
            "Workers of the Auditor run on {{ $labels.instance }}, but GET /health has had no "
            "answer for FOR. Next: see whether requests wait and which worker is busy or stopped, "
            "then restart the service."
        ),
        panel=Panel("overview", SECTION, "Probe of GET /health", "{{instance}}"),
        runbook=Runbook(
            summary="Workers run, but `GET /health` gets no answer.",
            first=(
                (
                    f"Ask yourself: `{remedies.HEALTH}`. If that answers, the sidecar cannot reach "
                    "the port: see the causes."
                ),
                (
                    "Save evidence, it is gone after the restart: the state of the workers and "
                    "what they wait for (first cause)."
                ),
                f"Restart: `{remedies.RESTART}`.",
            ),
            meaning=(
                "The sidecar sees worker processes, but its probe of `GET /health` failed for the "
                "whole time. A worker serves `/health` from the same event loop that verifies, so "
                "one long verification delays it; with all workers stuck nothing is answered. A "
                "supervisor replaces a hung worker after some seconds, a single worker has none."
            ),
            impact=(
                "Every client of this instance: requests wait until their own time limit ends them."
            ),
            queries=(
                Query("Requests that wait", f"{CONNECTIONS_WAITING}{{}} + {ACCEPT_QUEUE}{{}}"),
                Query(
                    "Processor time of each worker, in cores",
                    f"sum by (instance, worker) (rate({CPU_SECONDS}{{}}[{LOOK_BACK}]))",
                ),
                Query("Process id of each worker", f"{WORKER_INFO}{{}}"),
                Query("Database connections of each worker", f"{DB_CONNECTIONS}{{}}"),
            ),
            causes=(
                Cause(
                    "The workers wait for something: the database, a lock, a disk",
                    "Their processor time is near zero. `STAT` D is a wait for a disk, T a "
                    "stopped process; `py-spy dump` shows the line of Python they wait in.",
                    commands=(
                        "# pid: label of auditor_worker_info",
                        'ps -o pid,ppid,stat,wchan:24,etime,args -p "$pid"',
                        'py-spy dump --pid "$pid"  # where it is installed',
                    ),
                ),
                remedies.SLOW_DATABASE,
                Cause(
                    "The workers compute without an end",
                    "Their processor time is at a whole core each. A huge request or a loop: the "
                    "log's last `Verifying answer` of each worker has no `Verification complete`. "
                    "Restart, then find the client.",
                    commands=(
                        (
                            f"{remedies.LOG} | grep -E 'Verif(ying answer|ication complete)' | "
                            "tail -n 40"
                        ),
                    ),
                ),
                remedies.MORE_WORKERS,
                Cause(
                    "Only the probe fails",
                    "You get an answer, the sidecar does not: a firewall, a wrong port or a proxy "
                    "between them. Mend its settings; the service is well.",
                    commands=(remedies.HEALTH,),
                ),
            ),
            escalate=(
                "At once to the developers if it hangs again after one restart, with the evidence. "
                "To the database's administrators at once if the workers wait for the database."
            ),
        ),
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
        alert, running, beside(context, alert, inputs, 0, gone, "no worker runs: down, not hung")
    )
