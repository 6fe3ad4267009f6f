"""How fast something of a worker grows, until when that goes well, and how tests make it grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from generator.alerts.context import Context
from generator.alerts.model import Case, Family, Moment, Recording, Series
from generator.alerts.testcases.over_time import ELSEWHERE
from generator.alerts.testcases.recordings import about, above, exactly, nothing
from generator.alerts.testcases.series import Phase, gauge, ramp, selector
from generator.alerts.testcases.standard import HERE, THERE, InputGenerator
from generator.names import MEMORY_LIMIT, MEMORY_USAGE, START_TIME
from generator.promql import number
from generator.texts import humanize_duration
from generator.thresholds.settings import LeakAlert
from generator.thresholds.units import format_duration


@dataclass(frozen=True)
class Growing:
    """A gauge of a worker that may leak.

    `limit` is what it must not reach, PromQL with braces at every selector. In tests that is `top`,
    given by the series `limits` where it is no number; a healthy worker holds `base`, which a
    garbage collector, a pause of its clients or a release moves by `swing`. `origins` are the paths
    of the thresholds that the limit comes from.
    """

    metric: str
    family: Family
    limit: str
    top: float
    base: float
    swing: float
    limits: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


def envelope(growing: Growing, settings: LeakAlert) -> Recording:
    """The lower envelope, free of what comes and goes."""
    e = format_duration(settings.envelope)
    return Recording(
        growing.family,
        f"worker:{growing.metric}:min{e}",
        f"min_over_time({growing.metric}{{}}[{e}])",
    )


def slope(growing: Growing, settings: LeakAlert) -> Recording:
    """The slope of the envelope by least squares, per second."""
    low, w = envelope(growing, settings), format_duration(settings.window)
    return Recording(growing.family, f"{low.name}_deriv{w}", f"deriv({low.query}[{w}])")


def seconds_to_limit(growing: Growing, settings: LeakAlert) -> Recording:
    """Seconds until a worker that grows reaches its limit."""
    return Recording(
        growing.family,
        f"worker:{growing.metric}:seconds_to_limit_deriv{format_duration(settings.window)}",
        f"({growing.limit} - {growing.metric}{{}} > 0)\n/ ({slope(growing, settings).query} > 0)",
    )


def ripe(settings: LeakAlert) -> float:
    """Age from which window and envelope lie past the warm-up."""
    return settings.warm_up + settings.envelope + settings.window


@dataclass(frozen=True)
class Growth:
    """A worker that grows from the start, old enough to judge once the slope is steady.

    `paced(value)` are the results of the texts' queries but for the one that says when the limit is
    reached; of that it is `after(time)`, with the time in words.
    """

    context: Context
    growing: Growing
    settings: LeakAlert
    paced: Callable[[float], Mapping[str, str]]
    after: Callable[[str], Mapping[str, str]]

    @property
    def opens(self) -> int:
        """When the worker is old enough."""
        clock, settings = self.context.clock, self.settings
        return clock.tick(settings.envelope + settings.window) + 4 * clock.interval

    def inputs(self) -> InputGenerator:
        return InputGenerator(
            clock=self.context.clock,
            series=self.series,
            labels=self.context.worker,
            healthy=0.0,
            time_to_fire=lambda _value, _bound: self.opens + self.context.clock.interval,
            known=self.known,
        )

    def series(self, instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        replaced = [replace(phase, reset=phase.value == 0) for phase in phases]
        births = _births(phases, self.opens - ripe(self.settings))
        labels, clock, growing = self.context.worker(instance), self.context.clock, self.growing
        return (
            Series(selector(growing.metric, labels), ramp(clock, replaced, growing.base)),
            Series(selector(START_TIME, labels), gauge(clock, births, float)),
            *(
                Series(selector(name, labels), gauge(clock, phases, lambda _value: growing.top))
                for name in growing.limits
            ),
        )

    def known(self, value: float, at: float) -> Mapping[str, str]:
        """What the texts say of a worker that has grown at this pace for `at` seconds."""
        room = self.growing.top - self.growing.base - value * at
        minutes = int(room / value / 60 + 0.5) if value else 0
        spoken = humanize_duration(60.0 * minutes) if room > 0 else ""
        return {**self.paced(value), **self.after(spoken)}


def over_time(growth: Growth, cgroup: Recording | None) -> Case:
    """Workers that dip, fall, begin to rise, rise very slowly, stay, or are at the limit.

    `cgroup` is the time until the limit of memory that all of an instance share.
    """
    context, growing, settings = growth.context, growth.growing, growth.settings
    clock, base, labels = context.clock, growing.base, context.worker
    e, w = clock.tick(settings.envelope), clock.tick(settings.window)
    rises = e + w  # from then on, its envelope one envelope later
    end = rises + e + clock.tick(w / 2)
    samples, step, slow = 2 * end // clock.interval, base / 2**10, base / 2**31
    slowly = number(slow * clock.interval)
    courses = {
        (HERE, "0"): f"{number(2 * base)}x{e // clock.interval - 1} {number(base)} "
        f"{number(2 * base)}x{samples}",
        (HERE, "1"): f"{number(2 * base)}-{number(step / 2**10)}x{samples}",
        (HERE, "2"): f"{number(base)}x{rises // clock.interval - 1} "
        f"{number(base)}+{number(step)}x{samples}",
        (HERE, "3"): f"{number(2 * growing.top)}+{slowly}x{samples}",
        (HERE, "4"): f"{number(growing.top - slow * end)}+{slowly}x{samples}",
        (HERE, "5"): f"{number(growing.top - slow * end - 0.5)}+{slowly}x{samples}",
        (THERE, "0"): f"{number(base)}+{slowly}x{samples}",
        (THERE, "1"): f"{number(base)}+{slowly}x{samples}",
        (ELSEWHERE, "0"): f"{number(base)}x{samples}",
    }
    low, steep, left = (each(growing, settings) for each in (envelope, slope, seconds_to_limit))
    dipped, falling, rising, past, at_it, near = (
        {**labels(HERE), "worker": each} for each in "012345"
    )
    series = [
        Series(selector(name, {**labels(instance), "worker": worker}), values)
        for (instance, worker), course in courses.items()
        for name, values in (
            (growing.metric, course),
            *((each, f"{number(growing.top)}x{samples}") for each in growing.limits),
        )
    ]
    readings = [
        exactly(e + clock.tick(0.75 * e), low, dipped, base),
        above(end, steep, falling, 0, is_above=False),
        above(end, steep, rising, 0.75 * step / clock.interval, is_above=False),
        about(end, left, labels(THERE), (growing.top - base) / slow),
        nothing(end, left, labels(ELSEWHERE)),
        nothing(end, left, past),
        nothing(end, left, at_it),
        about(end, left, near, 0.5 / slow),
    ]
    if cgroup:
        series += [
            Series(selector(metric, context.workers(instance)), f"{number(size)}x{samples}")
            for instance in (THERE, ELSEWHERE)
            for metric, size in ((MEMORY_LIMIT, 3 * base), (MEMORY_USAGE, 2 * base))
        ]
        readings += [
            about(end, cgroup, context.workers(THERE), base / (2 * slow)),
            nothing(end, cgroup, context.workers(ELSEWHERE)),
        ]
    title = "workers that dip, fall, begin to rise, stay, or are at the limit"
    return Case(title, tuple(series), readings=tuple(readings))


def _births(phases: Sequence[Phase], first: float) -> list[Phase]:
    """The start time through the phases: a flat phase begins with a new worker."""
    births: list[Phase] = []
    now = 0
    birth = first
    for phase in phases:
        birth = float(now) if phase.value == 0 and now else birth
        births.append(replace(phase, value=None if phase.value is None else birth))
        now += phase.seconds
    return births


def negative_cases(growth: Growth) -> tuple[Case, ...]:
    """Courses of healthy workers that a naive rule takes for a leak."""
    return tuple(course(growth) for course in _COURSES)


def _course(growth: Growth, title: str, values: str, births: str = "") -> Case:
    """A course of several windows, with a worker that has long been old enough unless said."""
    clock = growth.context.clock
    length = _length(growth)
    samples = length // clock.interval
    labels = growth.context.worker(HERE)
    old = f"{number(-ripe(growth.settings))}x{samples}"
    return Case(
        title,
        (
            Series(selector(growth.growing.metric, labels), values),
            Series(selector(START_TIME, labels), births or old),
        ),
        tuple(Moment(clock.tick(length * part / 6), ()) for part in range(1, 7)),
    )


def _length(growth: Growth) -> int:
    settings = growth.settings
    waits = (each.for_ for each in (settings.critical, settings.warning, settings.info) if each)
    return growth.context.clock.tick(ripe(settings) + max(waits) + settings.window)


def _samples(growth: Growth, seconds: float) -> int:
    return max(2, int(seconds / growth.context.clock.interval))


def _first_request(growth: Growth) -> Case:
    """Models load, pools fill: within a minute, once."""
    settings, base = growth.settings, growth.growing.base
    before, after = _samples(growth, (settings.window + settings.envelope) / 3), _length(growth)
    values = f"{number(base / 10)}x{before} {number(base)}x{after}"
    return _course(growth, "the first request fills pools and caches", values, f"0x{after}")


def _jump(growth: Growth) -> Case:
    settings, base = growth.settings, growth.growing.base
    before, after = _samples(growth, (settings.window + settings.envelope) / 3), _length(growth)
    values = f"{number(base)}x{before} {number(base + 2 * growth.growing.swing)}x{after}"
    return _course(growth, "one jump of an old worker", values)


def _sawtooth(growth: Growth) -> Case:
    """Up and down within two thirds of the envelope."""
    low, high = growth.growing.base, growth.growing.base + growth.growing.swing
    half = _samples(growth, growth.settings.envelope / 3)
    step = number((high - low) / half)
    saw = f"{number(low)}+{step}x{half - 1} {number(high)}-{step}x{half - 1}"
    turns = _samples(growth, _length(growth)) // (2 * half) + 1
    return _course(growth, "a sawtooth", " ".join([saw] * turns))


def _jitter(growth: Growth) -> Case:
    base, part = growth.growing.base, growth.growing.swing / 5
    once = " ".join(number(each) for each in (base, base + part, base - part))
    return _course(
        growth, "flat with jitter", " ".join([once] * (_samples(growth, _length(growth)) // 3 + 1))
    )


def _recycled(growth: Growth) -> Case:
    """A worker that leaks badly, but is replaced before it is old enough to judge."""
    clock = growth.context.clock
    life = _samples(growth, ripe(growth.settings))
    step = number(4 * growth.growing.swing / life)
    lives = _samples(growth, _length(growth)) // life + 1
    values = f"{number(growth.growing.base)}+{step}x{life - 1}"
    births = (f"{number(life * clock.interval * turn)}x{life - 1}" for turn in range(lives))
    return _course(
        growth,
        "a worker that leaks and is replaced in time, as by max_requests",
        " ".join([values] * lives),
        " ".join(births),
    )


def _deploys(growth: Growth) -> Case:
    """Three releases, each a little heavier than the one before, an envelope apart."""
    clock, base = growth.context.clock, growth.growing.base
    between = _samples(growth, growth.settings.envelope)
    rest = _samples(growth, _length(growth))
    levels = [base + growth.growing.swing * part for part in (0.0, 0.4, 0.8)]
    lengths = (between, between, rest)
    starts = [0, between, 2 * between]
    values = " ".join(
        f"{number(level / 10)} {number(level)}x{length - 2}"
        for level, length in zip(levels, lengths, strict=True)
    )
    births = " ".join(
        f"{number(start * clock.interval)}x{length - 1}"
        for start, length in zip(starts, lengths, strict=True)
    )
    return _course(growth, "three deploys, each heavier", values, births)


def _sidecar_restart(growth: Growth) -> Case:
    """Scrapes fail for a while, and the slots change hands: another worker has the number."""
    base, swing = growth.growing.base, growth.growing.swing
    before = _samples(growth, growth.settings.window)
    gap, rest = _samples(growth, 300), _samples(growth, _length(growth))
    old = number(-ripe(growth.settings))
    return _course(
        growth,
        "the sidecar starts again and numbers the workers anew",
        f"{number(base)}x{before} stale _x{gap} {number(base + swing)}x{rest}",
        f"{old}x{before} stale _x{gap} {old}x{rest}",
    )


_COURSES: tuple[Callable[[Growth], Case], ...] = (
    _first_request,
    _jump,
    _sawtooth,
    _jitter,
    _recycled,
    _deploys,
    _sidecar_restart,
)
