"""Leaks of a worker: memory, slow and fast, file descriptors and threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.leak_texts import (
    CGROUP,
    FILE_DESCRIPTORS,
    MEMORY,
    THREAD_KIND,
    Kind,
    Per,
    QueryTexts,
)
from generator.alerts.families.memory import GIB, SAME_WORKER
from generator.alerts.leak_recordings import (
    LeakAlert,
    LeakingGauge,
    envelope,
    judged_from,
    seconds_to_limit,
    slope,
)
from generator.alerts.model import (
    Alert,
    AlertTest,
    Case,
    Effect,
    ExpectedAlert,
    Panel,
    Recording,
    Series,
)
from generator.alerts.testcases.inputs import HERE
from generator.alerts.testcases.leaks import Growth, negative_cases, over_time
from generator.alerts.testcases.series import Phase, gauge
from generator.alerts.testcases.standard import with_standard_cases
from generator.names import (
    MAX_FDS,
    MEMORY_LIMIT,
    MEMORY_USAGE,
    OPEN_FDS,
    RESIDENT_MEMORY,
    START_TIME,
    THREADS,
)
from generator.promql import number
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import BoundAlert, Rows
from generator.thresholds.units import Unit, format_duration

_MIB: Final = 2.0**20


def memory(thresholds: Thresholds) -> LeakingGauge:
    """Resident memory, up to the bound of AuditorHighMemory's highest severity."""
    worst, origins = _worst(thresholds, "high_memory")
    return LeakingGauge(
        metric=RESIDENT_MEMORY,
        family="memory",
        limit=number(worst),
        top=worst,
        base=GIB,
        swing=300 * _MIB,
        origins=origins,
    )


def _file_descriptors(_thresholds: Thresholds) -> LeakingGauge:
    """Open file descriptors, up to the limit of the process."""
    return LeakingGauge(
        metric=OPEN_FDS,
        family="saturation",
        limit=f"{MAX_FDS}{{}}",
        limits=(MAX_FDS,),
        top=1024,
        base=32,
        swing=60,
    )


def _threads(thresholds: Thresholds) -> LeakingGauge:
    """Threads, up to the bound of AuditorManyThreads' highest severity."""
    worst, origins = _worst(thresholds, "many_threads")
    return LeakingGauge(
        metric=THREADS,
        family="saturation",
        limit=number(worst),
        top=worst,
        base=8,
        swing=24,
        origins=origins,
    )


def _worst(thresholds: Thresholds, key: str) -> tuple[float, tuple[str, ...]]:
    """The bound of an alert's highest severity, and the paths it comes from."""
    worst = Context(thresholds).triggers(thresholds.alert(key, BoundAlert))[0]
    assert worst.bound  # noqa: S101  # as every severity of a BoundAlert
    return worst.bound.value, (f"alerts.{key}.{worst.severity}.fires_at", worst.bound.path)


def time_to_limit(thresholds: Thresholds, settings: LeakAlert) -> Recording:
    """Seconds until the growing workers of an instance reach their cgroup's memory limit."""
    w = format_duration(settings.window)
    return Recording(
        "memory",
        f"instance:auditor_memory:seconds_to_limit_deriv{w}",
        f"({MEMORY_LIMIT}{{}} - {MEMORY_USAGE}{{}})\n/\nsum by (job, instance) "
        f"({slope(memory(thresholds), settings).query} > 0)",
    )


@dataclass(frozen=True)
class _Leak:
    """What one of the alerts has of its own; its texts give the growth per `per`."""

    kind: Kind
    detects: Effect
    per: Per


_SLOW: Final = _Leak(kind=MEMORY, detects="slow memory growth", per="hour")
_FAST: Final = _Leak(kind=MEMORY, detects="fast memory growth", per="minute")
_FDS: Final = _Leak(kind=FILE_DESCRIPTORS, detects="file descriptors", per="hour")
_POOLS: Final = _Leak(kind=THREAD_KIND, detects="threads", per="hour")


@define(LeakAlert, Rows("memory", Unit.GROWTH))
def memory_leak(context: Context, settings: LeakAlert) -> Alert:
    return _leak(context, _SLOW, memory(context.thresholds), settings)


@define(LeakAlert, Rows("memory", Unit.GROWTH))
def fast_memory_leak(context: Context, settings: LeakAlert) -> Alert:
    return _leak(context, _FAST, memory(context.thresholds), settings)


@define(LeakAlert, Rows("worker.fd_growth"))
def file_descriptor_leak(context: Context, settings: LeakAlert) -> Alert:
    return _leak(context, _FDS, _file_descriptors(context.thresholds), settings)


@define(LeakAlert, Rows("worker.thread_growth"))
def thread_leak(context: Context, settings: LeakAlert) -> Alert:
    return _leak(context, _POOLS, _threads(context.thresholds), settings)


def _leak(context: Context, own: _Leak, leaking: LeakingGauge, settings: LeakAlert) -> Alert:
    context = context.for_window(settings.window)
    kind, window = own.kind, format_duration(settings.window)
    steep, left = slope(leaking, settings), seconds_to_limit(leaking, settings)
    limit = time_to_limit(context.thresholds, settings)
    texts = QueryTexts(kind, own.per, leaking, left, limit)
    amount = kind.amount.replace("RATE", texts.rate)
    cgroup = (limit,) if kind is MEMORY else ()
    alert = Alert(
        family=leaking.family,
        scope="worker",
        detects=own.detects,
        quantity=steep.query,
        triggers=context.triggers(
            settings,
            f"and on {SAME_WORKER} (time() - {START_TIME}{{}}) > {number(judged_from(settings))}",
        ),
        recordings=(envelope(leaking, settings), steep, left, *cgroup),
        summary=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} is leaking "
            f"{kind.noun}: {texts.rate} per {own.per}"
        ),
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} gained "
            f"{amount} per {own.per} over the last {window}; growth has been above BOUND for FOR"
            f"{texts.reached}{texts.cgroup if cgroup else ''}. Next: restart the workers one at a "
            "time before they reach a limit, and check on the system dashboard what else is "
            f"growing: {kind.compare}."
        ),
        panel=Panel(
            "system", kind.section, f"{kind.title} over {window}", "{{instance}} worker {{worker}}"
        ),
        origins=leaking.origins,
    )
    growth = Growth(context, leaking, settings, texts.rate_results, texts.after)
    with_limit = (_with_limit(growth, alert, texts),) if cgroup else ()
    return with_standard_cases(
        alert,
        growth.inputs(),
        *negative_cases(growth),
        *with_limit,
        over_time(growth, limit if cgroup else None),
    )


def _with_limit(growth: Growth, alert: Alert, texts: QueryTexts) -> Case:
    """The text says when the workers reach their cgroup's limit."""
    context, inputs = growth.context, growth.inputs()
    clock, trigger = context.clock, alert.triggers[0]
    value = 2 * alert.bound(trigger)
    at = clock.tick(inputs.time_to_fire(value, 0) + trigger.for_) + clock.interval
    length = [Phase(at + clock.interval, value)]
    cgroup = context.workers(HERE)
    left = 7200.0
    query_results = {**inputs.query_results(value, at), texts.cgroup: f"{CGROUP}2h 0m 0s"}
    firing = tuple(
        ExpectedAlert(each.severity, value, context.worker(HERE), query_results)
        for each in alert.triggers
    )
    return Case(
        "with a known cgroup limit",
        (
            *inputs.series(HERE, length),
            Series(MEMORY_USAGE, cgroup, gauge(clock, length, lambda _value: 2 * GIB)),
            Series(
                MEMORY_LIMIT,
                cgroup,
                gauge(clock, length, lambda value: 2 * GIB + left * value),
            ),
        ),
        (AlertTest(at, firing),),
    )
