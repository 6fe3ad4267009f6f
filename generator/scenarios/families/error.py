"""Failing requests, and failures that need no alert."""

from __future__ import annotations

from dataclasses import replace

from generator.alerts.testcases.inputs import THERE
from generator.scenarios import Events, ScenarioContext, Span, steady

FAMILY = "error"


def _far_beyond(context: ScenarioContext) -> float:
    """A share of failed requests above the bound of every severity."""
    return min(0.9, 3 * context.bound("high_error_rate"))


def errors_after_a_release(context: ScenarioContext) -> Events:
    """A release breaks one kind of question. It is rolled back."""
    incident = context.incident("high_error_rate")
    return incident.events(context.healthy().during(incident, errors=_far_beyond(context)))


def errors_above_acceptable(context: ScenarioContext) -> Events:
    """Slightly more requests fail than is acceptable. That can wait until the morning."""
    incident = context.incident("high_error_rate", severity="lowest")
    share = min(0.9, context.between_severities("high_error_rate"))
    return incident.events(context.healthy().during(incident, errors=share))


def errors_on_one_of_two_instances(context: ScenarioContext) -> Events:
    """The second of two instances loses its database connection. The first is healthy."""
    incident = context.incident("high_error_rate", instance=THERE)
    failing = context.healthy(THERE).during(incident, errors=_far_beyond(context))
    return incident.events(context.healthy(), failing)


def _sparse(context: ScenarioContext) -> float:
    """Requests a second: 1.5 times as many in a window as failures are needed."""
    settings = context.settings("requests_failing")
    return float(1.5 * settings.min_failures / settings.window)


def every_request_fails_at_night(context: ScenarioContext) -> Events:
    """Few requests arrive at night, and all of them fail. They are too few to judge by a ratio."""
    incident = context.incident("requests_failing")
    sparse = replace(context.healthy(), requests=steady(_sparse(context)))
    return incident.events(sparse.during(incident, errors=1.0))


def first_failures_in_one_burst(context: ScenarioContext) -> Events:
    """An instance without a single failure fails a batch within seconds. Then it recovers."""
    # The first failure creates a series, which starts at its count instead of 0.
    incident = context.incident("requests_failing", lasts=context.interval)
    burst = 3 * context.settings("requests_failing").min_failures / context.interval
    sparse = replace(context.healthy(), requests=steady(_sparse(context) / 2), errors=steady(0.0))
    return incident.events(sparse.during(incident, requests=burst, errors=1.0))


def one_of_three_requests_fails_at_night(context: ScenarioContext) -> Events:
    """Three requests arrive now and then, and one of them fails. That is not an outage."""
    # The pauses are too short for `no_traffic`.
    pause = 60.0 * int(context.window("no_traffic") / 90)
    night = replace(context.idle(), errors=steady(1 / 3))
    for turn in range(1, 9):
        night = night.during(Span(turn * pause, turn * pause + 60), requests=3 / 60)
    return Events(length=9 * pause, instances=(night,))


def busy_day_with_errors_on_target(context: ScenarioContext) -> Events:
    """Requests arrive as fast as they can be answered. No more fail than the target allows."""
    targets = context.thresholds.targets
    busy = replace(
        context.healthy(),
        requests=steady(targets.throughput.high.target),
        errors=steady(targets.error_rate.normal.target),
    )
    return Events(length=3 * 3600.0, instances=(busy,))


def counters_reset_under_load(context: ScenarioContext) -> Events:
    """The directory of the app's metrics is emptied twice under load. Failures go on as before."""
    promised = 1 - context.thresholds.slo.availability.objective
    share = 0.8 * min(promised, context.bound("high_error_rate", "lowest"))
    emptied = replace(context.healthy(), errors=steady(share), app_resets=(1800.0, 3000.0))
    return Events(length=5400.0, instances=(emptied,))


def burst_answered_with_429(context: ScenarioContext) -> Events:
    """A client sends a burst and gets 429 for a minute. Nobody else is affected."""
    # Rejected requests are not counted; only the crowd of clients shows.
    crowded = context.healthy().during(
        Span(1800.0, 1860.0),
        requests=3 * context.request_rate,
        clients=400.0,
        waiting=context.request_rate,
    )
    return Events(length=5400.0, instances=(crowded,))
