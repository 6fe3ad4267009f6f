"""The promtool tests that every alert with a bound gets, derived from its own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from generator.alerts.context import Context
from generator.alerts.model import LABELS, Alert, AlertTest, Case, ExpectedAlert, Series, Trigger
from generator.alerts.testcases.inputs import HERE, THERE, InputGenerator
from generator.alerts.testcases.series import Phase, gauge, just_over, just_under, selector
from generator.alerts.triggers import users_of
from generator.names import API_CLIENTS
from generator.thresholds.units import Unit


def with_standard_cases(alert: Alert, inputs: InputGenerator, *extra: Case) -> Alert:
    """`alert` with its standard cases and `extra` ones."""
    standard = _StandardCases(alert, inputs)
    cases: list[Case] = []
    for trigger in alert.triggers:
        cases += [standard.short_of(trigger), standard.beyond(trigger)]
    if "instance" in LABELS[alert.scope]:
        cases.append(standard.one_of_two())
    cases += [*standard.failed_scrape(), *standard.counter_reset()]
    return replace(alert, cases=(*cases, *extra), clock=inputs.clock)


def low_traffic(alert: Alert, inputs: InputGenerator, window: float, value: float) -> Case:
    """A quantity far beyond the bound, first from too few requests, then from enough.

    With a traffic of 1, `inputs` make just as many requests in the window as the alert requires.
    """
    clock = inputs.clock
    length = (
        clock.tick(window + max(trigger.for_ for trigger in alert.triggers)) + 2 * clock.interval
    )
    phases = [Phase(length, value, traffic=0.999), Phase(length, value, traffic=1.002)]
    firing = tuple(
        ExpectedAlert(
            trigger.severity, value, inputs.labels(HERE), inputs.query_results(value, 2 * length)
        )
        for trigger in alert.triggers
    )
    return Case(
        "too few requests to evaluate, then enough",
        tuple(inputs.series(HERE, phases)),
        (AlertTest(length - clock.interval, ()), AlertTest(2 * length - clock.interval, firing)),
    )


def worst_alone(alert: Alert, inputs: InputGenerator, title: str) -> Case:
    """The case `beyond` for the highest severity, with `inputs` that silence the others."""
    worst = alert.triggers[:1]
    return replace(
        _StandardCases(replace(alert, triggers=worst), inputs).beyond(worst[0]), title=title
    )


@dataclass(frozen=True)
class _StandardCases:
    alert: Alert
    inputs: InputGenerator

    def side(self, *, beyond: bool) -> str:
        """The side of a bound on which the alert fires, or the other one."""
        return "above" if (self.alert.op == ">") is beyond else "below"

    def value(self, trigger: Trigger, *, beyond: bool) -> float:
        """A value just on either side of the trigger's bound."""
        bound, above = self.alert.bound(trigger), self.alert.op == ">"
        if not beyond and self.inputs.exact:
            return bound
        if self.alert.unit is Unit.COUNT and self.inputs.exact:
            return bound + 1 if above else bound - 1
        return just_over(bound) if above is beyond else just_under(bound)

    def starts(self, trigger: Trigger, value: float) -> int | None:
        """When the trigger fires under a constant value; None when it never does."""
        bound = self.alert.bound(trigger)
        if not (value > bound if self.alert.op == ">" else value < bound):
            return None
        return self.inputs.time_to_fire(value, bound) + self.inputs.clock.tick(trigger.for_)

    def firing(self, value: float, at: float, kept: float = 0.0) -> tuple[ExpectedAlert, ...]:
        """What is firing at `at` under a value that is constant from the start.

        Its texts are those from `kept` seconds before, when the condition last held.
        """
        started = ((trigger, self.starts(trigger, value)) for trigger in self.alert.triggers)
        read = value * min(1.0, at / self.inputs.window) if self.inputs.window else value
        return tuple(
            ExpectedAlert(
                trigger.severity,
                read,
                self.inputs.labels(HERE),
                self.inputs.query_results(read, at - kept),
            )
            for trigger, start in started
            if start is not None and start <= at
        )

    def moment(self, value: float, at: float) -> AlertTest:
        return AlertTest(at, self.firing(value, at))

    def settled(self, value: float) -> int:
        """A time by which everything that can fire is firing."""
        clock = self.inputs.clock
        worst = self.value(self.alert.triggers[0], beyond=True)
        starts = [
            self.starts(trigger, each) for trigger in self.alert.triggers for each in (value, worst)
        ]
        return clock.tick(max(start for start in starts if start is not None)) + 2 * clock.interval

    def short_of(self, trigger: Trigger) -> Case:
        value = self.value(trigger, beyond=False)
        end = self.settled(value)
        side = "at" if self.inputs.exact else f"just {self.side(beyond=False)}"
        return Case(
            f"{side} the {trigger.severity} threshold",
            tuple(self.inputs.series(HERE, [Phase(end + self.inputs.clock.interval, value)])),
            (self.moment(value, end),),
        )

    def beyond(self, trigger: Trigger) -> Case:
        """Silent until `for` has passed, then firing until `keep_firing_for` after recovery."""
        clock, value = self.inputs.clock, self.value(trigger, beyond=True)
        start = self.starts(trigger, value)
        if start is None:
            raise ValueError(f"{self.alert.quantity}: {value} is not beyond the bound")
        recovery = start + 2 * clock.interval
        kept = self.inputs.lag + clock.tick(self.alert.keep_firing_for)
        alert_tests = [self.moment(value, start - clock.interval)] if start else []
        alert_tests.append(self.moment(value, start))
        if self.inputs.window and trigger is not self.alert.triggers[-1]:
            # The lower severities keep firing until the window has drained.
            kept += clock.tick(self.inputs.window)
        else:
            last = recovery + kept - clock.interval
            alert_tests.append(AlertTest(last, self.firing(value, recovery, clock.interval)))
        alert_tests.append(AlertTest(recovery + kept, ()))
        healthy = Phase(kept + clock.interval, self.inputs.healthy, self.inputs.traffic_multiplier)
        return Case(
            f"just {self.side(beyond=True)} the {trigger.severity} threshold, then back to normal",
            tuple(self.inputs.series(HERE, [Phase(recovery, value), healthy])),
            tuple(alert_tests),
        )

    def one_of_two(self) -> Case:
        """The alert fires only for the instance beyond the bound."""
        value = self.value(self.alert.triggers[0], beyond=True)
        end = self.settled(value)
        length = end + self.inputs.clock.interval
        return Case(
            "only one of two instances is affected",
            (
                *self.inputs.series(HERE, [Phase(length, value)]),
                *self.inputs.series(THERE, [Phase(length, self.inputs.healthy)]),
            ),
            (self.moment(value, end),),
        )

    def failed_scrape(self) -> tuple[Case, ...]:
        """A single failed scrape does not resolve a firing alert."""
        clock, value = self.inputs.clock, self.value(self.alert.triggers[0], beyond=True)
        if self.alert.keep_firing_for <= 2 * clock.interval:
            return ()
        gap = self.settled(value)
        phases = [Phase(gap, value), Phase(clock.interval, None), Phase(3 * clock.interval, value)]
        alert_tests = (
            AlertTest(gap, self.firing(value, gap, clock.interval)),
            *(self.moment(value, gap + clock.interval * turn) for turn in (1, 2)),
        )
        return (
            Case(
                "one scrape fails while the alert is firing",
                tuple(self.inputs.series(HERE, phases)),
                alert_tests,
            ),
        )

    def counter_reset(self) -> tuple[Case, ...]:
        """A counter reset is neither traffic nor a failure."""
        if not self.inputs.counters:
            return ()
        value = self.value(self.alert.triggers[-1], beyond=False)
        half = self.settled(value)
        phases = [Phase(half, value), Phase(half, value, reset=True)]
        alert_tests = tuple(
            self.moment(value, at) for at in (half, half + self.inputs.clock.interval, 2 * half)
        )
        return (
            Case(
                f"counter reset just {self.side(beyond=False)} the threshold",
                tuple(self.inputs.series(HERE, phases)),
                alert_tests,
            ),
        )


def many_users(context: Context, alert: Alert, inputs: InputGenerator) -> tuple[Case, ...]:
    """With more users than its row covers, the lower severity is silent.

    An unknown number of users changes nothing.
    """
    for trigger in alert.triggers[1:]:
        limit = users_of(trigger.bound.levels) if trigger.bound else None
        if limit is not None:
            return _many_users(context, alert, inputs, trigger, limit)
    return ()


def _many_users(
    context: Context, alert: Alert, inputs: InputGenerator, mild: Trigger, limit: int
) -> tuple[Case, ...]:
    value = just_over(alert.bound(mild))
    end = (
        context.clock.tick(inputs.time_to_fire(value, alert.bound(mild)) + mild.for_)
        + 2 * context.clock.interval
    )
    length = end + context.clock.interval
    firing = (ExpectedAlert(mild.severity, value, inputs.labels(HERE), {}),)

    def case(title: str, clients: int, expected: tuple[ExpectedAlert, ...]) -> Case:
        users = gauge(context.clock, [Phase(length, clients)], float)
        return Case(
            title,
            (
                *inputs.series(HERE, [Phase(length, value)]),
                Series(selector(API_CLIENTS, context.workers(HERE)), users),
            ),
            (AlertTest(end, expected),),
        )

    def crowded(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        users = gauge(context.clock, phases, lambda _value: limit + 1)
        clients = Series(selector(API_CLIENTS, context.workers(instance)), users)
        return (*inputs.series(instance, phases), clients)

    return (
        case(f"up to {limit} users", limit, firing),
        case(f"more than {limit} users", limit + 1, ()),
        worst_alone(
            alert,
            replace(inputs, series=crowded),
            f"above the {alert.triggers[0].severity} threshold with more than {limit} users",
        ),
    )
