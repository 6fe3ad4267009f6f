"""The promtool tests that every alert with a bound gets, derived from its own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from generator.alerts.context import Context
from generator.alerts.model import LABELS, Alert, AlertTest, Case, Trigger, silent
from generator.alerts.testcases.inputs import HERE, THERE, InputGenerator, MakeSeries, constant
from generator.alerts.testcases.series import Phase, every_other_minute, just_over, just_under
from generator.names import API_CLIENTS, UP
from generator.promql import instants
from generator.thresholds.units import Unit


def with_standard_cases(alert: Alert, inputs: InputGenerator, *extra: Case) -> Alert:
    """`alert` with its standard cases and `extra` ones."""
    return replace(
        alert, cases=(*_StandardCases(alert, inputs).cases(), *extra), clock=inputs.clock
    )


def low_traffic(alert: Alert, inputs: InputGenerator, window: float, value: float) -> Case:
    """A quantity far beyond the bound, first from too few requests, then from enough.

    With a traffic of 1, `inputs` make just as many requests in the window as the alert requires.
    """
    i = inputs.clock.interval
    length = inputs.clock.tick(window + alert.longest_for) + 2 * i
    results = inputs.query_results(value, 2 * length)
    return Case(
        "too few requests to evaluate, then enough",
        inputs.series(HERE, [Phase(length, value, traffic=each) for each in (0.999, 1.002)]),
        (*silent(length - i), alert.firing(2 * length - i, value, inputs.labels(HERE), results)),
    )


def worst_alone(alert: Alert, inputs: InputGenerator, title: str) -> Case:
    """The case `beyond` for the highest severity, with `inputs` that silence the others."""
    worst = replace(alert, triggers=alert.triggers[:1])
    return replace(_StandardCases(worst, inputs).beyond(worst.triggers[0]), title=title)


def silenced(alert: Alert, inputs: InputGenerator, value: float, title: str) -> Case:
    """The quantity is beyond its bounds, but other series of `inputs` silence the alert."""
    i, worst = inputs.clock.interval, alert.bound(alert.triggers[0])
    end = inputs.clock.tick(inputs.time_to_fire(value, worst) + alert.longest_for) + 2 * i
    return Case(title, inputs.series(HERE, [Phase(end + i, value)]), silent(end))


def silenced_while_known(
    alert: Alert, inputs: InputGenerator, value: float, title: str, beside: MakeSeries
) -> Case:
    """Series `beside` the inputs silence the alert, and once they end for as long as it looks back.

    After that it fires, as they are unknown.
    """
    i, wait = inputs.clock.interval, inputs.clock.tick(alert.longest_for)
    start = inputs.time_to_fire(value, alert.bound(alert.triggers[0]))
    last = inputs.clock.tick(start) + wait + i
    held = last + bridged(inputs)
    # Before Prometheus 3, a range includes its first instant.
    fires = held + 2 * i + wait
    known = [Phase(last + i, value), Phase(fires - last, None)]
    firing = alert.is_firing(fires)
    return Case(
        f"{title}, then nothing is known of that",
        (*inputs.series(HERE, [Phase(fires + i, value)]), *beside(HERE, known)),
        (*silent(last, held + wait), firing),
    )


def bridged(inputs: InputGenerator) -> int:
    """Seconds for which scrapes can fail, a whole number of them, while the last value counts."""
    interval = inputs.clock.interval
    return (math.ceil(inputs.context.thresholds.service.lookback / interval) - 1) * interval


@dataclass(frozen=True)
class _StandardCases:
    alert: Alert
    inputs: InputGenerator

    def cases(self) -> Iterator[Case]:
        for trigger in self.alert.triggers:
            yield self.short_of(trigger)
            yield self.beyond(trigger)
        if "instance" in LABELS[self.alert.scope]:
            yield self.one_of_two()
        if self.alert.keep_firing_for > 2 * self.inputs.clock.interval:
            yield self.failed_scrape()
        if self.inputs.counters:
            yield self.counter_reset()
        if not self.is_of_scrapes:
            yield from self.failing_scrapes()

    @property
    def is_of_scrapes(self) -> bool:
        """The quantity is whether scrapes fail, so it has a value where they do."""
        return UP in self.metrics

    def failing_scrapes(self) -> Iterator[Case]:
        """Failed scrapes neither delay nor resolve the alert, until values are too old."""
        if self.alert.longest_for > 2 * self.inputs.clock.interval:
            yield self.failed_while_pending()
        yield self.failing_half_the_time()
        if self.inputs.held:
            yield self.no_longer_scraped("the target", lambda _metric: True)
        for metric in sorted(self.compared):
            yield self.no_longer_scraped(metric, metric.__eq__)

    @property
    def compared(self) -> set[str]:
        """The metrics of which the guard requires something, and those that it is compared with."""
        guard = instants(self.alert.triggers[0].guard) & self.metrics
        return guard | (instants(self.alert.quantity) & self.metrics if guard else set())

    @property
    def metrics(self) -> set[str]:
        """What the inputs have series of."""
        sample = Phase(2 * self.inputs.clock.interval, self.inputs.healthy)
        return {each.metric for each in self.inputs.series(HERE, [sample])}

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

    def moment(self, value: float, at: float) -> AlertTest:
        """What is firing at `at` under a value that is constant from the start."""
        return self.kept(value, at, at)

    def kept(self, value: float, at: float, last: float) -> AlertTest:
        """What still fires at `at` although the condition has not held since `last`."""
        inputs = self.inputs
        starts = ((trigger, self.starts(trigger, value)) for trigger in self.alert.triggers)
        on = tuple(trigger for trigger, start in starts if start is not None and start <= last)
        read = value * min(1.0, last / inputs.window) if inputs.window else value
        return replace(self.alert, triggers=on).firing(
            at, read, inputs.labels(HERE), inputs.query_results(read, last)
        )

    def state(self, value: float, at: float) -> AlertTest:
        """As `moment`, whatever the texts say."""
        moment = self.moment(value, at)
        return replace(moment, value=None) if moment.firing else moment

    def far_beyond(self, trigger: Trigger) -> float:
        """A value that is beyond the bound even where scrapes fail."""
        margin = self.inputs.margin if self.alert.op == ">" else 1 / self.inputs.margin
        return margin * self.value(trigger, beyond=True)

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
            self.inputs.series(HERE, [Phase(end + self.inputs.clock.interval, value)]),
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
            last = recovery - clock.interval
            alert_tests.append(self.kept(value, last + kept, last))
        healthy = Phase(kept + clock.interval, self.inputs.healthy, self.inputs.traffic_multiplier)
        return Case(
            f"just {self.side(beyond=True)} the {trigger.severity} threshold, then back to normal",
            self.inputs.series(HERE, [Phase(recovery, value), healthy]),
            (*alert_tests, *silent(recovery + kept)),
        )

    def one_of_two(self) -> Case:
        """The alert fires only for the instance beyond the bound."""
        value = self.value(self.alert.triggers[0], beyond=True)
        end = self.settled(value)
        length = end + self.inputs.clock.interval
        affected = self.inputs.series(HERE, [Phase(length, value)])
        healthy = self.inputs.series(THERE, [Phase(length, self.inputs.healthy)])
        return Case(
            "only one of two instances is affected",
            (*affected, *healthy),
            (self.moment(value, end),),
        )

    def failed_scrape(self) -> Case:
        """A single failed scrape does not resolve a firing alert."""
        i, value = self.inputs.clock.interval, self.value(self.alert.triggers[0], beyond=True)
        gap = self.settled(value)
        return Case(
            "one scrape fails while the alert is firing",
            self.inputs.series(HERE, [Phase(gap, value), Phase(i, None), Phase(3 * i, value)]),
            (
                self.kept(value, gap, gap - i),
                self.moment(value, gap + i),
                self.moment(value, gap + 2 * i),
            ),
        )

    def failed_while_pending(self) -> Case:
        """The alert fires when it would without failed scrapes."""
        i, trigger = self.inputs.clock.interval, self.alert.triggers[0]
        value = self.far_beyond(trigger)
        begins = self.inputs.time_to_fire(value, self.alert.bound(trigger))
        start = begins + self.inputs.clock.tick(trigger.for_)
        failing = bridged(self.inputs) if self.inputs.held else i
        rest = max(i, start - begins - failing + i)
        phases = [Phase(begins + i, value), Phase(failing, None), Phase(rest, value)]
        return Case(
            "scrapes fail while the alert is pending",
            self.inputs.series(HERE, phases),
            (self.state(value, start - i), self.state(value, start)),
        )

    def failing_half_the_time(self) -> Case:
        """Scrapes fail every other minute: the alert fires within twice its time."""
        value, turn = self.far_beyond(self.alert.triggers[0]), self.inputs.clock.tick(60)
        starts = (self.starts(trigger, value) for trigger in self.alert.triggers)
        end = 2 * max(start for start in starts if start is not None) + turn
        turns = every_other_minute(self.inputs.clock, Phase(end + 2 * turn, value))
        return Case(
            "scrapes fail every other minute",
            self.inputs.series(HERE, turns),
            (self.state(value, end), self.state(value, end + turn)),
        )

    def no_longer_scraped(self, what: str, is_concerned: Callable[[str], bool]) -> Case:
        """The alert goes on for as long as it looks back."""
        i, value = self.inputs.clock.interval, self.value(self.alert.triggers[0], beyond=True)
        last, keep = self.settled(value), self.inputs.clock.tick(self.alert.keep_firing_for)
        held = last + bridged(self.inputs) + keep
        # Before Prometheus 3, a range includes its first instant.
        gone = held + 2 * i
        ends = self.inputs.series(HERE, [Phase(last + i, value), Phase(gone - last, None)])
        goes_on = self.inputs.series(HERE, [Phase(gone + i, value)])
        series = [
            ending if is_concerned(ending.metric) else going_on
            for ending, going_on in zip(ends, goes_on, strict=True)
        ]
        firing = replace(self.state(value, last), at=held)
        return Case(f"{what} is no longer scraped", series, (firing, *silent(gone)))

    def counter_reset(self) -> Case:
        """A counter reset is neither traffic nor a failure."""
        value = self.value(self.alert.triggers[-1], beyond=False)
        half = self.settled(value)
        times = (half, half + self.inputs.clock.interval, 2 * half)
        return Case(
            f"counter reset just {self.side(beyond=False)} the threshold",
            self.inputs.series(HERE, [Phase(half, value), Phase(half, value, reset=True)]),
            [self.moment(value, at) for at in times],
        )


def many_users(context: Context, alert: Alert, inputs: InputGenerator) -> tuple[Case, ...]:
    """With more users than its row covers, the lower severity is silent.

    An unknown number of users changes nothing.
    """
    limited = [(each, each.up_to_users) for each in alert.triggers if each.up_to_users is not None]
    if not limited:
        return ()
    lower, limit = limited[0]
    value, i = just_over(alert.bound(lower)), inputs.clock.interval
    end = inputs.clock.tick(inputs.time_to_fire(value, alert.bound(lower)) + lower.for_) + 2 * i

    few, many = (
        constant(context, context.workers, API_CLIENTS, each) for each in (limit, limit + 1)
    )
    lower_alone = replace(alert, triggers=(lower,))
    phases = [Phase(end + i, value)]
    title = f"above the {alert.triggers[0].severity} threshold with more than {limit} users"
    firing = lower_alone.firing(end, value, inputs.labels(HERE))
    return (
        Case(f"up to {limit} users", inputs.beside(few).series(HERE, phases), (firing,)),
        silenced_while_known(lower_alone, inputs, value, f"more than {limit} users", many),
        worst_alone(alert, inputs.beside(many), title),
    )
