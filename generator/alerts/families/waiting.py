"""Requests that wait for a worker, and the probe that waits as they do."""

from __future__ import annotations

from collections.abc import Sequence

from generator.alerts import remedies
from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.latency import per_worker, precision
from generator.alerts.model import (
    Alert,
    AlertTest,
    Case,
    Cause,
    ExpectedAlert,
    Panel,
    Query,
    Recording,
    Runbook,
    Series,
)
from generator.alerts.recordings import QUANTILES, quantile, request_rate, steady_rate
from generator.alerts.testcases.expectations import Span, about
from generator.alerts.testcases.inputs import (
    HERE,
    InputGenerator,
    quantile_inputs,
    request_series,
    steady,
    traffic_multiplier,
)
from generator.alerts.testcases.recordings import quantile_over_time, requests_over_time
from generator.alerts.testcases.series import Phase, gauge, selector
from generator.alerts.testcases.standard import with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import (
    ACCEPT_QUEUE,
    CONNECTIONS_WAITING,
    CPU_SECONDS,
    DB_CONNECTIONS,
    PROBE_DURATION,
    REQUESTS,
    WORKERS,
)
from generator.thresholds.levels import Unit
from generator.thresholds.settings import Rows, WaitAlert, WindowAlert
from generator.thresholds.units import format_duration


def waiting(window: float) -> Recording:
    """Requests that no worker has taken yet, on average over the window."""
    w = format_duration(window)
    return Recording(
        "saturation",
        f"instance:auditor_api_waiting:avg{w}",
        f"avg_over_time({CONNECTIONS_WAITING}{{}}[{w}]) + avg_over_time({ACCEPT_QUEUE}{{}}[{w}])",
    )


def wait(window: float) -> Recording:
    """Mean time a request waits, by Little's law: mean number waiting / rate of requests."""
    w = format_duration(window)
    return Recording(
        "saturation",
        f"instance:auditor_api_wait_seconds:avg{w}",
        f"{waiting(window).query} / on (instance) group_left () {steady_rate(window)}",
    )


def waiting_over_time(context: Context, window: float) -> Case:
    """Requests begin to wait half a window ago: in both queues."""
    span = Span(context, window)
    at, many = span.at(2.5), 8.0
    series = (
        Series(selector(metric, context.workers(HERE)), span.turns(2, 0, many))
        for metric in (CONNECTIONS_WAITING, ACCEPT_QUEUE)
    )
    share = (at - 2 * span.length) / window
    return span.case(
        "requests wait since half a window",
        tuple(series),
        (about(at, waiting(window), context.workers(HERE), 2 * many * share),),
    )


@define(WaitAlert, Rows("latency"))
def requests_waiting(context: Context, settings: WaitAlert) -> Alert:
    window, w = settings.window, format_duration(settings.window)
    floor = f"and on (job, instance) {waiting(window).query} >= {settings.min_waiting}"
    alert = Alert(
        key="requests_waiting",
        family="saturation",
        scope="instance",
        detects="requests waiting",
        quantity=wait(window).query,
        op=">",
        unit=Unit.DURATION,
        triggers=triggers(context.thresholds, settings, floor),
        keep_firing_for=settings.keep_firing_for,
        recordings=(waiting(window), request_rate(window), wait(window)),
        summary=(
            "Requests to {{ $labels.instance }} wait {{ $value | humanizeDuration }} for a worker"
        ),
        description=(
            "A request to {{ $labels.instance }} waits {{ $value | humanizeDuration }} on average "
            "before a worker takes it, more than BOUND; the app's own latency does not contain "
            "this. Next: if the workers' processor time is at its end add workers, else look for "
            "what blocks them."
        ),
        panel=Panel("latency", "Waiting", "Mean wait for a worker", "{{instance}}"),
        runbook=Runbook(
            summary="Requests queue before a worker takes them; clients wait that much longer.",
            first=(
                "Look at the processor time of the workers (query below).",
                (
                    "All busy: more load than they can do. Add workers if memory allows, or ask "
                    "the largest client to slow down."
                ),
                (
                    "Idle: they wait for something themselves, most likely the database: see the "
                    "causes."
                ),
                (
                    "Some busy and others idle: a worker blocks with the connections it has taken. "
                    "Restart it."
                ),
            ),
            meaning=(
                f"By Little's law: the mean number of requests that waited in the last {w}, in the "
                "kernel's socket buffers and in the listener's queue, divided by the requests "
                "answered a second. That is the mean time a request waits. The handlers are "
                "synchronous inside, so a worker takes nothing else while it verifies, and the "
                "app's own latency begins only afterwards: it can look perfect while this alert "
                "fires."
            ),
            impact=(
                "Every client, on every request, beyond what the latency panels show; some run "
                "into their time limits."
            ),
            queries=(
                Query("Processor time of each worker, in cores", per_worker(CPU_SECONDS, w)),
                Query(
                    "Unread requests, and connections not yet accepted",
                    f"{CONNECTIONS_WAITING}{{}} or {ACCEPT_QUEUE}{{}}",
                ),
                Query("Requests a second", f"sum by (instance) (rate({REQUESTS}{{}}[{w}]))"),
                Query("Workers", f"{WORKERS}{{}}"),
                Query("Database connections of each worker", f"{DB_CONNECTIONS}{{}}"),
            ),
            causes=(
                remedies.MORE_WORKERS,
                remedies.SLOW_DATABASE,
                remedies.STATISTICS_CALLS,
                remedies.HEAVY_REQUESTS,
                remedies.SMALLER_MODELS,
                Cause(
                    "A client sends more than was agreed",
                    "Few addresses hold most connections. Limit each client.",
                    settings=(
                        "ENABLE_RATE_LIMITING=true",
                        "RATE_LIMIT_PER_MINUTE=60",
                        "RATE_LIMIT_BURST=10",
                    ),
                    commands=(
                        (
                            "ss -Htn state established '( sport = :8000 )' | awk '{print $4}' | "
                            "sed 's/:[0-9]*$//' | sort | uniq -c | sort -rn | head"
                        ),
                    ),
                ),
            ),
            escalate=(
                "Critical: to the developers after 15 minutes, to the database's administrators at "
                "once if the workers wait for it. Warning: a ticket for capacity."
            ),
        ),
    )
    inputs = _wait_inputs(
        context, window, 2 * settings.min_waiting / alert.bound(alert.triggers[-1])
    )
    return with_standard_cases(
        alert,
        inputs,
        *_waiting_cases(context, alert, settings),
        waiting_over_time(context, window),
        requests_over_time(context, window, alert.recordings),
    )


def _wait_inputs(context: Context, window: float, rate: float) -> InputGenerator:
    """`rate` requests a second; as many wait as make the mean wait the wanted value."""

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        labels = context.workers(instance)
        return (
            Series(
                selector(CONNECTIONS_WAITING, labels),
                gauge(context.clock, phases, lambda value: value * rate * 0.5),
            ),
            Series(
                selector(ACCEPT_QUEUE, labels),
                gauge(context.clock, phases, lambda value: value * rate * 0.5),
            ),
            *request_series(
                context.clock,
                context.api(instance),
                [_no_errors(phase) for phase in phases],
                rate * context.clock.interval,
            ),
        )

    return InputGenerator(
        clock=context.clock,
        series=series,
        labels=context.workers,
        healthy=0.0,
        time_to_fire=steady(context, window),
        traffic_multiplier=traffic_multiplier(context, window),
    )


def _no_errors(phase: Phase) -> Phase:
    return Phase(phase.seconds, None if phase.value is None else 0.0, phase.traffic, phase.reset)


def _waiting_cases(context: Context, alert: Alert, settings: WaitAlert) -> tuple[Case, ...]:
    """A long wait of too few connections is a slow client; a hung service answers nothing."""
    clock = context.clock
    value = 2 * alert.bound(alert.triggers[0])
    window, minimum = settings.window, settings.min_waiting
    wait = max(trigger.for_ for trigger in alert.triggers)
    length = clock.tick(steady(context, window)(value, 0) + wait) + 4 * clock.interval
    end = length - clock.interval
    few = _wait_inputs(context, window, 0.99 * minimum / value)
    enough = _wait_inputs(context, window, 1.01 * minimum / value)
    firing = tuple(
        ExpectedAlert(trigger.severity, value, context.workers(HERE), {})
        for trigger in alert.triggers
    )
    return (
        Case(
            "enough wait",
            tuple(enough.series(HERE, [Phase(length, value)])),
            (AlertTest(end, firing),),
        ),
        Case(
            "too few wait", tuple(few.series(HERE, [Phase(length, value)])), (AlertTest(end, ()),)
        ),
        Case(
            "nobody waits",
            tuple(_wait_inputs(context, window, 1.0).series(HERE, [Phase(length, 0.0)])),
            (AlertTest(end, ()),),
        ),
    )


@define(WindowAlert, Rows("latency", histogram=True))
def slow_probe(context: Context, settings: WindowAlert) -> Alert:
    read, w = quantile(PROBE_DURATION, "p50", settings.window), format_duration(settings.window)
    found = triggers(context.thresholds, settings)
    alert = Alert(
        key="slow_probe",
        family="saturation",
        scope="instance",
        detects="slow health checks",
        quantity=read.query,
        op=">",
        unit=Unit.DURATION,
        triggers=found,
        keep_firing_for=settings.keep_firing_for,
        recordings=(read,),
        summary="GET /health of {{ $labels.instance }} takes {{ $value | humanizeDuration }}",
        description=(
            "Half of the probes of {{ $labels.instance }} take {{ $value | humanizeDuration }} or "
            "longer, more than BOUND, though they do no work: every request waits that long for "
            "the event loop. Next: see whether requests wait and which workers are busy."
        ),
        panel=Panel("latency", "Waiting", "Median time of GET /health", "{{instance}}"),
        runbook=Runbook(
            summary="Even `GET /health`, which does no work, is answered late.",
            first=(
                f"Ask a few times yourself: `{remedies.HEALTH}`.",
                "See whether requests wait: then AuditorRequestsWaiting has the remedies.",
                (
                    "Nobody waits and the probe is slow: the machine or the network is, not the "
                    "service."
                ),
            ),
            meaning=(
                (
                    "Half of the sidecar's probes took longer than the bound. The answer needs no "
                    "work, so the time is what every request waits until a worker's event loop is "
                    "free. A probe without any answer counts in AuditorUnresponsive instead. "
                )
                + precision(
                    context.thresholds.service.latency_buckets,
                    [each.bound.value for each in found if each.bound],
                )
            ),
            impact=(
                "Every client, on every request. A load balancer that asks `/health` may take the "
                "instance out."
            ),
            queries=(
                Query(
                    "Requests that wait for a worker",
                    f"{CONNECTIONS_WAITING}{{}} + {ACCEPT_QUEUE}{{}}",
                ),
                Query("Processor time of each worker, in cores", per_worker(CPU_SECONDS, w)),
                Query(
                    "Mean time of a probe, in seconds",
                    (
                        f"sum by (instance) (rate({PROBE_DURATION}_sum{{}}[{w}])) / sum by "
                        f"(instance) (rate({PROBE_DURATION}_count{{}}[{w}]))"
                    ),
                ),
            ),
            causes=(
                remedies.MORE_WORKERS,
                remedies.STATISTICS_CALLS,
                remedies.SLOW_DATABASE,
                remedies.LOADING_MODELS,
                Cause(
                    "The machine itself is overloaded, or throttled",
                    "Load is far above the number of cores, or the container's processor quota is "
                    "used up: `nr_throttled` rises.",
                    commands=(
                        "uptime; nproc",
                        "docker compose exec -T auditor-api cat /sys/fs/cgroup/cpu.stat",
                    ),
                ),
            ),
            escalate=(
                "Critical: to the developers after 15 minutes; to the platform team at once if the "
                "machine is overloaded by something else. Warning: a ticket."
            ),
        ),
    )
    return with_standard_cases(
        alert,
        quantile_inputs(context, "p50", settings.window, 1000, PROBE_DURATION),
        quantile_over_time(
            context,
            settings.window,
            PROBE_DURATION,
            QUANTILES["p50"],
            context.workers,
            (read, None),
        ),
    )
