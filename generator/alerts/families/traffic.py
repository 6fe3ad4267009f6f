"""Requests that do not come, and requests that are not answered fast enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from generator.alerts import remedies
from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.latency import per_worker
from generator.alerts.families.waiting import waiting, waiting_over_time
from generator.alerts.model import (
    Alert,
    AlertTest,
    Case,
    Cause,
    ExpectedAlert,
    Panel,
    Query,
    Runbook,
    Series,
)
from generator.alerts.recordings import request_rate, requests, steady_rate
from generator.alerts.testcases.inputs import HERE, InputGenerator, steady, traffic_multiplier
from generator.alerts.testcases.recordings import requests_over_time
from generator.alerts.testcases.series import Phase, counter, gauge, selector
from generator.alerts.testcases.standard import with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import (
    ACCEPT_QUEUE,
    API_CONNECTIONS,
    CONNECTIONS_WAITING,
    CPU_SECONDS,
    DB_CONNECTIONS,
    PROBE_SUCCESS,
    REQUESTS,
    WORKERS,
)
from generator.thresholds.levels import ThroughputLevels, Unit
from generator.thresholds.settings import Rows, SilenceAlert, WindowAlert
from generator.thresholds.units import format_duration


@define(SilenceAlert)
def no_traffic(context: Context, settings: SilenceAlert) -> Alert:
    context = context.for_window(settings.window)
    window, before = settings.window, settings.before
    spoken = format_duration(window)
    now, then = requests(window), requests(before)
    guard = f"and on (job, instance) {then.query} offset {spoken} >= {settings.min_requests}"
    alert = Alert(
        key="no_traffic",
        family="traffic",
        scope="instance",
        detects="no traffic",
        quantity=now.query,
        op="<",
        unit=Unit.COUNT,
        constant=1,
        triggers=triggers(context.thresholds, settings, guard),
        keep_firing_for=settings.keep_firing_for,
        recordings=(now, then),
        summary="No verification has reached {{ $labels.instance }} for " + spoken,
        description=(
            f"{{{{ $labels.instance }}}} runs, but no verification has reached it for {spoken}, "
            f"after at least {settings.min_requests} in the {format_duration(before)} before. "
            "Next: see whether clients, the gateway or the load balancer in front of it still "
            "send; the service itself is not at fault."
        ),
        panel=Panel("overview", "Traffic", f"Requests within {spoken}", "{{instance}}"),
        runbook=Runbook(
            summary="No verification arrives any more, although many did in the hours before.",
            first=(
                (
                    "Send one verification through the same address that clients use. It arrives: "
                    "they simply do not ask."
                ),
                (
                    "It does not: what stands before the service is at fault, a load balancer, a "
                    "proxy or a name."
                ),
                "Do other instances get requests? Then this one was taken out of rotation.",
            ),
            meaning=(
                f"The app has counted no verification for {spoken}, after many in the hours "
                "before. Only requests that reach the handler count: those refused before it (401, "
                "422, 429) look like silence too. The service itself answers, or AuditorDown or "
                "AuditorUnresponsive would fire."
            ),
            impact="Nobody, if it is a quiet hour; everybody, if the way to the service is broken.",
            queries=(
                Query(
                    "Requests a second, by instance",
                    f"sum by (instance) (rate({REQUESTS}{{}}[{spoken}]))",
                ),
                Query("Connections of clients", f"{API_CONNECTIONS}{{}}"),
                Query("Does the probe get an answer?", f"{PROBE_SUCCESS}{{}}"),
            ),
            causes=(
                Cause(
                    "A quiet hour, or a client that was switched off",
                    "Evenings, holidays, an ended job. Nothing to do; if it comes back every "
                    "evening, make the floor of requests larger.",
                ),
                Cause(
                    "All requests are refused",
                    "The access log is full of 401, 422 or 429: an expired key, a client that "
                    "sends another form, or the rate limit.",
                    settings=("RATE_LIMIT_PER_MINUTE=200", "RATE_LIMIT_BURST=20"),
                    commands=(
                        f"{remedies.LOG} | grep -oE 'HTTP/[0-9.]+\" [0-9]{{3}}' | sort | uniq -c",
                    ),
                ),
                Cause(
                    "The way to the service is broken",
                    "Name, certificate, load balancer, firewall: whatever was changed last. Ask "
                    "from outside what clients ask.",
                    commands=(
                        "# url: the address that clients use",
                        (
                            "curl -sS --max-time 10 -o /dev/null -w '%{http_code} %{remote_ip} "
                            '%{ssl_verify_result}\\n\' "$url/health"'
                        ),
                    ),
                ),
            ),
            escalate=(
                "To the platform team at once if a request through the clients' address does not "
                "arrive. Otherwise nobody at night."
            ),
        ),
    )
    cases = (
        *_no_traffic_cases(context, alert, settings),
        *(requests_over_time(context, each, alert.recordings) for each in (window, before)),
    )
    return replace(alert, cases=cases, clock=context.clock)


def _no_traffic_cases(context: Context, alert: Alert, settings: SilenceAlert) -> tuple[Case, ...]:
    clock = context.clock
    busy, quiet = clock.tick(settings.before), clock.tick(settings.window)
    wait, keep = alert.triggers[0].for_, clock.tick(settings.keep_firing_for)
    silent = busy + quiet
    length = clock.tick(quiet + wait) + keep + 8 * clock.interval
    firing = tuple(
        ExpectedAlert(trigger.severity, 0, context.api(HERE), {}) for trigger in alert.triggers
    )
    fires = clock.tick(silent + clock.interval + wait) + clock.interval
    back = fires + clock.interval
    much = 1000.0 * settings.min_requests
    # The busy time slides out of its range while the alert waits.
    enough = 1.02 * settings.min_requests / (1 - (wait + 4 * clock.interval) / settings.before)

    def time_series(total: float, then: float, again: float = 0.0) -> tuple[Series, ...]:
        """`total` requests in the busy time, `then` in a window, `again` as busy as at first."""
        busily = total * clock.interval / settings.before
        phases = [
            Phase(busy, busily),
            Phase(back - busy, then * clock.interval / settings.window),
            Phase(length, again * busily),
        ]
        values = counter(clock, phases, lambda phase: phase.value or 0.0)
        return (Series(selector(REQUESTS, {**context.api(HERE), "status": "success"}), values),)

    return (
        Case(
            "busy, then silent, then busy again",
            time_series(much, 0.0, 1.0),
            (
                AlertTest(silent - 4 * clock.interval + clock.tick(wait), ()),
                AlertTest(fires, firing),
                AlertTest(back + keep - clock.interval, firing),
                AlertTest(back + keep, ()),
            ),
        ),
        Case(
            "too few requests before",
            time_series(0.99 * settings.min_requests, 0.0),
            (AlertTest(fires, ()),),
        ),
        Case("just enough requests before", time_series(enough, 0.0), (AlertTest(fires, firing),)),
        Case(
            "a single request within the window",
            time_series(much, 1.02),
            (AlertTest(silent, ()), AlertTest(fires, ())),
        ),
        Case(
            "less than one request within the window",
            time_series(much, 0.98),
            (AlertTest(fires, firing),),
        ),
    )


@define(WindowAlert, Rows("throughput"))
def low_throughput(context: Context, settings: WindowAlert) -> Alert:
    window = settings.window
    found = triggers(context.thresholds, settings)
    row = found[0].bound.levels if found[0].bound else None
    if not isinstance(row, ThroughputLevels):
        raise TypeError("low_throughput needs a row of the throughput")
    guard = f"and on (instance) {waiting(window).query} >= {row.concurrency}"
    spoken = format_duration(window)
    rate = request_rate(window)
    alert = Alert(
        key="low_throughput",
        family="traffic",
        scope="instance",
        detects="requests waiting",
        quantity=steady_rate(window),
        op="<",
        unit=Unit.RATE,
        triggers=triggers(context.thresholds, settings, guard),
        keep_firing_for=settings.keep_firing_for,
        recordings=(rate, waiting(window)),
        summary=(
            "{{ $labels.instance }} answers {{ $value | humanize }} requests a second while others "
            "wait"
        ),
        description=(
            "{{ $labels.instance }} answers {{ $value | humanize }} verifications a second, fewer "
            f"than BOUND, while {row.concurrency} or more wait on average over {spoken}. Next: low "
            "processor time points at the database or a lock, high processor time at too few "
            "workers."
        ),
        panel=Panel("overview", "Traffic", "Request rate", "{{instance}}"),
        runbook=Runbook(
            summary="The service answers few requests a second, although more wait.",
            first=(
                "Look at the processor time of the workers (query below).",
                (
                    "Low: they wait for the database, a disk or a lock. See the causes from the "
                    "first on."
                ),
                "High: too few workers, or heavier requests than usual.",
            ),
            meaning=(
                f"While at least {row.concurrency} requests waited on average, the instance "
                "answered fewer a second than the bound: demand is there and the service does not "
                "meet it. Few requests while nobody waits are a quiet hour and do not fire."
            ),
            impact="Every client: the queue grows, and with it the time each request waits.",
            queries=(
                Query("Processor time of each worker, in cores", per_worker(CPU_SECONDS, spoken)),
                Query("Database connections of each worker", f"{DB_CONNECTIONS}{{}}"),
                Query(
                    "Requests that wait for a worker",
                    f"{CONNECTIONS_WAITING}{{}} + {ACCEPT_QUEUE}{{}}",
                ),
                Query("Workers", f"{WORKERS}{{}}"),
            ),
            causes=(
                remedies.SLOW_DATABASE,
                remedies.MORE_WORKERS,
                remedies.LARGER_POOL,
                remedies.STATISTICS_CALLS,
                remedies.HEAVY_REQUESTS,
                remedies.SLOW_DISK,
                Cause(
                    "A lock that all workers share",
                    "Processor time, database and disk are idle. The stacks of the workers stand "
                    "in the same line.",
                    commands=('py-spy dump --pid "$pid"  # pid: label of auditor_worker_info',),
                ),
                Cause(
                    "Connections of clients die or are opened anew each time",
                    "Many short connections with few requests. Clients should reuse theirs; give "
                    "slow ones more time.",
                    settings=("KEEP_ALIVE=5", "REQUEST_TIMEOUT=60"),
                    commands=("ss -s",),
                ),
            ),
            escalate=(
                "To the developers after 30 minutes, or at once together with "
                "AuditorRequestsWaiting as critical. Otherwise a ticket for capacity."
            ),
        ),
        origins=tuple(f"targets.{each.bound.row}.concurrency" for each in found if each.bound),
    )
    return with_standard_cases(
        alert,
        _throughput_inputs(context, row, window),
        *_throughput_cases(context, alert, row, window),
        requests_over_time(context, window, alert.recordings),
        waiting_over_time(context, window),
    )


def _throughput_inputs(
    context: Context, row: ThroughputLevels, window: float, queue: float | None = None
) -> InputGenerator:
    """Requests at the wanted rate while `queue` wait (just as many as the row speaks of)."""

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        def queued(phase: Phase) -> float | None:
            return (
                None if phase.value is None else float(row.concurrency if queue is None else queue)
            )

        waits = [replace(phase, value=queued(phase)) for phase in phases]
        labels = context.workers(instance)
        rate = counter(
            context.clock,
            phases,
            lambda phase: (phase.value or 0.0) * phase.traffic * context.clock.interval,
        )
        return (
            Series(selector(REQUESTS, {**context.api(instance), "status": "success"}), rate),
            Series(selector(CONNECTIONS_WAITING, labels), gauge(context.clock, waits, float)),
            Series(selector(ACCEPT_QUEUE, labels), gauge(context.clock, waits, lambda _value: 0.0)),
        )

    return InputGenerator(
        clock=context.clock,
        series=series,
        labels=context.api,
        healthy=2 * row.acceptable,
        time_to_fire=steady(context, window),
        counters=True,
        traffic_multiplier=traffic_multiplier(context, window),
    )


def _throughput_cases(
    context: Context, alert: Alert, row: ThroughputLevels, window: float
) -> tuple[Case, ...]:
    """Few requests while nobody waits are a quiet hour."""
    inputs = _throughput_inputs(context, row, window, row.concurrency * 0.99)
    end = (
        context.clock.tick(inputs.time_to_fire(0, 0) + max(each.for_ for each in alert.triggers))
        + 2 * context.clock.interval
    )
    series = inputs.series(
        HERE, [Phase(end + context.clock.interval, alert.bound(alert.triggers[0]) / 2)]
    )
    return (Case("few requests and too few that wait", tuple(series), (AlertTest(end, ()),)),)
