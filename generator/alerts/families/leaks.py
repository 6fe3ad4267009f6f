"""Leaks of a worker: memory, slow and fast, file descriptors and threads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.memory import GIB, SAME_WORKER
from generator.alerts.leak_recordings import (
    LeakAlert,
    LeakingGauge,
    envelope,
    judged_from,
    seconds_to_limit,
    slope,
)
from generator.alerts.model import Alert, Case, Effect, Panel, Recording, Series
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
from generator.texts import humanize, humanize1024
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import BoundAlert, Rows
from generator.thresholds.units import Unit, format_duration, format_value, spoken

_MIB: Final = 2.0**20
_SECONDS: Final = {"hour": 3600, "minute": 60}
_CGROUP: Final = "; the workers reach their cgroup's memory limit in "

Per = Literal["hour", "minute"]


def memory(thresholds: Thresholds) -> LeakingGauge:
    """Resident memory, up to the bound of AuditorHighMemory's highest severity."""
    worst, origins = _worst(thresholds, "high_memory")
    return LeakingGauge(
        metric=RESIDENT_MEMORY,
        family="memory",
        section="Memory",
        noun="memory",
        limit=number(worst),
        spoken_limit=format_value(worst, Unit.BYTES),
        compare="threads, file descriptors, database connections or just the request rate",
        top=worst,
        base=GIB,
        swing=300 * _MIB,
        origins=origins,
    )


def _file_descriptors() -> LeakingGauge:
    """Open file descriptors, up to the limit of the process."""
    return LeakingGauge(
        metric=OPEN_FDS,
        family="saturation",
        section="File descriptors and threads",
        noun="file descriptors",
        limit=f"{MAX_FDS}{{}}",
        spoken_limit="its limit",
        compare="clients, database connections, threads or just the request rate",
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
        section="File descriptors and threads",
        noun="threads",
        limit=number(worst),
        spoken_limit=number(worst),
        compare="memory, file descriptors or just the request rate",
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


@define(LeakAlert, Rows("memory", Unit.GROWTH))
def memory_leak(context: Context, settings: LeakAlert) -> Alert:
    return _leak(context, settings, memory(context.thresholds), "slow memory growth")


@define(LeakAlert, Rows("memory", Unit.GROWTH))
def fast_memory_leak(context: Context, settings: LeakAlert) -> Alert:
    alert = _leak(context, settings, memory(context.thresholds), "fast memory growth", "minute")
    return replace(alert, inhibits=("memory_leak", "high_memory"))


@define(LeakAlert, Rows("worker.fd_growth"))
def file_descriptor_leak(context: Context, settings: LeakAlert) -> Alert:
    return _leak(context, settings, _file_descriptors(), "file descriptors")


@define(LeakAlert, Rows("worker.thread_growth"))
def thread_leak(context: Context, settings: LeakAlert) -> Alert:
    return _leak(context, settings, _threads(context.thresholds), "threads")


def _found(query: str, before: str, shown: str = "humanizeDuration }}") -> str:
    """What a query finds, with the text before it; nothing if it finds nothing."""
    value = f"{before}{{{{ . | first | value | {shown}"
    return f"{{{{ with printf {query} | query }}}}{value}{{{{ end }}}}"


@dataclass(frozen=True)
class _QueryTexts:
    """The parts of an alert's texts that are queries: the rate, and when limits are reached."""

    leaking: LeakingGauge
    per: Per
    left: Recording
    cgroup_left: Recording
    lookback: str

    @property
    def rate(self) -> str:
        shown = "humanize1024 }}B" if self.leaking.is_memory else "humanize }}"
        return _found(f'"{_SECONDS[self.per]} * %.9f" $value', "", shown)

    @property
    def reached(self) -> str:
        query = f'"round({self._last(self.left, "instance=%q,worker=%q")}, 60)"'
        return _found(f"{query} $labels.instance $labels.worker", self._reaches)

    @property
    def cgroup(self) -> str:
        query = f'"round({self._last(self.cgroup_left, "instance=%q")}, 60)"'
        return _found(f"{query} $labels.instance", _CGROUP)

    def _last(self, recording: Recording, matchers: str) -> str:
        return f"last_over_time({recording.name}{{{matchers}}}[{self.lookback}])"

    @property
    def _reaches(self) -> str:
        return f"; at this rate it reaches {self.leaking.spoken_limit} in "

    def results(self, value: float, left: str, cgroup: str) -> dict[str, str]:
        """What the queries find; a time is empty if the worker never reaches that limit."""
        total = _SECONDS[self.per] * float(f"{value:.9f}")
        return {
            self.rate: f"{humanize1024(total)}B" if self.leaking.is_memory else humanize(total),
            self.reached: f"{self._reaches}{left}" if left else "",
            self.cgroup: f"{_CGROUP}{cgroup}" if cgroup else "",
        }


def _leak(
    context: Context, settings: LeakAlert, leaking: LeakingGauge, detects: Effect, per: Per = "hour"
) -> Alert:
    """An alert on a leak; its texts give the growth per `per`."""
    context = context.for_window(settings.window)
    window = format_duration(settings.window)
    steep, left = slope(leaking, settings), seconds_to_limit(leaking, settings)
    limit = time_to_limit(context.thresholds, settings)
    lookback = format_duration(context.thresholds.service.lookback)
    texts = _QueryTexts(leaking, per, left, limit, lookback)
    of = " of" if leaking.is_memory else ""
    old = f"and on {SAME_WORKER} (time() - {START_TIME}{{}}) > {number(judged_from(settings))}"
    alert = Alert(
        family=leaking.family,
        scope="worker",
        detects=detects,
        quantity=steep.query,
        triggers=context.triggers(settings, old),
        recordings=(
            envelope(leaking, settings),
            steep,
            left,
            *((limit,) if leaking.is_memory else ()),
        ),
        summary=f"WORKER is leaking {leaking.noun}: {texts.rate} per {per}",
        description=(
            f"WORKER gained {texts.rate}{of} {leaking.noun} per {per} over the last "
            f"{spoken(window)}; growth has been above BOUND for FOR{texts.reached}"
            f"{texts.cgroup if leaking.is_memory else ''}. Next: restart the workers one at a time "
            "before they reach a limit, and check on the system dashboard what else is growing: "
            f"{leaking.compare}."
        ),
        panel=Panel(
            "system",
            leaking.section,
            f"{leaking.noun.removesuffix('s').capitalize()} growth over {window}",
        ),
        origins=leaking.origins,
    )
    growth = Growth(context, leaking, settings, texts.results)
    return with_standard_cases(
        alert,
        growth.inputs(),
        *negative_cases(growth),
        *((_with_limit(growth, alert),) if leaking.is_memory else ()),
        over_time(growth, limit if leaking.is_memory else None),
    )


def _with_limit(growth: Growth, alert: Alert) -> Case:
    """The text says when the workers reach their cgroup's limit."""
    context, inputs, clock = growth.context, growth.inputs(), growth.context.clock
    value = 2 * alert.bound(alert.triggers[0])
    at = clock.tick(inputs.delay + alert.longest_for) + clock.interval
    phases = [Phase(at + clock.interval, value)]
    cgroup, left = context.workers(HERE), 7200.0
    results = growth.results(value, growth.left(value, at), "2h 0m 0s")
    limit = gauge(clock, phases, lambda value: 2 * GIB + left * value)
    return Case(
        "with a known cgroup limit",
        (
            *inputs.series(HERE, phases),
            Series(MEMORY_USAGE, cgroup, gauge(clock, phases, lambda _value: 2 * GIB)),
            Series(MEMORY_LIMIT, cgroup, limit),
        ),
        (alert.firing(at, value, context.worker(HERE), results),),
    )
