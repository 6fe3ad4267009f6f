"""The promtool tests that every alert with a bound gets, derived from its own numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from generator.alerts.clock import Clock
from generator.alerts.model import LABELS, Alert, Case, Firing, Moment, Series, Trigger
from generator.alerts.testcases.series import Phase, just_over, just_under
from generator.thresholds.levels import Unit

HERE: Final = "10.0.0.1:9105"
THERE: Final = "10.0.0.2:9105"


def _nothing_known(_value: float, _at: float) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, kw_only=True)
class InputGenerator:
    """How input series bring an alert's quantity to a wanted value.

    `series(instance, phases)` writes them; `onset(value, bound)` is the first evaluation (seconds)
    at which a quantity that has `value` from the start is seen beyond `bound`. `exact`: the
    quantity reads the value to the last bit, so the bound itself can be fed and must stay silent.
    `window`: the quantity rises to its value, and falls again, over this time (a rate or an
    increase); 0 where it jumps. `flood` multiplies the traffic of the healthy phase, so that its
    first sample outweighs a whole window. `lag`: seconds until a change is seen, beyond the onset,
    where the quantity is recorded only after the alert was evaluated. `labels(instance)` are the
    alert's labels but for the rule's own. `known(value, at)` are the results of the queries in its
    texts, as they were at a moment.
    """

    clock: Clock
    series: Callable[[str, Sequence[Phase]], Sequence[Series]]
    labels: Callable[[str], Mapping[str, str]]
    healthy: float
    time_to_fire: Callable[[float, float], int]
    exact: bool = False
    window: float = 0.0
    counters: bool = False
    traffic_multiplier: float = 1.0
    lag: int = 0
    known: Callable[[float, float], Mapping[str, str]] = _nothing_known


def at_once(_value: float, _bound: float) -> int:
    """The onset of a gauge."""
    return 0


def with_standard_cases(alert: Alert, inputs: InputGenerator, *extra: Case) -> Alert:
    """`alert` with its standard cases and `extra` ones."""
    proof = _StandardCases(alert, inputs)
    cases: list[Case] = []
    for trigger in alert.triggers:
        cases += [proof.short_of(trigger), proof.beyond(trigger)]
    if "instance" in LABELS[alert.place]:
        cases.append(proof.one_of_two())
    cases += [*proof.failed_scrape(), *proof.counter_reset()]
    return replace(alert, cases=(*cases, *extra), clock=inputs.clock)


def low_traffic(alert: Alert, inputs: InputGenerator, window: float, value: float) -> Case:
    """A quantity far beyond the bound out of too few requests, then out of enough.

    `drive` at a traffic of 1 makes just as many requests in the window as the alert demands.
    """
    clock = inputs.clock
    length = (
        clock.tick(window + max(trigger.for_ for trigger in alert.triggers)) + 2 * clock.interval
    )
    phases = [Phase(length, value, traffic=0.999), Phase(length, value, traffic=1.002)]
    firing = tuple(
        Firing(trigger.severity, value, inputs.labels(HERE), inputs.known(value, 2 * length))
        for trigger in alert.triggers
    )
    return Case(
        "too few requests to judge, then enough",
        tuple(inputs.series(HERE, phases)),
        (Moment(length - clock.interval, ()), Moment(2 * length - clock.interval, firing)),
    )


def worst_alone(alert: Alert, inputs: InputGenerator, title: str) -> Case:
    """The course of `_Proof.beyond` for the worst severity, where `drive` silences the others."""
    worst = alert.triggers[:1]
    return replace(
        _StandardCases(replace(alert, triggers=worst), inputs).beyond(worst[0]), title=title
    )


@dataclass(frozen=True)
class _StandardCases:
    alert: Alert
    inputs: InputGenerator

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

    def firing(self, value: float, at: float, kept: float = 0.0) -> tuple[Firing, ...]:
        """What fires `at` a moment under a value that is constant from the start.

        Its texts are those of `kept` seconds before, when the condition last held.
        """
        started = ((trigger, self.starts(trigger, value)) for trigger in self.alert.triggers)
        read = value * min(1.0, at / self.inputs.window) if self.inputs.window else value
        return tuple(
            Firing(
                trigger.severity, read, self.inputs.labels(HERE), self.inputs.known(read, at - kept)
            )
            for trigger, start in started
            if start is not None and start <= at
        )

    def moment(self, value: float, at: float) -> Moment:
        return Moment(at, self.firing(value, at))

    def settled(self, value: float) -> int:
        """A moment by which all that can fire does."""
        clock = self.inputs.clock
        worst = self.value(self.alert.triggers[0], beyond=True)
        starts = [
            self.starts(trigger, each) for trigger in self.alert.triggers for each in (value, worst)
        ]
        return clock.tick(max(start for start in starts if start is not None)) + 2 * clock.interval

    def short_of(self, trigger: Trigger) -> Case:
        value = self.value(trigger, beyond=False)
        end = self.settled(value)
        side = "at" if self.inputs.exact else "just short of"
        return Case(
            f"{side} the bound of {trigger.severity}",
            tuple(self.inputs.series(HERE, [Phase(end + self.inputs.clock.interval, value)])),
            (self.moment(value, end),),
        )

    def beyond(self, trigger: Trigger) -> Case:
        """Silent until `for` has passed, then firing, kept for `keep_firing_for` after recovery."""
        clock, value = self.inputs.clock, self.value(trigger, beyond=True)
        start = self.starts(trigger, value)
        if start is None:
            raise ValueError(f"{self.alert.name}: {value} is not beyond the bound")
        recovery = start + 2 * clock.interval
        kept = self.inputs.lag + clock.tick(self.alert.keep_firing_for)
        moments = [self.moment(value, start - clock.interval)] if start else []
        moments.append(self.moment(value, start))
        if self.inputs.window and trigger is not self.alert.triggers[-1]:
            # The lower severities last until the window has drained.
            kept += clock.tick(self.inputs.window)
        else:
            last = recovery + kept - clock.interval
            moments.append(Moment(last, self.firing(value, recovery, clock.interval)))
        moments.append(Moment(recovery + kept, ()))
        healthy = Phase(kept + clock.interval, self.inputs.healthy, self.inputs.traffic_multiplier)
        return Case(
            f"just beyond the bound of {trigger.severity}, then well again",
            tuple(self.inputs.series(HERE, [Phase(recovery, value), healthy])),
            tuple(moments),
        )

    def one_of_two(self) -> Case:
        """Only the instance that is ill is named."""
        value = self.value(self.alert.triggers[0], beyond=True)
        end = self.settled(value)
        length = end + self.inputs.clock.interval
        return Case(
            "one of two instances",
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
        phases = [
            Phase(gap, value),
            Phase(clock.interval, None),
            Phase(3 * clock.interval, value),
        ]
        moments = (
            Moment(gap, self.firing(value, gap, clock.interval)),
            *(self.moment(value, gap + clock.interval * turn) for turn in (1, 2)),
        )
        return (
            Case("a failed scrape while firing", tuple(self.inputs.series(HERE, phases)), moments),
        )

    def counter_reset(self) -> tuple[Case, ...]:
        """Counters that start again at zero are no traffic and no failure."""
        if not self.inputs.counters:
            return ()
        value = self.value(self.alert.triggers[-1], beyond=False)
        half = self.settled(value)
        phases = [Phase(half, value), Phase(half, value, reset=True)]
        moments = tuple(
            self.moment(value, at) for at in (half, half + self.inputs.clock.interval, 2 * half)
        )
        return (
            Case(
                "counters start again just short of the bound",
                tuple(self.inputs.series(HERE, phases)),
                moments,
            ),
        )
