"""Failed requests."""

from __future__ import annotations

from collections.abc import Sequence

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Case, Panel, Series, silent
from generator.alerts.recordings import error_ratio, errors, requests
from generator.alerts.testcases.inputs import HERE, InputGenerator, rate_inputs, request_series
from generator.alerts.testcases.recordings import requests_over_time
from generator.alerts.testcases.series import Phase, counter, gauge
from generator.alerts.testcases.standard import low_traffic, many_users, with_standard_cases
from generator.names import REQUESTS, UP
from generator.promql import number
from generator.thresholds.fields import PositiveCount, PositiveRatio, PositiveSeconds, doc
from generator.thresholds.settings import ConditionAlert, Rows, TrafficAlert
from generator.thresholds.units import Unit, format_duration, spoken


def _inputs(context: Context, window: float, min_requests: float) -> InputGenerator:
    """So many requests that those of a single scrape are twice what the window must hold."""

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        return request_series(context.clock, context.api(instance), phases, 2 * min_requests)

    return rate_inputs(context, window, context.api, series)


@define(TrafficAlert, Rows("error_rate"))
def high_error_rate(context: Context, settings: TrafficAlert) -> Alert:
    window = settings.window
    floor = f"and on (job, instance) {requests(window).query} >= {settings.min_requests}"
    w = format_duration(window)
    ratio = error_ratio(window)
    alert = Alert(
        family="error",
        detects="failed requests",
        quantity=ratio.query,
        triggers=context.triggers(settings, floor, by_users=True),
        recordings=(requests(window), errors(window), ratio),
        summary="VALUE of requests to INSTANCE are failing",
        description=(
            f"VALUE of the verification requests to INSTANCE failed in the last {spoken(w)}; the "
            "ratio has been above BOUND for FOR. Next: read the newest ERROR lines on the errors "
            "dashboard; they name the failing component."
        ),
        panel=Panel("errors", "Failures", "Error ratio"),
        inhibits=("error_budget_fast_burn",),
    )
    inputs = _inputs(context, window, settings.min_requests)
    few = _inputs(context, window, settings.min_requests * context.clock.interval / window / 2)
    return with_standard_cases(
        alert,
        inputs,
        low_traffic(alert, few, window, 1.0),
        no_traffic(context, alert, window),
        *many_users(context, alert, inputs),
        requests_over_time(context, window, alert.recordings),
    )


def no_traffic(context: Context, alert: Alert, window: float) -> Case:
    """Past failures do not count while there are no requests."""
    length = 2 * context.clock.tick(window + alert.longest_for)
    values = counter(context.clock, [Phase(length, 0.0)], lambda _phase: 0.0, start=1000)
    labels = context.api(HERE)
    return Case(
        "no traffic",
        [Series(REQUESTS, {**labels, "status": each}, values) for each in ("success", "error")],
        silent(length // 2, length),
    )


class FailingAlert(ConditionAlert):
    window: PositiveSeconds = doc("Range over which requests are counted.")
    min_failures: PositiveCount = doc("Minimum number of failures in the window.")
    min_ratio: PositiveRatio = doc("Minimum share of the window's requests that failed.")


@define(FailingAlert)
def requests_failing(context: Context, settings: FailingAlert) -> Alert:
    window = settings.window
    floor = f"and on (job, instance) {errors(window).query} >= {settings.min_failures}"
    w = format_duration(window)
    ratio = error_ratio(window)
    alert = Alert(
        family="error",
        detects="failed requests",
        quantity=ratio.query,
        constant=settings.min_ratio,
        constant_unit=Unit.RATIO,
        triggers=context.triggers(settings, floor),
        recordings=(requests(window), errors(window), ratio),
        summary="Most requests to INSTANCE are failing (VALUE)",
        description=(
            f"VALUE of the verification requests to INSTANCE failed in the last {spoken(w)}, more "
            f"than BOUND and at least {settings.min_failures} requests. Next: read the newest "
            "ERROR lines on the errors dashboard; they name the failing component."
        ),
        panel=Panel("errors", "Failures", f"Error ratio over {w}"),
        inhibits=("high_error_rate",),
    )
    return with_standard_cases(
        alert,
        _inputs(context, window, settings.min_failures / settings.min_ratio),
        no_traffic(context, alert, window),
        *_single_requests(context, alert, settings),
        requests_over_time(context, window, alert.recordings),
    )


def _single_requests(context: Context, alert: Alert, settings: FailingAlert) -> tuple[Case, ...]:
    """A few single requests with a status that has no series before it first occurs."""
    clock, few, here = context.clock, settings.min_failures, context.api(HERE)
    quiet = clock.tick(settings.window) + 2 * clock.interval
    seen = quiet + clock.tick(alert.longest_for)
    up = Series(UP, here, gauge(clock, [Phase(quiet + seen, 1.0)], float))

    def born(status: str, count: float) -> Series:
        """A series that starts with `count` requests at once."""
        values = f"_x{quiet // clock.interval} {number(count)}x{seen // clock.interval}"
        return Series(REQUESTS, {**here, "status": status}, values)

    return (
        Case(
            "the first failures, in a burst between two scrapes",
            (up, born("error", few)),
            (*silent(quiet - clock.interval), alert.firing(seen, 1.0, here)),
        ),
        Case("just too few failures", (up, born("error", 0.95 * few)), silent(seen)),
        Case(
            "as many failures, but most requests succeed",
            (up, born("error", few), born("success", 10 * few)),
            silent(seen),
        ),
    )
