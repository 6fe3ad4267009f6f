"""Test cases of the leak alerts: workers that leak, and healthy ones that only seem to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from generator.alerts.context import Context
from generator.alerts.leak_recordings import (
    LeakAlert,
    LeakingGauge,
    envelope,
    judged_from,
    seconds_to_limit,
    slope,
)
from generator.alerts.model import Case, Recording, Series, silent
from generator.alerts.testcases.expectations import about, above, exactly, nothing
from generator.alerts.testcases.inputs import HERE, THERE, InputGenerator
from generator.alerts.testcases.recordings import ELSEWHERE
from generator.alerts.testcases.series import Phase, gauge, ramp
from generator.names import MEMORY_LIMIT, MEMORY_USAGE, START_TIME
from generator.promql import number
from generator.texts import humanize_duration


@dataclass(frozen=True)
class Growth:
    """A worker that grows from the start and is old enough once the slope is steady.

    `results(value, left, cgroup)` are the results of the queries in the alert's texts, given the
    times until the limit of the worker and that of the cgroup are reached.
    """

    context: Context
    leaking: LeakingGauge
    settings: LeakAlert
    results: Callable[[float, str, str], Mapping[str, str]]

    @property
    def length(self) -> int:
        """The length of the negative cases."""
        severities = (self.settings.critical, self.settings.warning, self.settings.info)
        wait = max(each.for_ for each in severities if each)
        return self.context.clock.tick(judged_from(self.settings) + wait + self.settings.window)

    def samples(self, seconds: float) -> int:
        return max(2, int(seconds / self.context.clock.interval))

    @property
    def opens(self) -> int:
        """When the worker is old enough."""
        clock, settings = self.context.clock, self.settings
        return clock.tick(settings.envelope + settings.window) + 4 * clock.interval

    def inputs(self) -> InputGenerator:
        return InputGenerator(
            context=self.context,
            series=self.series,
            labels=self.context.worker,
            delay=self.opens + self.context.clock.interval,
            held=True,
            margin=1.6,
            query_results=self.query_results,
        )

    def series(self, instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        replaced = [replace(phase, reset=phase.value == 0) for phase in phases]
        start_times = _start_times(phases, self.opens - judged_from(self.settings))
        labels, clock, leaking = self.context.worker(instance), self.context.clock, self.leaking
        return (
            Series(leaking.metric, labels, ramp(clock, replaced, leaking.base)),
            Series(START_TIME, labels, gauge(clock, start_times, float)),
            *(
                Series(name, labels, gauge(clock, phases, lambda _value: leaking.top))
                for name in leaking.limits
            ),
        )

    def query_results(self, value: float, at: float) -> Mapping[str, str]:
        """What the texts say about a worker that has grown at this rate for `at` seconds."""
        return self.results(value, self.left(value, at), "")

    def left(self, value: float, at: float) -> str:
        """The time until the limit as the text says it; empty if the worker has reached it."""
        room = self.leaking.top - self.leaking.base - value * at
        minutes = int(room / value / 60 + 0.5) if value else 0
        return humanize_duration(60.0 * minutes) if room > 0 else ""


def over_time(growth: Growth, cgroup: Recording | None) -> Case:
    """Workers that dip, shrink, start to grow, grow very slowly, stay flat or are at the limit.

    `cgroup` is the time until the workers of an instance reach their shared memory limit.
    """
    context, leaking, settings = growth.context, growth.leaking, growth.settings
    clock, base, labels = context.clock, leaking.base, context.worker
    e, w = clock.tick(settings.envelope), clock.tick(settings.window)
    rises = e + w  # the worker grows from then on, its envelope one envelope later
    end = rises + e + clock.tick(w / 2)
    samples, step, slow = 2 * end // clock.interval, base / 2**10, base / 2**31
    slowly = number(slow * clock.interval)
    values_of = {
        (HERE, "0"): f"{number(2 * base)}x{e // clock.interval - 1} {number(base)} "
        f"{number(2 * base)}x{samples}",
        (HERE, "1"): f"{number(2 * base)}-{number(step / 2**10)}x{samples}",
        (HERE, "2"): f"{number(base)}x{rises // clock.interval - 1} "
        f"{number(base)}+{number(step)}x{samples}",
        (HERE, "3"): f"{number(2 * leaking.top)}+{slowly}x{samples}",
        (HERE, "4"): f"{number(leaking.top - slow * end)}+{slowly}x{samples}",
        (HERE, "5"): f"{number(leaking.top - slow * end - 0.5)}+{slowly}x{samples}",
        (THERE, "0"): f"{number(base)}+{slowly}x{samples}",
        (THERE, "1"): f"{number(base)}+{slowly}x{samples}",
        (ELSEWHERE, "0"): f"{number(base)}x{samples}",
    }
    low, steep, left = (each(leaking, settings) for each in (envelope, slope, seconds_to_limit))
    dipped, falling, rising, past, at_it, near = (labels(HERE, each) for each in "012345")
    series = [
        Series(name, labels(instance, worker), values)
        for (instance, worker), time_series in values_of.items()
        for name, values in (
            (leaking.metric, time_series),
            *((each, f"{number(leaking.top)}x{samples}") for each in leaking.limits),
        )
    ]
    expr_tests = [
        exactly(e + clock.tick(0.75 * e), low, dipped, base),
        above(end, steep, falling, 0, is_above=False),
        above(end, steep, rising, 0.75 * step / clock.interval, is_above=False),
        about(end, left, labels(THERE), (leaking.top - base) / slow),
        nothing(end, left, labels(ELSEWHERE)),
        nothing(end, left, past),
        nothing(end, left, at_it),
        about(end, left, near, 0.5 / slow),
    ]
    if cgroup:
        series += [
            Series(metric, context.workers(instance), f"{number(size)}x{samples}")
            for instance in (THERE, ELSEWHERE)
            for metric, size in ((MEMORY_LIMIT, 3 * base), (MEMORY_USAGE, 2 * base))
        ]
        expr_tests += [
            about(end, cgroup, context.workers(THERE), base / (2 * slow)),
            nothing(end, cgroup, context.workers(ELSEWHERE)),
        ]
    title = "workers that dip, shrink, start to grow, stay flat or are at the limit"
    return Case(title, series, expr_tests=expr_tests)


def _start_times(phases: Sequence[Phase], first: float) -> list[Phase]:
    """The start time in each phase: a flat phase begins with a new worker."""
    start_times: list[Phase] = []
    now = 0
    start_time = first
    for phase in phases:
        start_time = float(now) if phase.value == 0 and now else start_time
        start_times.append(replace(phase, value=None if phase.value is None else start_time))
        now += phase.seconds
    return start_times


def negative_cases(growth: Growth) -> list[Case]:
    """Healthy workers that a naive rule would take for leaking ones."""
    cases = (_first_request, _jump, _sawtooth, _jitter, _recycled, _deploys, _sidecar_restart)
    return [case(growth) for case in cases]


def _silent_case(growth: Growth, title: str, values: str, start_times: str = "") -> Case:
    """Several windows of a worker, old enough to alert unless `start_times` says otherwise."""
    clock, labels = growth.context.clock, growth.context.worker(HERE)
    old = f"{number(-judged_from(growth.settings))}x{growth.length // clock.interval}"
    return Case(
        title,
        (
            Series(growth.leaking.metric, labels, values),
            Series(START_TIME, labels, start_times or old),
        ),
        silent(*(clock.tick(growth.length * part / 6) for part in range(1, 7))),
    )


def _first_request(growth: Growth) -> Case:
    """Models are loaded and pools filled once, within a minute."""
    base = growth.leaking.base
    title = "the first request fills pools and caches"
    return _silent_case(growth, title, _step(growth, base / 10, base), f"0x{growth.length}")


def _jump(growth: Growth) -> Case:
    base, high = growth.leaking.base, growth.leaking.base + 2 * growth.leaking.swing
    return _silent_case(growth, "a single jump in an old worker", _step(growth, base, high))


def _step(growth: Growth, before: float, after: float) -> str:
    """A level that changes once, a third into what the alert looks at."""
    samples = growth.samples((growth.settings.window + growth.settings.envelope) / 3)
    return f"{number(before)}x{samples} {number(after)}x{growth.length}"


def _sawtooth(growth: Growth) -> Case:
    """Up and down within two thirds of the envelope."""
    low, high = growth.leaking.base, growth.leaking.base + growth.leaking.swing
    half = growth.samples(growth.settings.envelope / 3)
    step = number((high - low) / half)
    saw = f"{number(low)}+{step}x{half - 1} {number(high)}-{step}x{half - 1}"
    turns = growth.samples(growth.length) // (2 * half) + 1
    return _silent_case(growth, "a sawtooth pattern", " ".join([saw] * turns))


def _jitter(growth: Growth) -> Case:
    base, part = growth.leaking.base, growth.leaking.swing / 5
    once = " ".join(number(each) for each in (base, base + part, base - part))
    turns = growth.samples(growth.length) // 3 + 1
    return _silent_case(growth, "flat with jitter", " ".join([once] * turns))


def _recycled(growth: Growth) -> Case:
    """A worker that leaks badly but is replaced before it is old enough to alert."""
    life = growth.samples(judged_from(growth.settings))
    step = number(4 * growth.leaking.swing / life)
    lives = range(growth.samples(growth.length) // life + 1)
    lifetime = life * growth.context.clock.interval
    return _silent_case(
        growth,
        "a leaking worker that is recycled in time, for example by max_requests",
        " ".join(f"{number(growth.leaking.base)}+{step}x{life - 1}" for _ in lives),
        " ".join(f"{number(lifetime * turn)}x{life - 1}" for turn in lives),
    )


def _deploys(growth: Growth) -> Case:
    """Three releases an envelope apart, each using a little more than the last."""
    between, rest = growth.samples(growth.settings.envelope), growth.samples(growth.length)
    values, start_times = [], []
    for turn, (share, length) in enumerate(((0.0, between), (0.4, between), (0.8, rest))):
        level = growth.leaking.base + growth.leaking.swing * share
        values.append(f"{number(level / 10)} {number(level)}x{length - 2}")
        start_times.append(f"{turn * between * growth.context.clock.interval}x{length - 1}")
    title = "three deployments, each using more than the last"
    return _silent_case(growth, title, " ".join(values), " ".join(start_times))


def _sidecar_restart(growth: Growth) -> Case:
    """Scrapes fail for a while; after that, another worker has the number."""
    base, swing = growth.leaking.base, growth.leaking.swing
    before, gap = growth.samples(growth.settings.window), growth.samples(300)
    rest, old = growth.samples(growth.length), number(-judged_from(growth.settings))
    return _silent_case(
        growth,
        "the sidecar restarts and renumbers the workers",
        f"{number(base)}x{before} stale _x{gap} {number(base + swing)}x{rest}",
        f"{old}x{before} stale _x{gap} {old}x{rest}",
    )
