"""Requests that wait for a worker, and the health check that waits like them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Case, Panel, Recording, Series, silent
from generator.alerts.recordings import QUANTILES, quantile, request_rate, steady_rate
from generator.alerts.testcases.expectations import Span, about
from generator.alerts.testcases.inputs import (
    HERE,
    InputGenerator,
    quantile_inputs,
    request_series,
    traffic_multiplier,
)
from generator.alerts.testcases.recordings import quantile_over_time, requests_over_time
from generator.alerts.testcases.series import Phase, gauge
from generator.alerts.testcases.standard import with_standard_cases
from generator.names import ACCEPT_QUEUE, CONNECTIONS_WAITING, PROBE_DURATION
from generator.thresholds.fields import PositiveCount
from generator.thresholds.settings import Rows, WindowAlert
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
    min_waiting: PositiveCount = Field(
        description="Minimum number of requests waiting on average; fewer are not significant."
    )


@define(WaitAlert, Rows("latency"))
def requests_waiting(context: Context, settings: WaitAlert) -> Alert:
    window = settings.window
    floor = f"and on (job, instance) {waiting(window).query} >= {settings.min_waiting}"
    alert = Alert(
        family="saturation",
        scope="instance",
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
        clock=clock,
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
        scope="instance",
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
        quantile_over_time(
            context,
            settings.window,
            PROBE_DURATION,
            QUANTILES["p50"],
            context.workers,
            (read, None),
        ),
    )
