"""Workers that leak: memory, at a slow and a fast pace, descriptors, threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from generator.alerts import remedies
from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.leak_texts import (
    CGROUP,
    DESCRIPTORS,
    MEMORY,
    THREAD_KIND,
    Kind,
    Per,
    QueryTexts,
)
from generator.alerts.families.memory import GIB, SAME_WORKER
from generator.alerts.leak_recordings import (
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
    Cause,
    Effect,
    ExpectedAlert,
    Panel,
    Query,
    Recording,
    Runbook,
    Series,
)
from generator.alerts.testcases.inputs import HERE
from generator.alerts.testcases.leaks import Growth, negative_cases, over_time
from generator.alerts.testcases.series import Phase, gauge, selector
from generator.alerts.testcases.standard import with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import (
    DB_CONNECTIONS,
    MAX_FDS,
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
from generator.thresholds.levels import Unit
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import BoundAlert, LeakAlert, Rows
from generator.thresholds.units import format_duration

_MIB: Final = 2.0**20


def memory(thresholds: Thresholds) -> LeakingGauge:
    """Resident memory, up to where AuditorHighMemory is worst."""
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


def _descriptors(_thresholds: Thresholds) -> LeakingGauge:
    """Up to what the process may open."""
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
    """Up to where AuditorManyThreads is worst."""
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
    """The bound of an alert's worst severity, and the paths it comes from."""
    settings: BoundAlert = getattr(thresholds.alerts, key)
    worst = triggers(thresholds, settings)[0]
    assert worst.bound  # noqa: S101  # as every severity of a BoundAlert
    return worst.bound.value, (f"alerts.{key}.{worst.severity}.fires_at", worst.bound.path)


def time_to_limit(thresholds: Thresholds, settings: LeakAlert) -> Recording:
    """Seconds until the growing workers of an instance reach the limit of their cgroup."""
    w = format_duration(settings.window)
    return Recording(
        "memory",
        f"instance:auditor_memory:seconds_to_limit_deriv{w}",
        f"({MEMORY_LIMIT}{{}} - {MEMORY_USAGE}{{}})\n/\nsum by (job, instance) "
        f"({slope(memory(thresholds), settings).query} > 0)",
    )


@dataclass(frozen=True)
class _Leak:
    """What one of the alerts has of its own; its pace is told per `per`."""

    key: str
    kind: Kind
    detects: Effect
    per: Per
    summary: str
    impact: str
    first: str
    causes: tuple[Cause, ...]
    escalate: str


_SLOW: Final = _Leak(
    key="memory_leak",
    kind=MEMORY,
    detects="slow memory growth",
    per="hour",
    summary="A worker's memory has grown steadily for hours.",
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
_FAST: Final = _Leak(
    key="fast_memory_leak",
    kind=MEMORY,
    detects="fast memory growth",
    per="minute",
    summary="A worker's memory grows so fast that it reaches its limit within hours.",
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


_FDS: Final = _Leak(
    key="file_descriptor_leak",
    kind=DESCRIPTORS,
    detects="file descriptors",
    per="hour",
    summary="A worker has opened more and more files or connections for hours.",
    impact="Nobody yet. At the limit the worker can neither accept a connection nor open a file.",
    first=(
        "Read in the alert when the limit is reached. Beyond the morning: a ticket, and nothing "
        "more tonight."
    ),
    causes=(
        Cause(
            "Connections or files are not closed",
            "Count by kind what the worker has open, now and an hour later: sockets of the "
            "database, of clients, or files. Every use of a session or a file belongs in a context "
            "manager (`async with database.session() as session:`).",
            commands=(
                "# pid: label of auditor_worker_info",
                (
                    "ls -l \"/proc/$pid/fd\" | awk 'NR > 1 { print $NF }' | sed 's/[0-9]*//g' | "
                    "sort | uniq -c | sort -rn | head"
                ),
            ),
        ),
        remedies.LEAKED_CONNECTIONS,
        Cause(
            "Clients keep connections open that they no longer use",
            "The number of clients stands still while connections grow. Let the service close them "
            "sooner.",
            settings=("KEEP_ALIVE=5",),
        ),
    ),
    escalate="A ticket for the developers, with the kinds that grow.",
)
_POOLS: Final = _Leak(
    key="thread_leak",
    kind=THREAD_KIND,
    detects="threads",
    per="hour",
    summary="A worker has started more and more threads for hours.",
    impact="Nobody yet; each thread keeps memory, and many busy ones slow each other down.",
    first="Nothing at night, unless memory grows along: then follow AuditorMemoryLeak.",
    causes=(
        remedies.ENDLESS_THREADS,
        Cause(
            "Requests hang, each in a thread of its own",
            "Connections grow along: something that a request waits for does not answer, and has "
            "no time limit. The threads' stacks name it.",
            commands=('py-spy dump --pid "$pid"  # pid: label of auditor_worker_info',),
        ),
    ),
    escalate="A ticket for the developers, with the names of the threads that grow.",
)


@define(LeakAlert, Rows("memory", Unit.GROWTH))
def memory_leak(context: Context, settings: LeakAlert) -> Alert:
    return _leak(context, _SLOW, memory(context.thresholds), settings)


@define(LeakAlert, Rows("memory", Unit.GROWTH))
def fast_memory_leak(context: Context, settings: LeakAlert) -> Alert:
    return _leak(context, _FAST, memory(context.thresholds), settings)


@define(LeakAlert, Rows("worker.fd_growth"))
def file_descriptor_leak(context: Context, settings: LeakAlert) -> Alert:
    return _leak(context, _FDS, _descriptors(context.thresholds), settings)


@define(LeakAlert, Rows("worker.thread_growth"))
def thread_leak(context: Context, settings: LeakAlert) -> Alert:
    return _leak(context, _POOLS, _threads(context.thresholds), settings)


def _leak(context: Context, own: _Leak, leaking: LeakingGauge, settings: LeakAlert) -> Alert:
    context = context.for_window(settings.window)
    kind, window = own.kind, format_duration(settings.window)
    steep, left = slope(leaking, settings), seconds_to_limit(leaking, settings)
    limit = time_to_limit(context.thresholds, settings)
    texts = QueryTexts(kind, own.per, leaking, left, limit)
    amount = kind.amount.replace("PACE", texts.pace)
    cgroup = (limit,) if kind is MEMORY else ()
    alert = Alert(
        key=own.key,
        family=leaking.family,
        scope="worker",
        detects=own.detects,
        quantity=steep.query,
        op=">",
        unit=Unit.GROWTH if kind is MEMORY else Unit.PACE,
        triggers=triggers(
            context.thresholds,
            settings,
            f"and on {SAME_WORKER} (time() - {START_TIME}{{}}) > {number(judged_from(settings))}",
        ),
        keep_firing_for=settings.keep_firing_for,
        recordings=(envelope(leaking, settings), steep, left, *cgroup),
        summary=(
            f"Worker {{{{ $labels.worker }}}} of {{{{ $labels.instance }}}} gains {amount} per "
            f"{own.per}"
        ),
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} gained "
            f"{amount} per {own.per} over the last {window}, more than BOUND{texts.reached}"
            f"{texts.cgroup if cgroup else ''}. Next: restart the worker in time, one at a time, "
            f"and see on the system dashboard what grows along: {kind.along}."
        ),
        panel=Panel(
            "system",
            kind.section,
            f"{kind.title} over {window}",
            "{{instance}} worker {{worker}}",
        ),
        runbook=_runbook(own, settings, (left, *cgroup)),
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


def _runbook(own: _Leak, settings: LeakAlert, limits: Sequence[Recording]) -> Runbook:
    kind, window = own.kind, format_duration(settings.window)
    return Runbook(
        summary=own.summary,
        first=(
            own.first,
            (
                f"Note what grows along: {kind.along}. That is what the developers need, and it "
                "is gone after a restart."
            ),
            (
                "Restart the worker: take `pid` from the query below and send it SIGTERM; it ends "
                "its request, and its supervisor starts another one. One worker at a time. With a "
                "single worker restart the service."
            ),
        ),
        meaning=(
            f"The lowest value of each {format_duration(settings.envelope)} rose over {window}, by "
            f"a straight line fitted through it, faster than the bound. The lowest value hides "
            f"{kind.masks}, and a worker is judged only once window and envelope lie past its "
            "warm-up, so what it loads or opens once is no leak. It does not say that the growth "
            "has no end: a cache or a pool that fills slowly looks the same."
        ),
        impact=own.impact,
        queries=(
            Query("Process id of each worker", f"{WORKER_INFO}{{}}"),
            *(Query("Seconds until the limit at this pace", each.query) for each in limits),
            Query("Resident memory", f"{RESIDENT_MEMORY}{{}}"),
            Query("Threads", f"{THREADS}{{}}"),
            Query("Open descriptors", f"{OPEN_FDS}{{}}"),
            Query("Database connections", f"{DB_CONNECTIONS}{{}}"),
            Query("Requests a second", f"sum by (instance) (rate({REQUESTS}{{}}[{window}]))"),
        ),
        causes=own.causes,
        escalate=own.escalate,
    )


def _with_limit(growth: Growth, alert: Alert, texts: QueryTexts) -> Case:
    """The text says when the limit of the cgroup is reached."""
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
        "a limit of the cgroup is known",
        (
            *inputs.series(HERE, length),
            Series(selector(MEMORY_USAGE, cgroup), gauge(clock, length, lambda _value: 2 * GIB)),
            Series(
                selector(MEMORY_LIMIT, cgroup),
                gauge(clock, length, lambda value: 2 * GIB + left * value),
            ),
        ),
        (AlertTest(at, firing),),
    )
