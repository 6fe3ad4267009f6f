"""Descriptors, threads, processor time and waiting requests, used up or only used."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from generator.scenarios.context import SPARE, ScenarioContext, Times
from generator.scenarios.latency import factor
from generator.scenarios.model import May, Scenario
from generator.scenarios.timeseries import Line, level
from generator.scenarios.world import MAX_FDS, Worker, World

# How long a leak of things that are counted takes to its peak.
_LEAK: Final = 3 * 3600.0


def scenarios(context: ScenarioContext) -> Iterator[Scenario]:
    yield _descriptors(context)
    yield _threads(context)
    yield _slow_descriptors(context)
    yield _slow_threads(context)
    yield _spinning(context)
    yield _spinning_idle(context)
    yield _queue(context)
    yield _blocked(context)
    yield _batch(context)
    yield _crowd(context)
    yield _pool(context)


def _leak(
    context: ScenarioContext, key: str, base: float, peak: float, bound: float
) -> tuple[Line, Times, float]:
    """A line from `base` to `peak`, and how long after its start it passes `bound`."""
    start = 900.0
    late = _LEAK * (bound - base) / (peak - base)
    end = start + late + context.wait(key) + SPARE
    course = level(base).grow(start, (peak - base) / _LEAK)
    if end > start + _LEAK:
        course = course.to(start + _LEAK, peak)
    return course, Times(start, end, end + context.fade(key) + SPARE), late


def _ended(context: ScenarioContext, times: Times, worker: Worker) -> World:
    """One worker is like that, until it is restarted."""
    return context.restarted(context.world().worker(0, worker), times.end, [0])


def _descriptors(context: ScenarioContext) -> Scenario:
    key = "file_descriptors_near_limit"
    bound = context.bound(key) * MAX_FDS
    base = context.worker.fds.at(0)
    course, times, late = _leak(context, key, base, (bound + MAX_FDS) / 2, bound)
    worker = replace(context.worker, fds=course.to(times.end, base))
    return Scenario(
        name="a-worker-leaks-descriptors",
        family="saturation",
        story="A worker forgets to close files until it may open no more. It is restarted.",
        length=times.length,
        worlds=(_ended(context, times, worker),),
        must=context.must(times, key, late=late),
        may=(May(reason="it grows for hours as well", keys=("file_descriptor_leak",)),),
    )


def _threads(context: ScenarioContext) -> Scenario:
    key = "many_threads"
    bound = context.bound(key)
    base = context.worker.threads.at(0)
    course, times, late = _leak(context, key, base, 2 * bound, bound)
    worker = replace(context.worker, threads=course.to(times.end, base))
    return Scenario(
        name="a-worker-leaks-threads",
        family="saturation",
        story="A worker starts a thread now and then that never ends. It is restarted.",
        length=times.length,
        worlds=(_ended(context, times, worker),),
        must=context.must(times, key, late=late),
        may=(May(reason="it grows for hours as well", keys=("thread_leak",)),),
    )


def _slow_descriptors(context: ScenarioContext) -> Scenario:
    key = "file_descriptor_leak"
    times, worker = context.times(key), context.worker
    worker = replace(worker, fds=worker.fds.grow(times.start, 3 * context.bound(key)))
    return Scenario(
        name="a-worker-leaks-a-few-descriptors-an-hour",
        family="saturation",
        story="A worker keeps a connection open now and then. It is restarted the next day.",
        length=times.length,
        worlds=(_ended(context, times, worker),),
        must=context.must(times, key),
        may=(May(reason="what grows is much in the end", keys=("file_descriptors_near_limit",)),),
    )


def _slow_threads(context: ScenarioContext) -> Scenario:
    key = "thread_leak"
    times, worker = context.times(key), context.worker
    worker = replace(worker, threads=worker.threads.grow(times.start, 3 * context.bound(key)))
    return Scenario(
        name="a-worker-leaks-a-few-threads-an-hour",
        family="saturation",
        story="Now and then a question hangs in a thread of its own. The worker is restarted.",
        length=times.length,
        worlds=(_ended(context, times, worker),),
        must=context.must(times, key),
        may=(May(reason="what grows is much in the end", keys=("many_threads",)),),
    )


def _spinning(context: ScenarioContext) -> Scenario:
    times = context.times("high_cpu")
    world = context.world()
    worker = world.workers[0]
    busy = worker.cpu.between(times.start, times.end, 1.2 * context.bound("high_cpu"))
    return Scenario(
        name="a-worker-spins-under-load",
        family="saturation",
        story="One worker is caught in a loop while the others serve. The loop ends by itself.",
        length=times.length,
        worlds=(world.worker(0, replace(worker, cpu=busy)),),
        must=context.must(times, "high_cpu"),
    )


def _spinning_idle(context: ScenarioContext) -> Scenario:
    times = context.times("idle_cpu")
    world = context.idle()
    worker = world.workers[0]
    busy = worker.cpu.between(times.start, times.end, 3 * context.bound("idle_cpu"))
    return Scenario(
        name="a-worker-spins-at-night",
        family="saturation",
        story=(
            "No request comes, yet a worker retries something without a pause. The cause goes away."
        ),
        length=times.length,
        worlds=(world.worker(0, replace(worker, cpu=busy)),),
        must=context.must(times, "idle_cpu"),
        may=(
            May(
                reason="an idle worker may compute more than a busy one should", keys=("high_cpu",)
            ),
        ),
    )


def _queue(context: ScenarioContext) -> Scenario:
    keys = ("requests_waiting", "slow_probe")
    times = context.times(*keys)
    world = context.world()
    least = 2 * context.thresholds.alerts.requests_waiting.min_waiting
    waiting = max(least, 3 * context.bound("requests_waiting") * context.busy)
    probe = context.latency.times(factor(context, "p50", 3 * context.bound("slow_probe")))
    return Scenario(
        name="clients-queue-for-a-worker",
        family="saturation",
        story=(
            "More clients come than there are workers, and each waits for seconds. "
            "The app's own latency is perfect."
        ),
        length=times.length,
        worlds=(
            replace(
                world,
                waiting=world.waiting.between(times.start, times.end, waiting / 2),
                queued=world.queued.between(times.start, times.end, waiting / 2),
                probe=world.probe.between(times.start, times.end, probe),
                clients=world.clients.between(times.start, times.end, math.ceil(waiting)),
            ),
        ),
        must=context.must(times, *keys),
        may=(
            May(
                reason="while many wait, fewer are answered than should be",
                keys=("low_throughput",),
            ),
        ),
    )


def _blocked(context: ScenarioContext) -> Scenario:
    times = context.times("slow_probe")
    world = context.idle()
    probe = context.latency.times(factor(context, "p50", 3 * context.bound("slow_probe")))
    return Scenario(
        name="statistics-block-the-event-loop",
        family="saturation",
        story="Somebody asks for the statistics of a year again and again. Nothing else is asked.",
        length=times.length,
        worlds=(replace(world, probe=world.probe.between(times.start, times.end, probe)),),
        must=context.must(times, "slow_probe"),
    )


def _batch(context: ScenarioContext) -> Scenario:
    """Shorter than the alert's wait."""
    length = 0.8 * min(trigger.for_ for trigger in context.alerts["high_cpu"].triggers)
    start = 3600.0
    world = context.world()
    workers = tuple(
        replace(worker, cpu=worker.cpu.between(start, start + length, 0.99))
        for worker in world.workers
    )
    return Scenario(
        name="a-nightly-batch",
        family="saturation",
        story=(
            "A batch keeps every worker at a whole core for some minutes. "
            "It is done before that matters."
        ),
        length=2 * 3600.0,
        worlds=(replace(world, workers=workers),),
    )


def _crowd(context: ScenarioContext) -> Scenario:
    """Descriptors and waiting requests of a minute."""
    start, end = 1800.0, 1845.0
    world = context.world()
    bound = context.bound("file_descriptors_near_limit", "mildest") * MAX_FDS
    workers = tuple(
        replace(worker, fds=worker.fds.between(start, end, round((bound + MAX_FDS) / 2)))
        for worker in world.workers
    )
    return Scenario(
        name="a-crowd-for-a-minute",
        family="saturation",
        story="Hundreds of clients connect at once and leave. Nobody waits for long.",
        length=5400.0,
        worlds=(
            replace(
                world,
                workers=workers,
                clients=world.clients.between(start, end, 400.0),
                waiting=world.waiting.between(start, end, 3 * context.busy),
            ),
        ),
    )


def _pool(context: ScenarioContext) -> Scenario:
    """Up to the number of threads that is acceptable."""
    targets = context.thresholds.targets.worker.threads
    world = context.world()
    workers = tuple(
        replace(
            worker,
            threads=worker.threads.grow(
                3600.0, (targets.acceptable - worker.threads.at(0)) / 600
            ).to(4200.0, targets.acceptable),
        )
        for worker in world.workers
    )
    return Scenario(
        name="a-thread-pool-fills",
        family="saturation",
        story="The first parallel questions fill each worker's pool of threads. It stays as it is.",
        length=8 * 3600.0,
        worlds=(replace(world, workers=workers),),
    )
