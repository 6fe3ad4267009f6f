"""Failed requests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from pydantic import Field

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, AlertTest, Case, ExpectedAlert, Panel, Series
from generator.alerts.recordings import ERROR, error_ratio, errors, requests
from generator.alerts.testcases.inputs import (
    HERE,
    InputGenerator,
    request_series,
    second_sample,
    traffic_multiplier,
)
from generator.alerts.testcases.recordings import requests_over_time
from generator.alerts.testcases.series import Phase, counter, gauge, selector
from generator.alerts.testcases.standard import low_traffic, many_users, with_standard_cases
from generator.alerts.triggers import triggers, users_paths, while_users_allow
from generator.names import REQUESTS, UP
from generator.promql import number
from generator.thresholds.fields import PositiveCount, PositiveRatio, PositiveSeconds
from generator.thresholds.settings import ConditionAlert, Rows, TrafficAlert
from generator.thresholds.units import Unit, format_duration

# Selectors for the runbooks.
FAILED: Final = f"{REQUESTS}{{{ERROR}}}"
ALL: Final = f"{REQUESTS}{{}}"


def _inputs(context: Context, window: float, min_requests: float) -> InputGenerator:
    """So many requests that those of a single scrape are twice what the window must hold."""

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        return request_series(context.clock, context.api(instance), phases, 2 * min_requests)

    return InputGenerator(
        clock=context.clock,
        series=series,
        labels=context.api,
        healthy=0.0,
        time_to_fire=partial(second_sample, context),
        counters=True,
        traffic_multiplier=traffic_multiplier(context, window),
    )


@define(TrafficAlert, Rows("error_rate"))
def high_error_rate(context: Context, settings: TrafficAlert) -> Alert:
    window = settings.window
    floor = f"and on (job, instance) {requests(window).query} >= {settings.min_requests}"
    found = triggers(context.thresholds, settings, floor, while_users_allow)
    w = format_duration(window)
    ratio = error_ratio(window)
    alert = Alert(
        family="error",
        scope="instance",
        detects="failed requests",
        quantity=ratio.query,
        op=">",
        unit=Unit.RATIO,
        triggers=found,
        keep_firing_for=settings.keep_firing_for,
        recordings=(requests(window), errors(window), ratio),
        summary=(
            "{{ $value | humanizePercentage }} of requests to {{ $labels.instance }} are failing"
        ),
        description=(
            "{{ $value | humanizePercentage }} of the verification requests to "
            f"{{{{ $labels.instance }}}} failed in the last {w}; the ratio has been above BOUND "
            "for FOR. Next: read the newest ERROR lines on the errors dashboard; they name the "
            "failing component."
        ),
        panel=Panel("errors", "Failures", "Error ratio", "{{instance}}"),
        origins=users_paths(found),
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
    wait = max(trigger.for_ for trigger in alert.triggers)
    length = 2 * context.clock.tick(window + wait)
    idle = [Phase(length, 0.0, traffic=0.0)]
    series = tuple(
        Series(
            selector(REQUESTS, {**context.api(HERE), "status": status}),
            counter(context.clock, idle, lambda _phase: 0.0, start=1000),
        )
        for status in ("success", "error")
    )
    return Case("no traffic", series, (AlertTest(length // 2, ()), AlertTest(length, ())))


class FailingAlert(ConditionAlert):
    window: PositiveSeconds = Field(description="Range over which requests are counted.")
    min_failures: PositiveCount = Field(description="Minimum number of failures in the window.")
    min_ratio: PositiveRatio = Field(
        description="Minimum share of the window's requests that failed."
    )


@define(FailingAlert)
def requests_failing(context: Context, settings: FailingAlert) -> Alert:
    window = settings.window
    floor = f"and on (job, instance) {errors(window).query} >= {settings.min_failures}"
    w = format_duration(window)
    ratio = error_ratio(window)
    alert = Alert(
        family="error",
        scope="instance",
        detects="failed requests",
        quantity=ratio.query,
        op=">",
        unit=Unit.RATIO,
        constant=settings.min_ratio,
        triggers=triggers(context.thresholds, settings, floor),
        keep_firing_for=settings.keep_firing_for,
        recordings=(requests(window), errors(window), ratio),
        summary=(
            "Most requests to {{ $labels.instance }} are failing "
            "({{ $value | humanizePercentage }})"
        ),
        description=(
            "{{ $value | humanizePercentage }} of the verification requests to "
            f"{{{{ $labels.instance }}}} failed in the last {w}, more than BOUND and at least "
            f"{settings.min_failures} requests. Next: read the newest ERROR lines on the errors "
            "dashboard; they name the failing component."
        ),
        panel=Panel("errors", "Failures", f"Error ratio over {w}", "{{instance}}"),
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
    clock, window, few = context.clock, settings.window, settings.min_failures
    quiet = clock.tick(window) + 2 * clock.interval
    wait = max(trigger.for_ for trigger in alert.triggers)
    up = Series(
        selector(UP, context.api(HERE)),
        gauge(clock, [Phase(2 * quiet + clock.tick(wait), 1.0)], float),
    )

    def born(status: str, count: float) -> Series:
        """A series that starts with `count` requests at once."""
        labels = {**context.api(HERE), "status": status}
        samples = (quiet + clock.tick(wait)) // clock.interval
        return Series(
            selector(REQUESTS, labels), f"_x{quiet // clock.interval} {number(count)}x{samples}"
        )

    everything = tuple(
        ExpectedAlert(trigger.severity, 1.0, context.api(HERE), {}) for trigger in alert.triggers
    )
    seen = quiet + clock.tick(wait)
    return (
        Case(
            "the first failures, in a burst between two scrapes",
            (up, born("error", few)),
            (AlertTest(quiet - clock.interval, ()), AlertTest(seen, everything)),
        ),
        Case("just too few failures", (up, born("error", 0.95 * few)), (AlertTest(seen, ()),)),
        Case(
            "as many failures, but most requests succeed",
            (up, born("error", few), born("success", 10 * few)),
            (AlertTest(seen, ()),),
        ),
    )
