"""Test cases of the burn rate alerts, and of what is left of each error budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from generator.alerts.clock import Clock
from generator.alerts.context import Context
from generator.alerts.model import Alert, AlertTest, Case, ExpectedAlert, ExprTest, Series
from generator.alerts.objectives import BurnAlert, Objective, burn_rate, objectives, remaining, tile
from generator.alerts.testcases.expectations import about, closely, nothing
from generator.alerts.testcases.inputs import (
    HERE,
    THERE,
    InputGenerator,
    request_series,
    traffic_multiplier,
)
from generator.alerts.testcases.recordings import requests_over_time, slow_over_time
from generator.alerts.testcases.series import Phase, histogram, just_over, just_under
from generator.alerts.testcases.standard import with_standard_cases
from generator.names import LATENCY
from generator.texts import humanize_duration
from generator.thresholds.model import Burn, Thresholds

_SLOWEST: Final = 240  # seconds between samples: Prometheus looks back five minutes
_BUSY, _IDLE, _FEW = "busy", "idle", "few"


@dataclass(frozen=True)
class BudgetCases:
    """The cases of one alert.

    `gone` is the passage of its texts that says how long the budget lasts, `after` how long
    requests must have come.
    """

    context: Context
    objective: Objective
    windows: Burn
    settings: BurnAlert
    alert: Alert
    gone: str
    after: float

    @property
    def bound(self) -> float:
        return self.alert.constant

    @property
    def enough(self) -> int:
        """The number of bad requests that the alert requires."""
        return self.objective.expected + self.settings.min_bad

    @property
    def worst(self) -> float:
        """The burn rate while every request is bad."""
        return 1 / self.objective.allowed

    @property
    def lag(self) -> int:
        """The burn rate is recorded after the alert is evaluated, so the alert is one step late."""
        return self.context.clock.interval

    def with_cases(self) -> Alert:
        return with_standard_cases(
            self.alert,
            self.inputs(self.plenty),
            self.two_together(),
            self.few(),
            *self.one_of_three(),
            self.over_and_back(),
            self.long_window(),
            self.short_alone(),
            self.half_a_request(),
            *self.counts(),
        )

    @property
    def plenty(self) -> float:
        """Requests per scrape, of which more than enough are bad at the bound."""
        return 10 * self.enough * self.worst / self.bound

    def inputs(self, per_scrape: float) -> InputGenerator:
        """Inputs with `per_scrape` requests per scrape; the value is a burn rate."""
        return InputGenerator(
            clock=self.context.clock,
            series=lambda instance, phases: self.series(instance, phases, per_scrape),
            labels=self.labels,
            delay=self.time_to_fire,
            counters=True,
            traffic_multiplier=traffic_multiplier(self.context, self.windows.short_window),
            lag=self.lag,
            query_results=self.query_results,
        )

    def query_results(self, value: float, _at: float = 0.0) -> Mapping[str, str]:
        seconds = self.context.thresholds.slo.period / float(f"{value:f}") if value else 0.0
        return {self.gone: humanize_duration(60 * float(int(seconds / 60 + 0.5)))}

    def series(self, instance: str, phases: Sequence[Phase], per_scrape: float) -> Sequence[Series]:
        """Requests with as many bad ones as the phase's value, a burn rate, demands."""
        allowed = self.objective.allowed
        if self.objective.key == "error":
            shares = [
                each if each.value is None else replace(each, value=round(each.value * allowed, 15))
                for each in phases
            ]
            return request_series(
                self.context.clock, self.context.api(instance), shares, per_scrape
            )
        thresholds = self.context.thresholds
        within = thresholds.slo.latency.within

        def share(value: float, upper: float) -> float:
            """Good requests take just as long as they may, bad ones a little longer."""
            good = 1 - value * allowed
            return 0.0 if upper < within else good if upper == within else 1.0

        buckets = thresholds.service.latency_buckets
        labels = self.context.api(instance)
        return histogram(self.context.clock, LATENCY, labels, buckets, phases, share, per_scrape)

    def firing(self, value: float) -> tuple[ExpectedAlert, ...]:
        return tuple(
            ExpectedAlert(each.severity, value, self.labels(HERE), self.query_results(value))
            for each in self.alert.triggers
        )

    @property
    def tile(self) -> float:
        return tile(self.context.thresholds, self.windows.window)

    def visible(self, time: float) -> int:
        """When the alert first sees what happened until `time`: a tile is counted at its end."""
        whole = math.ceil(time / self.tile) * self.tile if self.tile else time
        return self.context.clock.tick(whole) + self.lag

    @property
    def opens(self) -> int:
        """When there have been requests for long enough; a rate needs two samples."""
        return self.context.clock.tick(self.after) + self.context.clock.interval

    @property
    def time_to_fire(self) -> int:
        return max(self.opens, self.visible(self.context.clock.interval))

    def labels(self, _instance: str) -> Mapping[str, str]:
        return {"job": self.context.thresholds.service.jobs.api}

    def few(self) -> Case:
        """Few requests, of which the last make them enough."""
        clock, enough = self.context.clock, self.enough
        wait = clock.tick(max(each.for_ for each in self.alert.triggers))
        first = self.opens + clock.interval
        before = self.visible(first)
        fires = self.visible(before + clock.interval) + wait
        phases = [
            Phase(first, self.worst, traffic=0),
            Phase(clock.interval, self.worst, traffic=15 * enough / 16),
            Phase(before - first, self.worst, traffic=0),
            Phase(clock.interval, self.worst, traffic=enough / 16),
            Phase(fires - before, self.worst, traffic=0),
        ]
        return Case(
            "all requests are bad, at first too few to evaluate",
            self.series(HERE, phases, 1.0),
            (
                AlertTest(before, ()),
                AlertTest(fires - clock.interval, ()),
                AlertTest(fires, self.firing(self.worst)),
            ),
        )

    def two_together(self) -> Case:
        """One instance is above the bound, one below it; together they are above it."""
        clock, value = self.context.clock, just_over(self.bound)
        end = self.time_to_fire + clock.tick(max(each.for_ for each in self.alert.triggers))
        apart = 0.5 * min(value, self.worst - value)
        length = end + clock.interval
        return Case(
            "one instance above the threshold and one below it, together above it",
            (
                *self.series(HERE, [Phase(length, value + apart)], self.plenty),
                *self.series(THERE, [Phase(length, value - apart)], self.plenty),
            ),
            (AlertTest(end - clock.interval, ()), AlertTest(end, self.firing(value))),
        )

    def one_of_three(self) -> tuple[Case, ...]:
        """A single bad request at night must not alert, although it is a third of all requests."""
        if self.enough == 1:
            return ()
        clock = self.context.clock
        first = self.opens + clock.interval
        end = self.visible(first) + clock.tick(max(t.for_ for t in self.alert.triggers))
        phases = [
            Phase(first, 0.0, traffic=0),
            Phase(clock.interval, self.worst / 3, traffic=3),
            Phase(end - first, 0.0, traffic=0),
        ]
        return (
            Case(
                "one bad request out of three",
                self.series(HERE, phases, 1.0),
                (AlertTest(end, ()),),
            ),
        )

    def over_and_back(self) -> Case:
        """While the long window remembers a fault, only the short one shows whether it is over."""
        clock = self.context.clock
        i, short = clock.interval, clock.tick(self.windows.short_window)
        kept = clock.tick(self.settings.keep_firing_for)
        recovered, near = short + kept + 4 * i, short + 2 * i
        part = max(1, int(0.6 * (short // i - 1))) * i
        after = 2 * recovered + near + part
        needed = 1.5 * after * self.bound / (self.worst - self.bound)
        wait = max(each.for_ for each in self.alert.triggers)
        fault = self.visible(max(needed, short, self.time_to_fire + wait)) + i
        phases = [
            Phase(fault, self.worst),
            Phase(recovered, 0.0),
            Phase(near, just_under(self.bound)),
            Phase(recovered, 0.0),
            Phase(part, min(1.4 * self.bound, self.worst)),
        ]
        return Case(
            "a fault that ends, a rate just below the threshold, then a brief fault",
            self.series(HERE, [*phases, Phase(i, 0.0)], self.plenty),
            (
                AlertTest(fault - i, self.firing(self.worst)),
                AlertTest(fault + recovered - i, ()),
                AlertTest(fault + recovered + near, ()),
                AlertTest(fault + after, ()),
            ),
        )

    def long_window(self) -> Case:
        """The rate is taken over the whole long window, and no more."""
        clock = self.context.clock
        i, long = clock.interval, clock.tick(self.windows.window)
        wait = clock.tick(max(each.for_ for each in self.alert.triggers))
        good = long + 2 * i
        full = self.visible(good + long + 2 * (i + self.tile)) + wait
        value = just_over(self.bound)
        phases = [Phase(good, 0.0), Phase(full - good + i, value)]
        return Case(
            "just above the threshold for less than the long window, then for all of it",
            self.series(HERE, phases, self.plenty),
            (
                AlertTest(clock.tick(good + 0.97 * long) - 2 * i, ()),
                AlertTest(full, self.firing(value)),
            ),
        )

    def short_alone(self) -> Case:
        """Above the bound over the short window, but not quite over the long one."""
        clock = self.context.clock
        wait = clock.tick(max(each.for_ for each in self.alert.triggers))
        last = clock.tick(self.windows.short_window + self.tile) + wait + 4 * clock.interval
        before = max(3 * last, self.time_to_fire + clock.tick(self.tile))
        long = min(self.windows.window, before + last)
        value = min(0.93 + 0.03 * long / last, self.worst / self.bound)
        phases = [Phase(before, 0.93 * self.bound), Phase(last, value * self.bound)]
        return Case(
            "above the threshold over the short window, just below it over the long one",
            self.series(HERE, phases, self.plenty),
            (AlertTest(before + last - clock.interval, ()),),
        )

    def half_a_request(self) -> Case:
        """There is no rate without requests, but there is one with less than one request."""
        clock = self.context.clock
        none = self.visible(2 * clock.interval)
        first = none + clock.interval
        some = self.visible(first + clock.interval) + clock.interval
        phases = [
            Phase(first, self.worst, traffic=0),
            Phase(clock.interval, self.worst, traffic=0.5),
            Phase(some, self.worst, traffic=0),
        ]
        rates = [
            burn_rate(self.objective, window)
            for window in (self.windows.window, self.windows.short_window)
            if window > some - none
        ]
        job = self.labels(HERE)
        return Case(
            "no requests, then half a request",
            self.series(HERE, phases, 1.0),
            expr_tests=(
                *(nothing(none, each, job) for each in rates),
                *(about(some, each, job, self.worst) for each in rates),
            ),
        )

    def counts(self) -> Iterator[Case]:
        """The counts of each window that is not summed from tiles, at each evaluation."""
        thresholds = self.context.thresholds
        every = (
            self.context.clock.tick(thresholds.slo.evaluation_interval)
            // self.context.clock.interval
        )
        context = replace(self.context, slower=self.context.slower * every)
        for window in (self.windows.window, self.windows.short_window):
            rates = {burn_rate(self.objective, window): self.worst}
            count, bad = self.objective.all_(window), self.objective.bad(window)
            if tile(thresholds, window) or window < 5 * context.clock.interval:
                continue  # the group is evaluated too rarely to tell parts of the window apart
            if self.objective.key == "error":
                yield requests_over_time(context, window, (count, bad), "job", rates)
            else:
                within = thresholds.slo.latency.within
                yield slow_over_time(context, window, within, (count, bad), rates)


def remaining_clock(thresholds: Thresholds) -> Clock:
    """One evaluation per tile; more would take too long over weeks."""
    return Clock(int(thresholds.slo.burn.fast.window))


def remaining_cases(thresholds: Thresholds) -> tuple[Case, ...]:
    """One bad phase within the period and one before it; no requests; half a request."""
    tile_length = remaining_clock(thresholds).interval
    # The longest interval that divides the tile's length.
    samples = Clock(next(each for each in range(_SLOWEST, 0, -1) if tile_length % each == 0))
    parts = [_remaining(thresholds, each, samples) for each in objectives(thresholds)]
    case = Case(
        "one bad phase within the period and one before it",
        tuple(series for part, _ in parts for series in part),
        expr_tests=tuple(test for _, part in parts for test in part),
        interval=samples.interval,
    )
    return (case,)


def _remaining(
    thresholds: Thresholds, objective: Objective, samples: Clock
) -> tuple[tuple[Series, ...], tuple[ExprTest, ...]]:
    """The series of an objective, and what the recordings read from them."""
    tiles, period = remaining_clock(thresholds), thresholds.slo.period
    bad = min(8 * objective.allowed, 1.0)
    short, long, rest, silent = (tiles.tick(share * period) for share in (0.03, 0.4, 0.55, 0.05))
    idle = Phase(2 * silent, 0.0, traffic=0)
    busy = [Phase(short, bad), Phase(long, 0.0), Phase(short, bad), Phase(rest, 0.0), idle]
    wait = Phase(tiles.interval + 2 * samples.interval, 0.0, traffic=0)
    few = [wait, Phase(samples.interval, 0.0, traffic=0.5), idle]
    end = 2 * short + long + rest + silent
    all_, failed = (tiles.tick(period) - silent) / samples.interval, short * bad / samples.interval
    left, early = remaining(thresholds, objective), 3 * tiles.interval
    return (
        (
            *_job_series(thresholds, objective, samples, _BUSY, busy),
            *_job_series(thresholds, objective, samples, _IDLE, [idle]),
            *_job_series(thresholds, objective, samples, _FEW, few),
        ),
        (
            closely(end, objective.all_(period), {"job": _BUSY}, all_),
            closely(end, objective.bad(period), {"job": _BUSY}, failed),
            closely(end, left, {"job": _BUSY}, 1 - failed / all_ / objective.allowed),
            nothing(early, left, {"job": _IDLE}),
            about(early, left, {"job": _FEW}, 1),
        ),
    )


def _job_series(
    thresholds: Thresholds, objective: Objective, samples: Clock, job: str, phases: list[Phase]
) -> Sequence[Series]:
    """One request per sample; a phase's value is the share of bad ones."""
    labels = {"job": job, "instance": HERE}
    if objective.key == "error":
        return request_series(samples, labels, phases, 1.0)
    within = (thresholds.slo.latency.within,)
    return histogram(samples, LATENCY, labels, within, phases, lambda bad, _le: 1 - bad, 1.0)
