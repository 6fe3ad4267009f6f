"""No requests at all, or requests that are served too slowly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.waiting import waiting, waiting_over_time
from generator.alerts.model import Alert, AlertTest, Case, ExpectedAlert, Panel, Series
from generator.alerts.recordings import request_rate, requests, steady_rate
from generator.alerts.testcases.inputs import HERE, InputGenerator, steady, traffic_multiplier
from generator.alerts.testcases.recordings import requests_over_time
from generator.alerts.testcases.series import Phase, counter, gauge, selector
from generator.alerts.testcases.standard import with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import ACCEPT_QUEUE, CONNECTIONS_WAITING, REQUESTS
from generator.thresholds.fields import PositiveCount, PositiveSeconds
from generator.thresholds.levels import ThroughputLevels
from generator.thresholds.settings import ConditionAlert, Rows, WindowAlert
from generator.thresholds.units import Unit, format_duration


class SilenceAlert(ConditionAlert):
    window: PositiveSeconds = Field(description="How long there must have been no requests.")
    before: PositiveSeconds = Field(
        description="Length of the time before that, which must have had traffic."
    )
    min_requests: PositiveCount = Field(description="Minimum number of requests in that time.")


@define(SilenceAlert)
def no_traffic(context: Context, settings: SilenceAlert) -> Alert:
    context = context.for_window(settings.window)
    window, before = settings.window, settings.before
    spoken = format_duration(window)
    now, then = requests(window), requests(before)
    guard = f"and on (job, instance) {then.query} offset {spoken} >= {settings.min_requests}"
    alert = Alert(
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
        summary="{{ $labels.instance }} has received no requests for " + spoken,
        description=(
            f"{{{{ $labels.instance }}}} is up but has received no verification requests for "
            f"{spoken}, after at least {settings.min_requests} in the {format_duration(before)} "
            "before. Next: check whether clients, the gateway or the load balancer in front of it "
            "are still sending; the cause is most likely not the service itself."
        ),
        panel=Panel("overview", "Traffic", f"Requests in {spoken}", "{{instance}}"),
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
    # While the alert is pending, the busy phase moves out of the range.
    enough = 1.02 * settings.min_requests / (1 - (wait + 4 * clock.interval) / settings.before)

    def time_series(total: float, then: float, again: float = 0.0) -> tuple[Series, ...]:
        """`total` requests in the busy phase, `then` in a window, then `again` times as busy."""
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
            "busy, then no requests, then busy again",
            time_series(much, 0.0, 1.0),
            (
                AlertTest(silent - 4 * clock.interval + clock.tick(wait), ()),
                AlertTest(fires, firing),
                AlertTest(back + keep - clock.interval, firing),
                AlertTest(back + keep, ()),
            ),
        ),
        Case(
            "just too few requests before",
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
            "{{ $labels.instance }} is serving only {{ $value | humanize }} requests per second "
            "while others wait"
        ),
        description=(
            "The request rate on {{ $labels.instance }} has been below BOUND for FOR (now "
            f"{{{{ $value | humanize }}}}/s) while {row.concurrency} or more requests were waiting "
            f"on average over {spoken}. Next: check the workers' CPU; low usage points to the "
            "database or a lock, high usage to too few workers."
        ),
        panel=Panel("overview", "Traffic", "Request rate", "{{instance}}"),
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
    """Requests at the wanted rate while `queue` wait (by default the row's concurrency)."""

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
    """A low request rate with nobody waiting is just a quiet hour."""
    inputs = _throughput_inputs(context, row, window, row.concurrency * 0.99)
    end = (
        context.clock.tick(inputs.time_to_fire(0, 0) + max(each.for_ for each in alert.triggers))
        + 2 * context.clock.interval
    )
    series = inputs.series(
        HERE, [Phase(end + context.clock.interval, alert.bound(alert.triggers[0]) / 2)]
    )
    return (
        Case(
            "a low request rate, but too few requests waiting", tuple(series), (AlertTest(end, ()),)
        ),
    )
