"""Requests: none at all, served too slowly, or waiting for a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Case, Panel, Recording, Series, silent
from generator.alerts.recordings import quantile, request_rate, requests, steady_rate
from generator.alerts.testcases.expectations import Span, about
from generator.alerts.testcases.inputs import (
    HERE,
    InputGenerator,
    quantile_inputs,
    request_series,
    traffic_multiplier,
)
from generator.alerts.testcases.recordings import quantile_over_time, requests_over_time
from generator.alerts.testcases.series import Phase, counter, every_other_minute, gauge
from generator.alerts.testcases.standard import silenced, with_standard_cases
from generator.names import ACCEPT_QUEUE, CONNECTIONS_WAITING, PROBE_DURATION, REQUESTS
from generator.thresholds.fields import PositiveCount, PositiveSeconds, doc
from generator.thresholds.levels import ThroughputLevels
from generator.thresholds.settings import ConditionAlert, Rows, WindowAlert
from generator.thresholds.units import format_duration


class SilenceAlert(ConditionAlert):
    window: PositiveSeconds = doc("How long there must have been no requests.")
    before: PositiveSeconds = doc("Length of the time before that, which must have had traffic.")
    min_requests: PositiveCount = doc("Minimum number of requests in that time.")


@define(SilenceAlert)
def no_traffic(context: Context, settings: SilenceAlert) -> Alert:
    context = context.for_window(settings.window)
    window, before = settings.window, settings.before
    spoken = format_duration(window)
    now, then = requests(window), requests(before)
    guard = f"and on (job, instance) {then.query} offset {spoken} >= {settings.min_requests}"
    alert = Alert(
        family="traffic",
        detects="no traffic",
        quantity=now.query,
        op="<",
        constant=1,
        triggers=context.triggers(settings, guard),
        recordings=(now, then),
        summary=f"INSTANCE has received no requests for {spoken}",
        description=(
            f"INSTANCE is up but has received no verification requests for {spoken}, after at "
            f"least {settings.min_requests} in the {format_duration(before)} before. Next: check "
            "whether clients, the gateway or the load balancer in front of it are still sending; "
            "the cause is most likely not the service itself."
        ),
        panel=Panel("overview", "Traffic", f"Requests in {spoken}"),
    )
    cases = (
        *_no_traffic_cases(context, alert, settings),
        *(requests_over_time(context, each, alert.recordings) for each in (window, before)),
    )
    return replace(alert, cases=cases, clock=context.clock)


def _no_traffic_cases(context: Context, alert: Alert, settings: SilenceAlert) -> tuple[Case, ...]:
    clock, i, here = context.clock, context.clock.interval, context.api(HERE)
    busy, quiet = clock.tick(settings.before), clock.tick(settings.window)
    wait, keep = alert.longest_for, clock.tick(settings.keep_firing_for)
    last = busy + quiet
    fires = clock.tick(last + i + wait) + i
    back = fires + i
    much, too_few = 1000.0 * settings.min_requests, 0.99 * settings.min_requests
    # While the alert is pending, the busy phase moves out of the range.
    enough = 1.02 * settings.min_requests / (1 - (wait + 4 * i) / settings.before)
    firing = alert.firing(fires, 0, here)

    def time_series(total: float, then: float, again: float = 0.0) -> tuple[Series, ...]:
        """`total` requests in the busy phase, `then` in a window, then `again` times as busy."""
        busily = total * i / settings.before
        phases = [
            Phase(busy, busily),
            Phase(back - busy, then * i / settings.window),
            Phase(clock.tick(quiet + wait) + keep + 8 * i, again * busily),
        ]
        values = counter(clock, phases, lambda phase: phase.value or 0.0)
        return (Series(REQUESTS, {**here, "status": "success"}, values),)

    failing = [
        *every_other_minute(clock, Phase(busy, much * i / settings.before)),
        *every_other_minute(clock, Phase(2 * fires, 0.0)),
    ]
    values = counter(clock, failing, lambda phase: phase.value or 0.0)
    flapping = (Series(REQUESTS, {**here, "status": "success"}, values),)
    still_quiet = busy + clock.tick(2 * (quiet + wait))
    return (
        Case(
            "busy, then no requests, then busy again",
            time_series(much, 0.0, 1.0),
            (
                *silent(last - 4 * i + clock.tick(wait)),
                firing,
                alert.firing(back + keep - i, 0, here),
                *silent(back + keep),
            ),
        ),
        Case("scrapes fail every other minute", flapping, (alert.is_firing(still_quiet),)),
        Case("just too few requests before", time_series(too_few, 0.0), silent(fires)),
        Case("just enough requests before", time_series(enough, 0.0), (firing,)),
        Case("a single request within the window", time_series(much, 1.02), silent(last, fires)),
        Case("less than one request within the window", time_series(much, 0.98), (firing,)),
    )


@define(WindowAlert, Rows("throughput"))
def low_throughput(context: Context, settings: WindowAlert) -> Alert:
    window = settings.window
    found = context.triggers(settings)
    row = found[0].bound.levels if found[0].bound else None
    if not isinstance(row, ThroughputLevels):
        raise TypeError("low_throughput needs a row of the throughput")
    guard = f"and on (instance) {waiting(window).query} >= {row.concurrency}"
    spoken = format_duration(window)
    rate = request_rate(window)
    alert = Alert(
        family="traffic",
        detects="requests waiting",
        quantity=steady_rate(window),
        op="<",
        triggers=context.triggers(settings, guard),
        recordings=(rate, waiting(window)),
        summary="INSTANCE is serving only VALUE requests per second while others wait",
        description=(
            "The request rate on INSTANCE has been below BOUND for FOR (now VALUE/s) while "
            f"{row.concurrency} or more requests were waiting on average over {spoken}. Next: "
            "check the workers' CPU; low usage points to the database or a lock, high usage to too "
            "few workers."
        ),
        panel=Panel("overview", "Traffic", "Request rate"),
        origins=tuple(f"targets.{each.bound.row}.concurrency" for each in found if each.bound),
    )
    few = _throughput_inputs(context, row, window, row.concurrency * 0.99)
    low = alert.bound(alert.triggers[0]) / 2
    return with_standard_cases(
        alert,
        _throughput_inputs(context, row, window, row.concurrency),
        silenced(alert, few, low, "a low request rate, but too few requests waiting"),
        requests_over_time(context, window, alert.recordings),
        waiting_over_time(context, window),
    )


def _throughput_inputs(
    context: Context, row: ThroughputLevels, window: float, queue: float
) -> InputGenerator:
    """Requests at the wanted rate while `queue` wait."""
    clock = context.clock

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        def growth(phase: Phase) -> float:
            return (phase.value or 0.0) * phase.traffic * clock.interval

        success, labels = {**context.api(instance), "status": "success"}, context.workers(instance)
        return (
            Series(REQUESTS, success, counter(clock, phases, growth)),
            Series(CONNECTIONS_WAITING, labels, gauge(clock, phases, lambda _value: queue)),
            Series(ACCEPT_QUEUE, labels, gauge(clock, phases, lambda _value: 0.0)),
        )

    return InputGenerator(
        context=context,
        series=series,
        labels=context.api,
        healthy=2 * row.acceptable,
        delay=clock.interval + clock.tick(window),
        counters=True,
        traffic_multiplier=traffic_multiplier(context, window),
    )


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
    """Requests in both queues have been waiting for half a window."""
    span, here = Span(context, window), context.workers(HERE)
    at, many = span.at(2.5), 8.0
    values = span.turns(2, 0, many)
    read = 2 * many * (at - 2 * span.length) / window
    return span.case(
        "requests have waited for half a window",
        [Series(each, here, values) for each in (CONNECTIONS_WAITING, ACCEPT_QUEUE)],
        [about(at, waiting(window), here, read)],
    )


class WaitAlert(WindowAlert):
    min_waiting: PositiveCount = doc(
        "Minimum number of requests waiting on average; fewer are not significant."
    )


@define(WaitAlert, Rows("latency"))
def requests_waiting(context: Context, settings: WaitAlert) -> Alert:
    window = settings.window
    floor = f"and on (job, instance) {waiting(window).query} >= {settings.min_waiting}"
    alert = Alert(
        family="saturation",
        detects="requests waiting",
        quantity=wait(window).query,
        triggers=context.triggers(settings, floor),
        recordings=(waiting(window), request_rate(window), wait(window)),
        summary="Requests to INSTANCE wait VALUE for a worker",
        description=(
            "The mean time that requests to INSTANCE wait for a worker has been above BOUND for "
            "FOR (now VALUE); the app's own latency does not include it. Next: if the workers are "
            "at their CPU limit, add workers; otherwise find out what blocks them."
        ),
        panel=Panel("latency", "Waiting", "Mean wait for a worker"),
        inhibits=("slow_probe", "low_throughput", "high_cpu"),
    )
    rate = 2 * settings.min_waiting / alert.bound(alert.triggers[-1])
    return with_standard_cases(
        alert,
        _wait_inputs(context, window, rate),
        *_waiting_cases(context, alert, settings),
        waiting_over_time(context, window),
        requests_over_time(context, window, alert.recordings),
    )


def _wait_inputs(context: Context, window: float, rate: float) -> InputGenerator:
    """`rate` requests per second, and enough of them waiting to make the mean wait the value."""
    clock = context.clock

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        labels = context.workers(instance)
        half = gauge(clock, phases, lambda value: value * rate / 2)
        no_errors = [each if each.value is None else replace(each, value=0.0) for each in phases]
        return (
            Series(CONNECTIONS_WAITING, labels, half),
            Series(ACCEPT_QUEUE, labels, half),
            *request_series(clock, context.api(instance), no_errors, rate * clock.interval),
        )

    return InputGenerator(
        context=context,
        series=series,
        labels=context.workers,
        delay=clock.interval + clock.tick(window),
        traffic_multiplier=traffic_multiplier(context, window),
    )


def _waiting_cases(context: Context, alert: Alert, settings: WaitAlert) -> tuple[Case, ...]:
    """A long wait with just enough, too few and no requests waiting."""
    clock, window = context.clock, settings.window
    value = 2 * alert.bound(alert.triggers[0])
    wait = clock.tick(clock.interval + clock.tick(window) + alert.longest_for)
    end = wait + 3 * clock.interval

    def series(rate: float, value: float) -> Sequence[Series]:
        phases = [Phase(end + clock.interval, value)]
        return _wait_inputs(context, window, rate).series(HERE, phases)

    needed, firing = settings.min_waiting / value, alert.firing(end, value, context.workers(HERE))
    return (
        Case("just enough requests waiting", series(1.01 * needed, value), (firing,)),
        Case("just too few requests waiting", series(0.99 * needed, value), silent(end)),
        Case("no requests waiting", series(1.0, 0.0), silent(end)),
    )


@define(WindowAlert, Rows("latency", histogram=True))
def slow_probe(context: Context, settings: WindowAlert) -> Alert:
    read = quantile(PROBE_DURATION, "p50", settings.window)
    alert = Alert(
        family="saturation",
        detects="slow health checks",
        quantity=read.query,
        triggers=context.triggers(settings),
        recordings=(read,),
        summary="GET /health on INSTANCE takes VALUE",
        description=(
            "The median response time of GET /health on INSTANCE has been above BOUND for FOR (now "
            "VALUE). The endpoint does no work, so every request waits about as long for the event "
            "loop. Next: check whether requests are queueing and which workers are busy."
        ),
        panel=Panel("latency", "Waiting", "Median GET /health response time"),
    )
    return with_standard_cases(
        alert,
        quantile_inputs(context, "p50", settings.window, 1000, PROBE_DURATION),
        quantile_over_time(context, "p50", settings.window, PROBE_DURATION),
    )
