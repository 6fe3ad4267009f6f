"""Resident memory of the workers: its size, and the limit of their cgroup."""

from __future__ import annotations

from typing import Final

from generator.alerts import remedies
from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import (
    Alert,
    AlertTest,
    Case,
    Cause,
    ExpectedAlert,
    Panel,
    Query,
    Recording,
    Runbook,
    Series,
)
from generator.alerts.testcases.expectations import exactly
from generator.alerts.testcases.inputs import HERE, gauge_inputs, thousandfold
from generator.alerts.testcases.series import Phase, gauge, selector
from generator.alerts.testcases.standard import with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import (
    MEMORY_LIMIT,
    MEMORY_USAGE,
    RESIDENT_MEMORY,
    START_TIME,
    THREADS,
    WORKER_INFO,
    WORKER_STARTS,
)
from generator.promql import number
from generator.thresholds.levels import Unit
from generator.thresholds.settings import BoundAlert, InitialAlert, Rows
from generator.thresholds.units import format_duration

GIB: Final = 2.0**30
SAME_WORKER: Final = "(job, instance, worker)"


@define(BoundAlert, Rows("memory", Unit.BYTES))
def high_memory(context: Context, settings: BoundAlert) -> Alert:
    alert = Alert(
        key="high_memory",
        family="memory",
        scope="worker",
        detects="memory in use",
        quantity=f"{RESIDENT_MEMORY}{{}}",
        op=">",
        unit=Unit.BYTES,
        triggers=triggers(context.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        summary=(
            "Worker {{ $labels.worker }} of {{ $labels.instance }} holds "
            "{{ $value | humanize1024 }}B"
        ),
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} has held "
            "{{ $value | humanize1024 }}B of memory for FOR, more than BOUND. Next: see on the "
            "system dashboard whether it still grows; if so restart it, if not use smaller models "
            "or fewer workers."
        ),
        panel=Panel("system", "Memory", "Resident memory", "{{instance}} worker {{worker}}"),
        runbook=Runbook(
            summary="A worker holds more memory than it should need.",
            first=(
                "See on the panel whether the memory still grows or stands still.",
                (
                    "It grows: restart the worker (SIGTERM to its `pid`, query below), then follow "
                    "AuditorMemoryLeak."
                ),
                (
                    "It stands still: see how much the container has left. Enough: a ticket. Not "
                    "enough: fewer workers or smaller models, before the kernel decides."
                ),
            ),
            meaning=(
                "The resident memory of one worker process has been above the bound for the whole "
                "time. Pages that workers share count in each of them, so the sum over the workers "
                "exceeds what the container uses. It does not say that the memory grows, nor that "
                "a limit is near."
            ),
            impact=(
                "Nobody yet; the machine or the container may have no room for the other workers' "
                "peaks."
            ),
            queries=(
                Query("Process id of each worker", f"{WORKER_INFO}{{}}"),
                Query(
                    "Memory of the container and its limit",
                    f"{MEMORY_USAGE}{{}} or {MEMORY_LIMIT}{{}}",
                ),
                Query("Age of each worker, in seconds", f"time() - {START_TIME}{{}}"),
                Query("Threads", f"{THREADS}{{}}"),
            ),
            causes=(
                remedies.KEPT_ANSWERS,
                Cause(
                    "The models are large",
                    "Every worker loads its own copy with its first request, and all workers of "
                    "the instance show the same size. Take smaller models.",
                    settings=(
                        "SPACY_MODEL=de_core_news_md  # instead of de_core_news_lg",
                        "EMBEDDING_MODEL=paraphrase-multilingual-MiniLM-L12-v2",
                    ),
                ),
                remedies.STATISTICS_CALLS,
                remedies.HEAVY_REQUESTS,
                remedies.UNBOUNDED_CACHE,
            ),
            escalate=(
                "Critical: to the developers at once if a restarted worker is back above the bound "
                "within the hour. Otherwise a ticket."
            ),
        ),
    )
    return with_standard_cases(
        alert, gauge_inputs(context, {RESIDENT_MEMORY: float}, context.worker, healthy=GIB / 2)
    )


@define(InitialAlert, Rows("memory", Unit.BYTES))
def high_initial_memory(context: Context, settings: InitialAlert) -> Alert:
    window = format_duration(settings.window)
    guard = f"and on {SAME_WORKER} (time() - {START_TIME}{{}}) < {number(settings.window)}"
    # Apart from what the process before it held in the same slot.
    young = Recording(
        "memory", f"worker:{RESIDENT_MEMORY}:first{window}", f"{RESIDENT_MEMORY}{{}}\n{guard}"
    )
    lowest = Recording("memory", f"{young.name}_min", f"min_over_time({young.query}[{window}])")
    alert = Alert(
        key="high_initial_memory",
        family="memory",
        scope="worker",
        detects="memory before the first request",
        quantity=lowest.query,
        op=">",
        unit=Unit.BYTES,
        triggers=triggers(context.thresholds, settings, guard),
        keep_firing_for=settings.keep_firing_for,
        recordings=(young, lowest),
        summary=(
            "Worker {{ $labels.worker }} of {{ $labels.instance }} starts with "
            "{{ $value | humanize1024 }}B"
        ),
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} held "
            "{{ $value | humanize1024 }}B before it had worked, more than BOUND. Next: look what "
            "the release imports or loads at its start."
        ),
        panel=Panel(
            "system",
            "Memory",
            f"Lowest memory in the first {window}",
            "{{instance}} worker {{worker}}",
        ),
        runbook=Runbook(
            summary="A worker needs much memory before it has done any work.",
            first=(
                "Nothing at night.",
                (
                    "By day compare with the release before: which import or which model is loaded "
                    "at the start now?"
                ),
            ),
            meaning=(
                "The lowest resident memory of a worker in its first minutes was above the bound. "
                "A worker loads its models with its first request, so its lowest value is what the "
                "code alone needs, unless requests came before the first scrape. It does not say "
                "that the worker leaks."
            ),
            impact="Nobody; restarts take longer, and fewer workers fit into the container.",
            queries=(
                Query("Age of each worker, in seconds", f"time() - {START_TIME}{{}}"),
                Query("Resident memory", f"{RESIDENT_MEMORY}{{}}"),
            ),
            causes=(
                Cause(
                    "A request came before the first scrape",
                    "Under load the models are loaded within seconds of the start. Then the value "
                    "is that of a warm worker and says nothing.",
                ),
                Cause(
                    "The release imports or loads more at its start",
                    "Measure the imports; the longest of them come last.",
                    commands=(
                        (
                            "docker compose exec -T auditor-api python -X importtime -c 'import "
                            "auditor.api.server' 2>&1 | sort -t '|' -k 2 -n | tail -n 20"
                        ),
                    ),
                ),
            ),
            escalate="Not at night. A ticket for the developers of the release.",
        ),
    )
    inputs = gauge_inputs(
        context,
        {RESIDENT_MEMORY: float, START_TIME: lambda _value: 0.0},
        context.worker,
        healthy=GIB / 8,
    )
    clock = context.clock
    length = clock.tick(2 * settings.window)
    born = Series(selector(START_TIME, context.worker(HERE)), f"0x{length // clock.interval}")
    models = Series(
        selector(RESIDENT_MEMORY, context.worker(HERE)),
        f"1.1e8x3 {number(2 * GIB)}x{length // clock.interval}",
    )
    return with_standard_cases(
        alert,
        inputs,
        Case(
            "models load after the start",
            (born, models),
            tuple(AlertTest(clock.tick(length * part / 8), ()) for part in range(1, 8)),
        ),
        _heavy_start(context, alert, settings),
        _heavy_release(context, alert, settings),
        _first_minutes(context, settings, lowest),
    )


def _first_minutes(context: Context, settings: InitialAlert, lowest: Recording) -> Case:
    """What counts is the window's age and no more, and it counts for as long.

    The first worker has least at the end of its first minutes, but for what comes after them; the
    second at its start.
    """
    clock = context.clock
    window, rest = clock.tick(settings.window), 2 * clock.tick(settings.window)
    i, early = clock.interval, clock.tick(settings.window / 4)
    histories = (
        [Phase(window - i, 4.0), Phase(i, 2.0), Phase(rest, 1.0)],
        [Phase(early, 1.0), Phase(rest + window, 4.0)],
    )
    workers = [{**context.workers(HERE), "worker": str(index)} for index, _ in enumerate(histories)]
    series = [
        Series(selector(RESIDENT_MEMORY, labels), gauge(clock, phases, lambda value: value * GIB))
        for labels, phases in zip(workers, histories, strict=True)
    ]
    series += [
        Series(selector(START_TIME, labels), f"0x{(rest + window) // i}") for labels in workers
    ]
    last, later = window - i, clock.tick(1.5 * settings.window)
    return Case(
        "the lowest value of the first minutes, and of no others",
        tuple(series),
        expr_tests=(
            exactly(last, lowest, workers[0], 2 * GIB),
            exactly(window + i, lowest, workers[0], 2 * GIB),
            exactly(later, lowest, workers[1], 4 * GIB),
        ),
    )


def _heavy_start(context: Context, alert: Alert, settings: InitialAlert) -> Case:
    """Too much memory from the start on: said while the worker is young, not for ever."""
    clock, value = context.clock, 2 * alert.bound(alert.triggers[0])
    grown = clock.tick(settings.window)
    gone = grown + clock.tick(settings.keep_firing_for)
    time_series = [Phase(gone + clock.interval, value)]
    inputs = gauge_inputs(
        context,
        {RESIDENT_MEMORY: float, START_TIME: lambda _value: 0.0},
        context.worker,
        healthy=0.0,
    )
    firing = tuple(
        ExpectedAlert(trigger.severity, value, context.worker(HERE), {})
        for trigger in alert.triggers
    )
    return Case(
        "a heavy worker grows older",
        tuple(inputs.series(HERE, time_series)),
        (
            AlertTest(grown - clock.interval, firing),
            AlertTest(gone - clock.interval, firing),
            AlertTest(gone, ()),
        ),
    )


def _heavy_release(context: Context, alert: Alert, settings: InitialAlert) -> Case:
    """The process before it in the same slot was light."""
    clock, bound = context.clock, alert.bound(alert.triggers[-1])
    value = 2 * alert.bound(alert.triggers[0])
    before = clock.tick(2 * settings.window)
    phases = [Phase(before, 0.5 * bound), Phase(before, value)]
    start_times = [Phase(before, -before), Phase(before, before)]
    firing = tuple(
        ExpectedAlert(trigger.severity, value, context.worker(HERE), {})
        for trigger in alert.triggers
    )
    wait = clock.tick(max(trigger.for_ for trigger in alert.triggers))
    return Case(
        "a heavy release follows a light one",
        (
            Series(selector(RESIDENT_MEMORY, context.worker(HERE)), gauge(clock, phases, float)),
            Series(selector(START_TIME, context.worker(HERE)), gauge(clock, start_times, float)),
        ),
        (AlertTest(before - clock.interval, ()), AlertTest(before + wait, firing)),
    )


@define(BoundAlert, Rows("memory.cgroup"))
def memory_near_limit(context: Context, settings: BoundAlert) -> Alert:
    used = Recording(
        "memory", "instance:auditor_memory:usage_ratio", f"{MEMORY_USAGE}{{}} / {MEMORY_LIMIT}{{}}"
    )
    alert = Alert(
        key="memory_near_limit",
        family="memory",
        scope="instance",
        detects="memory near the container's limit",
        quantity=used.query,
        op=">",
        unit=Unit.RATIO,
        triggers=triggers(context.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        recordings=(used,),
        summary=(
            "Memory of {{ $labels.instance }} is at {{ $value | humanizePercentage }} of its limit"
        ),
        description=(
            "The workers on {{ $labels.instance }} use {{ $value | humanizePercentage }} of their "
            "cgroup's memory limit, more than BOUND; at the limit the kernel kills one of them. "
            "Next: restart the largest worker, then raise the limit or lower WORKER_COUNT."
        ),
        panel=Panel("system", "Memory", "Memory used of the cgroup's limit", "{{instance}}"),
        runbook=Runbook(
            summary="The workers together are about to reach the memory limit of their container.",
            first=(
                (
                    "Find the largest worker (query below) and restart it: SIGTERM to its `pid`. "
                    "One at a time."
                ),
                "Memory is back at once if one worker leaks. If all are alike, raise the limit.",
                (
                    "Look whether the kernel has killed already: starts of workers, and the "
                    "kernel's log."
                ),
            ),
            meaning=(
                "The memory that the kernel charges to the cgroup of the workers is above the "
                "bound's share of the limit. It can contain file cache, which the kernel drops "
                "before it kills, so files just read raise the value without danger. Without a "
                "limit the alert cannot fire."
            ),
            impact=(
                "At the limit the kernel kills a process of the container, most likely the largest "
                "worker: the requests it had taken fail, and a new worker loads its models again."
            ),
            queries=(
                Query("The largest workers", f"topk(5, {RESIDENT_MEMORY}{{}})"),
                Query("Process id of each worker", f"{WORKER_INFO}{{}}"),
                Query("Bytes left", f"{MEMORY_LIMIT}{{}} - {MEMORY_USAGE}{{}}"),
                Query("Starts of workers in the last hour", f"increase({WORKER_STARTS}{{}}[1h])"),
            ),
            causes=(
                Cause(
                    "A worker leaks",
                    "One worker, or all of them, has grown for hours: see AuditorMemoryLeak and "
                    "AuditorFastMemoryLeak.",
                    commands=(
                        "# pid: label of auditor_worker_info for that worker",
                        'docker compose exec -T auditor-api sh -c "kill -TERM $pid"',
                    ),
                ),
                Cause(
                    "More workers than the limit has room for",
                    "Every worker loads its own models, a gigabyte or so. Lower WORKER_COUNT, or "
                    "raise the container's limit; then set `service.expected_workers` in "
                    "`thresholds.yaml` to the new number.",
                    commands=(
                        "id=$(docker compose ps -q auditor-api)",
                        'docker update --memory 8g --memory-swap 8g "$id"',
                    ),
                ),
                Cause(
                    "Models lie in a file system in memory",
                    "With `MODEL_CACHE_DIR=/dev/shm/models` the files count as memory of the "
                    "container. Move them to a disk.",
                    settings=("MODEL_CACHE_DIR=/mnt/fast-storage/models",),
                    commands=("docker compose exec -T auditor-api df -h /dev/shm",),
                ),
                remedies.KERNEL_KILLS,
            ),
            escalate=(
                "Critical: to the platform team at once if the limit cannot be raised and a "
                "restart does not help; to the developers if the memory grows again. Warning: a "
                "ticket."
            ),
        ),
    )
    levels = {
        MEMORY_USAGE: lambda value: thousandfold(value) * 2**20,
        MEMORY_LIMIT: lambda _value: 1000.0 * 2**20,
    }
    return with_standard_cases(alert, gauge_inputs(context, levels, context.workers, healthy=0.5))
