"""Test cases of the burn rate alerts, and of what is left of each error budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from generator.alerts.clock import Clock
from generator.alerts.context import Context
from generator.alerts.model import Alert, AlertTest, Case, ExprTest, Series, silent
from generator.alerts.objectives import BurnAlert, Objective, burn_rate, objectives, remaining, tile
from generator.alerts.testcases.expectations import about, nothing
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
_CLOSE: Final = 0.01  # within half a percent
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
    def step(self) -> int:
        """Seconds between samples."""
        return self.context.clock.interval

    @property
    def wait(self) -> int:
        return self.context.clock.tick(self.alert.longest_for)

    def with_cases(self) -> Alert:
        return with_standard_cases(
            self.alert,
            self.inputs(),
            self.two_together(),
            self.few(),
            *((self.one_of_three(),) if self.enough > 1 else ()),
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

    def inputs(self) -> InputGenerator:
        """The value is a burn rate, recorded after the alert is evaluated: one step late."""
        return InputGenerator(
            context=self.context,
            series=self.series,
            labels=lambda _instance: self.job,
            delay=self.time_to_fire,
            counters=True,
            traffic_multiplier=traffic_multiplier(self.context, self.windows.short_window),
            lag=self.step,
            query_results=self.query_results,
        )

    def query_results(self, value: float, _at: float = 0.0) -> Mapping[str, str]:
        seconds = self.context.thresholds.slo.period / float(f"{value:f}") if value else 0.0
        return {self.gone: humanize_duration(60 * float(int(seconds / 60 + 0.5)))}

    def series(
        self, instance: str, phases: Sequence[Phase], per_scrape: float | None = None
    ) -> Sequence[Series]:
        """Requests, by default plenty, with as many bad ones as the burn rates demand."""
        clock, labels = self.context.clock, self.context.api(instance)
        count = self.plenty if per_scrape is None else per_scrape
        allowed = self.objective.allowed
        if self.objective.key == "error":
            shares = [
                each if each.value is None else replace(each, value=round(each.value * allowed, 15))
                for each in phases
            ]
            return request_series(clock, labels, shares, count)
        within = self.context.thresholds.slo.latency.within

        def share(value: float, upper: float) -> float:
            """Good requests take just as long as they may, bad ones a little longer."""
            good = 1 - value * allowed
            return 0.0 if upper < within else good if upper == within else 1.0

        buckets = self.context.thresholds.service.latency_buckets
        return histogram(clock, LATENCY, labels, buckets, phases, share, count)

    def firing(self, at: float, value: float) -> AlertTest:
        return self.alert.firing(at, value, self.job, self.query_results(value))

    @property
    def tile(self) -> float:
        return tile(self.context.thresholds, self.windows.window)

    def visible(self, time: float) -> int:
        """When the alert first sees what happened until `time`: a tile is counted at its end."""
        whole = math.ceil(time / self.tile) * self.tile if self.tile else time
        return self.context.clock.tick(whole) + self.step

    @property
    def opens(self) -> int:
        """When there have been requests for long enough; a rate needs two samples."""
        return self.context.clock.tick(self.after) + self.step

    @property
    def time_to_fire(self) -> int:
        return max(self.opens, self.visible(self.step))

    @property
    def job(self) -> Mapping[str, str]:
        return {"job": self.context.thresholds.service.jobs.api}

    def few(self) -> Case:
        """Few requests, of which the last make them enough."""
        i, enough, worst = self.step, self.enough, self.worst
        first = self.opens + i
        before = self.visible(first)
        fires = self.visible(before + i) + self.wait
        phases = [
            Phase(first, worst, traffic=0),
            Phase(i, worst, traffic=15 * enough / 16),
            Phase(before - first, worst, traffic=0),
            Phase(i, worst, traffic=enough / 16),
            Phase(fires - before, worst, traffic=0),
        ]
        return Case(
            "all requests are bad, at first too few to evaluate",
            self.series(HERE, phases, 1.0),
            (*silent(before, fires - i), self.firing(fires, worst)),
        )

    def two_together(self) -> Case:
        """One instance is above the bound, one below it; together they are above it."""
        value = just_over(self.bound)
        end = self.time_to_fire + self.wait
        apart = 0.5 * min(value, self.worst - value)
        above, below = (Phase(end + self.step, each) for each in (value + apart, value - apart))
        return Case(
            "one instance above the threshold and one below it, together above it",
            (*self.series(HERE, [above]), *self.series(THERE, [below])),
            (*silent(end - self.step), self.firing(end, value)),
        )

    def one_of_three(self) -> Case:
        """A single bad request at night must not alert, although it is a third of all requests."""
        first = self.opens + self.step
        end = self.visible(first) + self.wait
        phases = [
            Phase(first, 0.0, traffic=0),
            Phase(self.step, self.worst / 3, traffic=3),
            Phase(end - first, 0.0, traffic=0),
        ]
        series = self.series(HERE, phases, 1.0)
        return Case("one bad request out of three", series, silent(end))

    def over_and_back(self) -> Case:
        """While the long window remembers a fault, only the short one shows whether it is over."""
        clock, i = self.context.clock, self.step
        short = clock.tick(self.windows.short_window)
        kept = clock.tick(self.settings.keep_firing_for)
        recovered, near = short + kept + 4 * i, short + 2 * i
        part = max(1, int(0.6 * (short // i - 1))) * i
        after = 2 * recovered + near + part
        needed = 1.5 * after * self.bound / (self.worst - self.bound)
        fault = self.visible(max(needed, short, self.time_to_fire + self.alert.longest_for)) + i
        phases = [
            Phase(fault, self.worst),
            Phase(recovered, 0.0),
            Phase(near, just_under(self.bound)),
            Phase(recovered, 0.0),
            Phase(part, min(1.4 * self.bound, self.worst)),
            Phase(i, 0.0),
        ]
        over = (fault + each for each in (recovered - i, recovered + near, after))
        return Case(
            "a fault that ends, a rate just below the threshold, then a brief fault",
            self.series(HERE, phases),
            (self.firing(fault - i, self.worst), *silent(*over)),
        )

    def long_window(self) -> Case:
        """The rate is taken over the whole long window, and no more."""
        clock, i, value = self.context.clock, self.step, just_over(self.bound)
        long = clock.tick(self.windows.window)
        good = long + 2 * i
        full = self.visible(good + long + 2 * (i + self.tile)) + self.wait
        return Case(
            "just above the threshold for less than the long window, then for all of it",
            self.series(HERE, [Phase(good, 0.0), Phase(full - good + i, value)]),
            (*silent(clock.tick(good + 0.97 * long) - 2 * i), self.firing(full, value)),
        )

    def short_alone(self) -> Case:
        """Above the bound over the short window, but not quite over the long one."""
        clock = self.context.clock
        last = clock.tick(self.windows.short_window + self.tile) + self.wait + 4 * self.step
        before = max(3 * last, self.time_to_fire + clock.tick(self.tile))
        long = min(self.windows.window, before + last)
        value = min(0.93 + 0.03 * long / last, self.worst / self.bound)
        phases = [Phase(before, 0.93 * self.bound), Phase(last, value * self.bound)]
        return Case(
            "above the threshold over the short window, just below it over the long one",
            self.series(HERE, phases),
            silent(before + last - self.step),
        )

    def half_a_request(self) -> Case:
        """There is no rate without requests, but there is one with less than one request."""
        none = self.visible(2 * self.step)
        first = none + self.step
        some = self.visible(first + self.step) + self.step
        phases = [
            Phase(first, self.worst, traffic=0),
            Phase(self.step, self.worst, traffic=0.5),
            Phase(some, self.worst, traffic=0),
        ]
        rates = [
            burn_rate(self.objective, window)
            for window in (self.windows.window, self.windows.short_window)
            if window > some - none
        ]
        return Case(
            "no requests, then half a request",
            self.series(HERE, phases, 1.0),
            expr_tests=(
                *(nothing(none, each, self.job) for each in rates),
                *(about(some, each, self.job, self.worst) for each in rates),
            ),
        )

    def counts(self) -> Iterator[Case]:
        """The counts of each window that is not summed from tiles, at each evaluation."""
        thresholds = self.context.thresholds
        every = self.context.clock.tick(thresholds.slo.evaluation_interval) // self.step
        context = replace(self.context, slower=self.context.slower * every)
        for window in (self.windows.window, self.windows.short_window):
            rates = {burn_rate(self.objective, window): self.worst}
            counts = self.objective.all_(window), self.objective.bad(window)
            if tile(thresholds, window) or window < 5 * context.clock.interval:
                continue  # the group is evaluated too rarely to tell parts of the window apart
            if self.objective.key == "error":
                yield requests_over_time(context, window, counts, "job", rates)
            else:
                yield slow_over_time(context, window, thresholds.slo.latency.within, counts, rates)


def remaining_clock(thresholds: Thresholds) -> Clock:
    """One evaluation per tile; more would take too long over weeks."""
    return Clock(int(thresholds.slo.burn.fast.window))


def remaining_case(thresholds: Thresholds) -> Case:
    """One bad phase within the period and one before it; no requests; half a request."""
    tile_length = remaining_clock(thresholds).interval
    # The longest interval that divides the tile's length.
    samples = Clock(next(each for each in range(_SLOWEST, 0, -1) if tile_length % each == 0))
    parts = [_remaining(thresholds, each, samples) for each in objectives(thresholds)]
    return Case(
        "one bad phase within the period and one before it",
        [each for series, _ in parts for each in series],
        expr_tests=[each for _, expr_tests in parts for each in expr_tests],
        interval=samples.interval,
    )


def _remaining(
    thresholds: Thresholds, objective: Objective, samples: Clock
) -> tuple[list[Series], list[ExprTest]]:
    """The series of an objective, and what the recordings read from them."""
    tiles, period = remaining_clock(thresholds), thresholds.slo.period
    bad = min(8 * objective.allowed, 1.0)
    short, long, rest, pause = (tiles.tick(share * period) for share in (0.03, 0.4, 0.55, 0.05))
    idle = Phase(2 * pause, 0.0, traffic=0)
    wait = Phase(tiles.interval + 2 * samples.interval, 0.0, traffic=0)
    jobs = {
        _BUSY: [Phase(short, bad), Phase(long, 0.0), Phase(short, bad), Phase(rest, 0.0), idle],
        _IDLE: [idle],
        _FEW: [wait, Phase(samples.interval, 0.0, traffic=0.5), idle],
    }
    end = 2 * short + long + rest + pause
    all_, failed = (tiles.tick(period) - pause) / samples.interval, short * bad / samples.interval
    left, early = remaining(thresholds, objective), 3 * tiles.interval
    return (
        [
            series
            for job, phases in jobs.items()
            for series in _job_series(thresholds, objective, samples, job, phases)
        ],
        [
            about(end, objective.all_(period), {"job": _BUSY}, all_, _CLOSE),
            about(end, objective.bad(period), {"job": _BUSY}, failed, _CLOSE),
            about(end, left, {"job": _BUSY}, 1 - failed / all_ / objective.allowed, _CLOSE),
            nothing(early, left, {"job": _IDLE}),
            about(early, left, {"job": _FEW}, 1),
        ],
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
