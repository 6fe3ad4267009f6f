"""Resident memory of the workers: leaks, size, and the limit of their cgroup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from generator.alerts.build import Kit, thousandfold, triggers
from generator.alerts.model import Alert, Case, Firing, Moment, Panel, Recording, Series
from generator.alerts.proof import HERE, Drive, prove
from generator.alerts.series import Phase, gauge, ramp, selector
from generator.names import MEMORY_LIMIT, MEMORY_USAGE, RESIDENT_MEMORY, START_TIME
from generator.promql import number
from generator.thresholds.model import LeakAlert, Unit
from generator.thresholds.units import format_duration

GIB: Final = 2.0**30
_SAME_WORKER: Final = "(job, instance, worker)"


def alerts(kit: Kit) -> tuple[Alert, ...]:
    return (
        _leak(kit, "AuditorMemoryLeak", "memory_leak", 100, "hour", 3600),
        _leak(kit, "AuditorFastMemoryLeak", "fast_memory_leak", 101, "minute", 60),
        high_memory(kit),
        high_initial_memory(kit),
        memory_near_limit(kit),
    )


def envelope(settings: LeakAlert) -> Recording:
    """The lower envelope of a worker's memory, free of the garbage collector's sawtooth."""
    e = format_duration(settings.envelope)
    return Recording(f"worker:{RESIDENT_MEMORY}:min{e}", f"min_over_time({RESIDENT_MEMORY}{{}}[{e}])")


def growth(settings: LeakAlert) -> Recording:
    """The slope of the envelope by least squares, in bytes per second."""
    e, w = format_duration(settings.envelope), format_duration(settings.window)
    return Recording(f"worker:{RESIDENT_MEMORY}:min{e}_deriv{w}", f"deriv({envelope(settings).query}[{w}])")


def time_to_limit(settings: LeakAlert) -> Recording:
    """Seconds until the growing workers of an instance reach the limit of their cgroup."""
    w = format_duration(settings.window)
    return Recording(
        f"instance:auditor_memory:seconds_to_limit_deriv{w}",
        f"({MEMORY_LIMIT}{{}} - {MEMORY_USAGE}{{}})\n/\nsum by (job, instance) ({growth(settings).query} > 0)",
    )


def _leak(kit: Kit, name: str, key: str, panel: int, per: str, seconds: int) -> Alert:
    settings: LeakAlert = getattr(kit.thresholds.alerts, key)
    window = format_duration(settings.window)
    slope, limit = growth(settings), time_to_limit(settings)
    guard = f"and on {_SAME_WORKER} (time() - {START_TIME}{{}}) > {number(_ripe(settings))}"
    pace = f'{{{{ with printf "{seconds} * %f" $value | query }}}}{{{{ . | first | value | humanize1024 }}}}B{{{{ end }}}}'
    until = (
        f'{{{{ with printf "round({limit.name}{{instance=%q}}, 60)" $labels.instance | query }}}}'
        "it reaches the cgroup's limit in {{ . | first | value | humanizeDuration }}"
        "{{ else }}no limit of the cgroup is known{{ end }}"
    )
    alert = Alert(
        name=name,
        settings=f"alerts.{key}",
        family="memory",
        place="worker",
        quantity=slope.query,
        op=">",
        unit=Unit.GROWTH,
        triggers=triggers(kit.thresholds, settings, guard),
        keep_firing_for=settings.keep_firing_for,
        recordings=(envelope(settings), slope, limit),
        summary=f"Worker {{{{ $labels.worker }}}} of {{{{ $labels.instance }}}} grows by {pace} a {per}",
        description=(
            f"The memory of worker {{{{ $labels.worker }}}} on {{{{ $labels.instance }}}} grew by {pace} a {per} over the "
            f"last {window}, more than BOUND; at this pace {until}. Next: restart the worker before that, one at a time, "
            "and compare the growth with threads and descriptors on the system dashboard."
        ),
        panel=Panel("system", "Memory", panel, f"Memory growth over {window}", "{{instance}} worker {{worker}}"),
    )
    drive = _leak_drive(kit, settings)
    known = {pace: "", until: "no limit of the cgroup is known"}

    def texts(value: float) -> dict[str, str]:
        from generator.texts import humanize1024

        return {**known, pace: f"{humanize1024(seconds * float(f'{value:f}'))}B"}

    drive = replace(drive, known=texts)
    return prove(alert, drive, *_healthy_courses(kit, settings), _with_limit(kit, alert, settings, drive, until))


def _ripe(settings: LeakAlert) -> float:
    """Age from which window and envelope lie past the warm-up."""
    return settings.warm_up + settings.envelope + settings.window


def _leak_drive(kit: Kit, settings: LeakAlert) -> Drive:
    """A worker that grows from the start and becomes old enough to judge once the slope is steady."""
    opens = _opens(kit, settings)

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        replaced = [replace(phase, reset=phase.value == 0) for phase in phases]
        births = _births(phases, opens - _ripe(settings))
        return (
            Series(selector(RESIDENT_MEMORY, kit.worker(instance)), ramp(kit.clock, replaced, GIB)),
            Series(selector(START_TIME, kit.worker(instance)), gauge(kit.clock, births, float)),
        )

    return Drive(
        clock=kit.clock,
        series=series,
        labels=kit.worker,
        healthy=0.0,
        onset=lambda _value, _bound: opens + kit.clock.evaluate,
    )


def _opens(kit: Kit, settings: LeakAlert) -> int:
    return kit.clock.grid(settings.envelope + settings.window) + 4 * kit.clock.step


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


def _healthy_courses(kit: Kit, settings: LeakAlert) -> tuple[Case, ...]:
    """Courses of a healthy worker that a naive rule takes for a leak."""
    clock = kit.clock
    long_ago = -_ripe(settings)
    trigger = max(t.for_ for t in (settings.critical, settings.warning, settings.info) if t)
    length = clock.grid(_ripe(settings) + trigger + settings.window)
    samples = length // clock.scrape
    checks = tuple(Moment(clock.tick(length * part / 6), ()) for part in range(1, 7))

    def case(title: str, values: str, birth: float) -> Case:
        return Case(
            title,
            (
                Series(selector(RESIDENT_MEMORY, kit.worker(HERE)), values),
                Series(selector(START_TIME, kit.worker(HERE)), f"{number(birth)}x{samples}"),
            ),
            checks,
        )

    half = max(2, int(settings.envelope / clock.scrape / 3))
    step = number(300 * 2**20 / half)
    saw = f"{number(GIB)}+{step}x{half - 1} {number(GIB + 300 * 2**20)}-{step}x{half - 1}"
    load = int((settings.window + settings.envelope) / 3 / clock.scrape)
    return (
        case("models load within a minute of the first request", f"1e8x{load} 1.5e9x{samples}", 0.0),
        case("one jump of an old worker", f"1e9x{load} 1.5e9x{samples}", long_ago),
        case("a garbage collector's sawtooth of 300 MiB", " ".join([saw] * (samples // (2 * half) + 1)), long_ago),
        case("a flat worker with jitter", " ".join(["1.4e9 1.43e9 1.39e9"] * (samples // 3 + 1)), long_ago),
    )


def _with_limit(kit: Kit, alert: Alert, settings: LeakAlert, drive: Drive, until: str) -> Case:
    """The text says when the limit is reached."""
    clock = kit.clock
    trigger = alert.triggers[0]
    value = 2 * alert.bound(trigger)
    at = clock.grid(drive.onset(value, 0) + trigger.for_) + clock.step
    length = [Phase(at + clock.step, value)]
    cgroup = kit.workers(HERE)
    left = 7200.0
    known = {
        **drive.known(value),
        until: "it reaches the cgroup's limit in 2h 0m 0s",
    }
    firing = tuple(Firing(each.severity, value, kit.worker(HERE), known) for each in alert.triggers)
    return Case(
        "a limit of the cgroup is known",
        (
            *drive.series(HERE, length),
            Series(selector(MEMORY_USAGE, cgroup), gauge(clock, length, lambda _value: 2 * GIB)),
            Series(selector(MEMORY_LIMIT, cgroup), gauge(clock, length, lambda value: 2 * GIB + left * value)),
        ),
        (Moment(at, firing),),
    )


def high_memory(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.high_memory
    alert = Alert(
        name="AuditorHighMemory",
        settings="alerts.high_memory",
        family="memory",
        place="worker",
        quantity=f"{RESIDENT_MEMORY}{{}}",
        op=">",
        unit=Unit.BYTES,
        triggers=triggers(kit.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        summary="Worker {{ $labels.worker }} of {{ $labels.instance }} holds {{ $value | humanize1024 }}B",
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} has held {{ $value | humanize1024 }}B of memory for "
            "FOR, more than BOUND. Next: see on the system dashboard whether it still grows; if so restart it, if not "
            "use smaller models or fewer workers."
        ),
        panel=Panel("system", "Memory", 102, "Resident memory", "{{instance}} worker {{worker}}"),
    )
    return prove(alert, kit.gauge_drive({RESIDENT_MEMORY: float}, kit.worker, healthy=GIB / 2))


def high_initial_memory(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.high_initial_memory
    window = format_duration(settings.window)
    lowest = Recording(f"worker:{RESIDENT_MEMORY}:min{window}", f"min_over_time({RESIDENT_MEMORY}{{}}[{window}])")
    guard = f"and on {_SAME_WORKER} (time() - {START_TIME}{{}}) < {number(settings.window)}"
    alert = Alert(
        name="AuditorHighInitialMemory",
        settings="alerts.high_initial_memory",
        family="memory",
        place="worker",
        quantity=lowest.query,
        op=">",
        unit=Unit.BYTES,
        triggers=triggers(kit.thresholds, settings, guard),
        keep_firing_for=settings.keep_firing_for,
        recordings=(lowest,),
        summary="Worker {{ $labels.worker }} of {{ $labels.instance }} starts with {{ $value | humanize1024 }}B",
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} held {{ $value | humanize1024 }}B before it had worked, "
            "more than BOUND. Next: look what the release imports or loads at its start."
        ),
        panel=Panel("system", "Memory", 103, f"Lowest memory in {window}", "{{instance}} worker {{worker}}"),
    )
    drive = kit.gauge_drive({RESIDENT_MEMORY: float, START_TIME: lambda _value: 0.0}, kit.worker, healthy=GIB / 8)
    clock = kit.clock
    length = clock.grid(2 * settings.window)
    born = Series(selector(START_TIME, kit.worker(HERE)), f"0x{length // clock.scrape}")
    models = Series(
        selector(RESIDENT_MEMORY, kit.worker(HERE)), f"1.1e8x3 {number(2 * GIB)}x{length // clock.scrape}"
    )
    return prove(
        alert,
        drive,
        Case(
            "models load after the start",
            (born, models),
            tuple(Moment(clock.tick(length * part / 8), ()) for part in range(1, 8)),
        ),
    )


def memory_near_limit(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.memory_near_limit
    used = Recording("instance:auditor_memory:usage_ratio", f"{MEMORY_USAGE}{{}} / {MEMORY_LIMIT}{{}}")
    alert = Alert(
        name="AuditorMemoryNearLimit",
        settings="alerts.memory_near_limit",
        family="memory",
        place="instance",
        quantity=used.query,
        op=">",
        unit=Unit.RATIO,
        triggers=triggers(kit.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        recordings=(used,),
        summary="Memory of {{ $labels.instance }} is at {{ $value | humanizePercentage }} of its limit",
        description=(
            "The workers on {{ $labels.instance }} use {{ $value | humanizePercentage }} of their cgroup's memory limit, "
            "more than BOUND; at the limit the kernel kills one of them. Next: restart the largest worker, then raise the "
            "limit or lower WORKER_COUNT."
        ),
        panel=Panel("system", "Memory", 104, "Memory used of the cgroup's limit", "{{instance}}"),
    )
    levels = {
        MEMORY_USAGE: lambda value: thousandfold(value) * 2**20,
        MEMORY_LIMIT: lambda _value: 1000.0 * 2**20,
    }
    return prove(alert, kit.gauge_drive(levels, kit.workers, healthy=0.5))
