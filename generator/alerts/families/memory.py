"""Memory of the workers: resident size, size at startup, and usage of the cgroup's limit."""

from __future__ import annotations

from typing import Final

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Case, Panel, Recording, Series, silent
from generator.alerts.testcases.expectations import exactly
from generator.alerts.testcases.inputs import HERE, InputGenerator, gauge_inputs, thousandfold
from generator.alerts.testcases.series import Phase, gauge
from generator.alerts.testcases.standard import with_standard_cases
from generator.names import MEMORY_LIMIT, MEMORY_USAGE, RESIDENT_MEMORY, START_TIME
from generator.promql import number
from generator.thresholds.fields import PositiveSeconds, doc
from generator.thresholds.settings import BoundAlert, Rows
from generator.thresholds.units import Unit, format_duration

GIB: Final = 2.0**30
SAME_WORKER: Final = "(job, instance, worker)"


@define(BoundAlert, Rows("memory", Unit.BYTES))
def high_memory(context: Context, settings: BoundAlert) -> Alert:
    alert = Alert(
        family="memory",
        scope="worker",
        detects="memory in use",
        quantity=f"{RESIDENT_MEMORY}{{}}",
        triggers=context.triggers(settings),
        summary="WORKER is using VALUE of memory",
        description=(
            "WORKER has used more than BOUND of memory for FOR (now VALUE). Next: check on the "
            "system dashboard whether it is still growing; if so, restart the worker; if not, use "
            "smaller models or fewer workers."
        ),
        panel=Panel("system", "Memory", "Resident memory"),
    )
    return with_standard_cases(
        alert, gauge_inputs(context, {RESIDENT_MEMORY: float}, context.worker, healthy=GIB / 2)
    )


class InitialAlert(BoundAlert):
    window: PositiveSeconds = doc(
        "Age of a worker up to which its minimum counts as its initial memory."
    )


@define(InitialAlert, Rows("memory", Unit.BYTES))
def high_initial_memory(context: Context, settings: InitialAlert) -> Alert:
    window = format_duration(settings.window)
    guard = f"and on {SAME_WORKER} (time() - {START_TIME}{{}}) < {number(settings.window)}"
    # A name of its own keeps out the samples of the previous process in the same slot.
    young = Recording(
        "memory", f"worker:{RESIDENT_MEMORY}:first{window}", f"{RESIDENT_MEMORY}{{}}\n{guard}"
    )
    lowest = Recording("memory", f"{young.name}_min", f"min_over_time({young.query}[{window}])")
    alert = Alert(
        family="memory",
        scope="worker",
        detects="memory before the first request",
        quantity=lowest.query,
        triggers=context.triggers(settings, guard),
        recordings=(young, lowest),
        summary="WORKER starts up with VALUE of memory",
        description=(
            "WORKER has used at least VALUE of memory since it started, more than BOUND. Next: "
            "check what the release imports or loads at startup."
        ),
        panel=Panel("system", "Memory", f"Minimum memory in the first {window}"),
    )
    levels = {RESIDENT_MEMORY: float, START_TIME: lambda _value: 0.0}
    inputs = gauge_inputs(context, levels, context.worker, healthy=GIB / 8)
    clock, here = context.clock, context.worker(HERE)
    length = clock.tick(2 * settings.window)
    samples = length // clock.interval
    return with_standard_cases(
        alert,
        inputs,
        Case(
            "models are loaded after startup",
            (
                Series(START_TIME, here, f"0x{samples}"),
                Series(RESIDENT_MEMORY, here, f"1.1e8x3 {number(2 * GIB)}x{samples}"),
            ),
            silent(*(clock.tick(length * part / 8) for part in range(1, 8))),
        ),
        _heavy_start(context, alert, inputs, settings),
        _heavy_release(context, alert, settings),
        _first_minutes(context, settings, lowest),
    )


def _first_minutes(context: Context, settings: InitialAlert, lowest: Recording) -> Case:
    """Only samples from a worker's first minutes count, and they count for one window.

    Within its first minutes, the first worker uses least at their end and the second at their
    start; later, the first one uses even less.
    """
    clock = context.clock
    window, rest = clock.tick(settings.window), 2 * clock.tick(settings.window)
    i, early = clock.interval, clock.tick(settings.window / 4)
    histories = (
        [Phase(window - i, 4.0), Phase(i, 2.0), Phase(rest, 1.0)],
        [Phase(early, 1.0), Phase(rest + window, 4.0)],
    )
    workers = [context.worker(HERE, number) for number in "01"]
    used = [
        Series(RESIDENT_MEMORY, labels, gauge(clock, phases, lambda value: value * GIB))
        for labels, phases in zip(workers, histories, strict=True)
    ]
    started = [Series(START_TIME, labels, f"0x{(rest + window) // i}") for labels in workers]
    return Case(
        "the minimum of the first minutes only",
        (*used, *started),
        expr_tests=(
            exactly(window - i, lowest, workers[0], 2 * GIB),
            exactly(window + i, lowest, workers[0], 2 * GIB),
            exactly(clock.tick(1.5 * settings.window), lowest, workers[1], 4 * GIB),
        ),
    )


def _heavy_start(
    context: Context, alert: Alert, inputs: InputGenerator, settings: InitialAlert
) -> Case:
    """Too much memory from the start: the alert fires while the worker is young, not for ever."""
    i, value = context.clock.interval, 2 * alert.bound(alert.triggers[0])
    grown = context.clock.tick(settings.window)
    gone = grown + context.clock.tick(settings.keep_firing_for)
    firing = (alert.firing(at, value, context.worker(HERE)) for at in (grown - i, gone - i))
    return Case(
        "too much memory at startup, until the worker is past its first minutes",
        inputs.series(HERE, [Phase(gone + i, value)]),
        (*firing, *silent(gone)),
    )


def _heavy_release(context: Context, alert: Alert, settings: InitialAlert) -> Case:
    """The previous process in the same slot used less memory."""
    clock, bound, here = context.clock, alert.bound(alert.triggers[-1]), context.worker(HERE)
    value = 2 * alert.bound(alert.triggers[0])
    before = clock.tick(2 * settings.window)
    phases = [Phase(before, 0.5 * bound), Phase(before, value)]
    start_times = [Phase(before, -before), Phase(before, before)]
    fires = before + clock.tick(alert.longest_for)
    return Case(
        "a release that uses more memory replaces one that uses less",
        (
            Series(RESIDENT_MEMORY, here, gauge(clock, phases, float)),
            Series(START_TIME, here, gauge(clock, start_times, float)),
        ),
        (*silent(before - clock.interval), alert.firing(fires, value, here)),
    )


@define(BoundAlert, Rows("memory.cgroup"))
def memory_near_limit(context: Context, settings: BoundAlert) -> Alert:
    used = Recording(
        "memory",
        "instance:auditor_memory:usage_ratio",
        f"{MEMORY_USAGE}{{}} / {MEMORY_LIMIT}{{}}",
        has_gaps=True,
    )
    alert = Alert(
        family="memory",
        detects="memory near the container's limit",
        quantity=used.query,
        triggers=context.triggers(settings),
        recordings=(used,),
        summary="The workers on INSTANCE are using VALUE of their memory limit",
        description=(
            "The workers on INSTANCE have used more than BOUND of their cgroup's memory limit for "
            "FOR (now VALUE); at the limit, the kernel kills one of them. Next: restart the "
            "largest worker, then raise the limit or lower WORKER_COUNT."
        ),
        panel=Panel("system", "Memory", "Cgroup memory usage"),
        inhibits=("high_memory",),
    )
    levels = {
        MEMORY_USAGE: lambda value: thousandfold(value) * 2**20,
        MEMORY_LIMIT: lambda _value: 1000.0 * 2**20,
    }
    return with_standard_cases(alert, gauge_inputs(context, levels, context.workers, healthy=0.5))
