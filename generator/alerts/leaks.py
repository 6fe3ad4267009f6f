"""Workers whose memory only grows: a slow pace and a fast one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from generator.alerts import remedies
from generator.alerts.build import Kit, triggers
from generator.alerts.courses import growth_over_time
from generator.alerts.memory import GIB, SAME_WORKER
from generator.alerts.model import (
    Alert,
    Case,
    Cause,
    Firing,
    Moment,
    Panel,
    Query,
    Recording,
    Runbook,
    Series,
)
from generator.alerts.proof import HERE, Drive, prove
from generator.alerts.series import Phase, gauge, ramp, selector
from generator.names import (
    DB_CONNECTIONS,
    MEMORY_LIMIT,
    MEMORY_USAGE,
    OPEN_FDS,
    REQUESTS,
    RESIDENT_MEMORY,
    START_TIME,
    THREADS,
    WORKER_INFO,
)
from generator.promql import number
from generator.texts import humanize1024
from generator.thresholds.levels import Unit
from generator.thresholds.settings import LeakAlert
from generator.thresholds.units import format_duration


def envelope(settings: LeakAlert) -> Recording:
    """The lower envelope of a worker's memory, free of the garbage collector's sawtooth."""
    e = format_duration(settings.envelope)
    return Recording(
        "memory", f"worker:{RESIDENT_MEMORY}:min{e}", f"min_over_time({RESIDENT_MEMORY}{{}}[{e}])"
    )


def growth(settings: LeakAlert) -> Recording:
    """The slope of the envelope by least squares, in bytes per second."""
    e, w = format_duration(settings.envelope), format_duration(settings.window)
    return Recording(
        "memory",
        f"worker:{RESIDENT_MEMORY}:min{e}_deriv{w}",
        f"deriv({envelope(settings).query}[{w}])",
    )


def time_to_limit(settings: LeakAlert) -> Recording:
    """Seconds until the growing workers of an instance reach the limit of their cgroup."""
    w = format_duration(settings.window)
    return Recording(
        "memory",
        f"instance:auditor_memory:seconds_to_limit_deriv{w}",
        (
            f"({MEMORY_LIMIT}{{}} - {MEMORY_USAGE}{{}})\n/\nsum by (job, instance) "
            f"({growth(settings).query} > 0)"
        ),
    )


@dataclass(frozen=True)
class _Pace:
    """What one of the two leak alerts has of its own.

    Its pace is told in bytes per `seconds`, one `unit`.
    """

    key: str
    panel: int
    unit: str
    seconds: int
    gist: str
    impact: str
    first: str
    causes: tuple[Cause, ...]
    escalate: str


_SLOW: Final = _Pace(
    key="memory_leak",
    panel=100,
    unit="hour",
    seconds=3600,
    gist="A worker's memory has grown steadily for hours.",
    impact=(
        "Nobody yet. At the memory limit the kernel kills the worker, and its requests fail; "
        "without a limit the whole machine runs short."
    ),
    first=(
        "Read in the alert when the limit is reached. Beyond the morning: a ticket, and nothing "
        "more tonight."
    ),
    causes=(
        remedies.KEPT_ANSWERS,
        remedies.UNBOUNDED_CACHE,
        remedies.UNCLOSED_FILES,
        remedies.UNENDED_THREADS,
    ),
    escalate=(
        "A ticket for the developers with the growth, the time to the limit and what grows along. "
        "Wake nobody unless restarting the workers does not last until morning."
    ),
)
_FAST: Final = _Pace(
    key="fast_memory_leak",
    panel=101,
    unit="minute",
    seconds=60,
    gist="A worker's memory grows so fast that it reaches its limit within hours.",
    impact=(
        "Soon everybody on this instance: at the memory limit the kernel kills the worker, and its "
        "requests fail. A worker that swaps answers late before that."
    ),
    first="Read in the alert when the limit is reached: the worker must be restarted well before.",
    causes=(
        remedies.ROLL_BACK,
        remedies.HEAVY_REQUESTS,
        remedies.UNBOUNDED_CACHE,
        remedies.UNCLOSED_FILES,
        remedies.UNENDED_THREADS,
        remedies.KEPT_ANSWERS,
        remedies.STATISTICS_CALLS,
    ),
    escalate=(
        "To the developers at once if a release brought it or if a restarted worker grows again at "
        "the same pace. Otherwise a ticket once the restart has helped."
    ),
)


def alerts(kit: Kit) -> tuple[Alert, ...]:
    return _leak(kit, _SLOW), _leak(kit, _FAST)


def _leak(kit: Kit, own: _Pace) -> Alert:
    settings: LeakAlert = getattr(kit.thresholds.alerts, own.key)
    kit = kit.for_window(settings.window)
    window, envelope_range = format_duration(settings.window), format_duration(settings.envelope)
    slope, limit = growth(settings), time_to_limit(settings)
    guard = f"and on {SAME_WORKER} (time() - {START_TIME}{{}}) > {number(_ripe(settings))}"
    pace = (
        f'{{{{ with printf "{own.seconds} * %f" $value | query }}}}'
        "{{ . | first | value | humanize1024 }}B{{ end }}"
    )
    until = (
        f'{{{{ with printf "round({limit.name}{{instance=%q}}, 60)" $labels.instance | query }}}}'
        "it reaches the cgroup's limit in {{ . | first | value | humanizeDuration }}"
        "{{ else }}no limit of the cgroup is known{{ end }}"
    )
    alert = Alert(
        key=own.key,
        family="memory",
        place="worker",
        quantity=slope.query,
        op=">",
        unit=Unit.GROWTH,
        triggers=triggers(kit.thresholds, settings, guard),
        keep_firing_for=settings.keep_firing_for,
        recordings=(envelope(settings), slope, limit),
        summary=(
            f"Worker {{{{ $labels.worker }}}} of {{{{ $labels.instance }}}} grows by {pace} per "
            f"{own.unit}"
        ),
        description=(
            "The memory of worker {{ $labels.worker }} on {{ $labels.instance }} grew by "
            f"{pace} per {own.unit} over the last {window}, more than BOUND; at this pace {until}. "
            "Next: restart the worker before that, one at a time, and compare the growth with "
            "threads and descriptors on the system dashboard."
        ),
        panel=Panel(
            "system",
            "Memory",
            own.panel,
            f"Memory growth over {window}",
            "{{instance}} worker {{worker}}",
        ),
        runbook=Runbook(
            gist=own.gist,
            first=(
                own.first,
                (
                    "Note what grows along with the memory: threads, descriptors, database "
                    "connections or only requests. That is what the developers need, and it is "
                    "gone after a restart."
                ),
                (
                    "Restart the worker: take `pid` from the query below and send it SIGTERM; it "
                    "ends its request, and its supervisor starts another one. One worker at a "
                    "time. With a single worker restart the service."
                ),
            ),
            meaning=(
                f"The lowest resident memory of the worker in each {envelope_range} rose over "
                f"{window}, by a straight line fitted through it, faster than the bound. The "
                "lowest value hides the sawtooth of the garbage collector, and a worker is judged "
                "only once window and envelope lie past its warm-up, so the loading of the models "
                "is no leak. It does not say that the growth has no end: a cache that fills looks "
                "the same."
            ),
            impact=own.impact,
            queries=(
                Query("Process id of each worker", f"{WORKER_INFO}{{}}"),
                Query("Seconds until the limit at this pace", limit.query),
                Query("Threads", f"{THREADS}{{}}"),
                Query("Open descriptors", f"{OPEN_FDS}{{}}"),
                Query("Database connections", f"{DB_CONNECTIONS}{{}}"),
                Query("Requests a second", f"sum by (instance) (rate({REQUESTS}{{}}[{window}]))"),
            ),
            causes=own.causes,
            escalate=own.escalate,
        ),
    )
    drive = _leak_drive(kit, settings)
    known = {pace: "", until: "no limit of the cgroup is known"}

    def texts(value: float) -> dict[str, str]:
        return {**known, pace: f"{humanize1024(own.seconds * float(f'{value:f}'))}B"}

    drive = replace(drive, known=texts)
    return prove(
        alert,
        drive,
        *_healthy_courses(kit, settings),
        _with_limit(kit, alert, drive, until),
        growth_over_time(
            kit, settings.envelope, settings.window, (envelope(settings), slope, limit)
        ),
    )


def _ripe(settings: LeakAlert) -> float:
    """Age from which window and envelope lie past the warm-up."""
    return settings.warm_up + settings.envelope + settings.window


def _leak_drive(kit: Kit, settings: LeakAlert) -> Drive:
    """A worker that grows from the start and is old enough to judge once the slope is steady."""
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
        onset=lambda _value, _bound: opens + kit.clock.interval,
    )


def _opens(kit: Kit, settings: LeakAlert) -> int:
    return kit.clock.tick(settings.envelope + settings.window) + 4 * kit.clock.interval


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
    length = clock.tick(_ripe(settings) + trigger + settings.window)
    samples = length // clock.interval
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

    half = max(2, int(settings.envelope / clock.interval / 3))
    step = number(300 * 2**20 / half)
    saw = f"{number(GIB)}+{step}x{half - 1} {number(GIB + 300 * 2**20)}-{step}x{half - 1}"
    load = int((settings.window + settings.envelope) / 3 / clock.interval)
    return (
        case(
            "models load within a minute of the first request", f"1e8x{load} 1.5e9x{samples}", 0.0
        ),
        case("one jump of an old worker", f"1e9x{load} 1.5e9x{samples}", long_ago),
        case(
            "a garbage collector's sawtooth of 300 MiB",
            " ".join([saw] * (samples // (2 * half) + 1)),
            long_ago,
        ),
        case(
            "a flat worker with jitter",
            " ".join(["1.4e9 1.43e9 1.39e9"] * (samples // 3 + 1)),
            long_ago,
        ),
    )


def _with_limit(kit: Kit, alert: Alert, drive: Drive, until: str) -> Case:
    """The text says when the limit is reached."""
    clock = kit.clock
    trigger = alert.triggers[0]
    value = 2 * alert.bound(trigger)
    at = clock.tick(drive.onset(value, 0) + trigger.for_) + clock.interval
    length = [Phase(at + clock.interval, value)]
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
            Series(
                selector(MEMORY_LIMIT, cgroup),
                gauge(clock, length, lambda value: 2 * GIB + left * value),
            ),
        ),
        (Moment(at, firing),),
    )
