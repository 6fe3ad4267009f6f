"""Descriptors, threads, processor time and waiting requests, used up or only used."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from generator.scenarios.book import SPARE, Book, Times
from generator.scenarios.course import Line, level
from generator.scenarios.latency import factor
from generator.scenarios.model import May, Scenario
from generator.scenarios.world import MAX_FDS, Worker, World

# How long a leak of things that are counted takes to its peak.
_LEAK: Final = 3 * 3600.0


def scenarios(book: Book) -> Iterator[Scenario]:
    yield _descriptors(book)
    yield _threads(book)
    yield _slow_descriptors(book)
    yield _slow_threads(book)
    yield _spinning(book)
    yield _spinning_idle(book)
    yield _queue(book)
    yield _blocked(book)
    yield _batch(book)
    yield _crowd(book)
    yield _pool(book)


def _leak(
    book: Book, key: str, base: float, peak: float, bound: float
) -> tuple[Line, Times, float]:
    """A line from `base` to `peak`, and how long after its start it passes `bound`."""
    start = 900.0
    late = _LEAK * (bound - base) / (peak - base)
    end = start + late + book.wait(key) + SPARE
    course = level(base).grow(start, (peak - base) / _LEAK)
    if end > start + _LEAK:
        course = course.to(start + _LEAK, peak)
    return course, Times(start, end, end + book.fade(key) + SPARE), late


def _ended(book: Book, times: Times, worker: Worker) -> World:
    """One worker is like that, until it is restarted."""
    return book.restarted(book.world().worker(0, worker), times.end, [0])


def _descriptors(book: Book) -> Scenario:
    key = "file_descriptors_near_limit"
    bound = book.bound(key) * MAX_FDS
    base = book.worker.fds.at(0)
    course, times, late = _leak(book, key, base, (bound + MAX_FDS) / 2, bound)
    worker = replace(book.worker, fds=course.to(times.end, base))
    return Scenario(
        name="a-worker-leaks-descriptors",
        family="saturation",
        story="A worker forgets to close files until it may open no more. It is restarted.",
        length=times.length,
        worlds=(_ended(book, times, worker),),
        must=book.must(times, key, late=late),
        may=(May(reason="it grows for hours as well", keys=("file_descriptor_leak",)),),
    )


def _threads(book: Book) -> Scenario:
    key = "many_threads"
    bound = book.bound(key)
    base = book.worker.threads.at(0)
    course, times, late = _leak(book, key, base, 2 * bound, bound)
    worker = replace(book.worker, threads=course.to(times.end, base))
    return Scenario(
        name="a-worker-leaks-threads",
        family="saturation",
        story="A worker starts a thread now and then that never ends. It is restarted.",
        length=times.length,
        worlds=(_ended(book, times, worker),),
        must=book.must(times, key, late=late),
        may=(May(reason="it grows for hours as well", keys=("thread_leak",)),),
    )


def _slow_descriptors(book: Book) -> Scenario:
    key = "file_descriptor_leak"
    times, worker = book.times(key), book.worker
    worker = replace(worker, fds=worker.fds.grow(times.start, 3 * book.bound(key)))
    return Scenario(
        name="a-worker-leaks-a-few-descriptors-an-hour",
        family="saturation",
        story="A worker keeps a connection open now and then. It is restarted the next day.",
        length=times.length,
        worlds=(_ended(book, times, worker),),
        must=book.must(times, key),
        may=(May(reason="what grows is much in the end", keys=("file_descriptors_near_limit",)),),
    )


def _slow_threads(book: Book) -> Scenario:
    key = "thread_leak"
    times, worker = book.times(key), book.worker
    worker = replace(worker, threads=worker.threads.grow(times.start, 3 * book.bound(key)))
    return Scenario(
        name="a-worker-leaks-a-few-threads-an-hour",
        family="saturation",
        story="Now and then a question hangs in a thread of its own. The worker is restarted.",
        length=times.length,
        worlds=(_ended(book, times, worker),),
        must=book.must(times, key),
        may=(May(reason="what grows is much in the end", keys=("many_threads",)),),
    )


def _spinning(book: Book) -> Scenario:
    times = book.times("high_cpu")
    world = book.world()
    worker = world.workers[0]
    busy = worker.cpu.between(times.start, times.end, 1.2 * book.bound("high_cpu"))
    return Scenario(
        name="a-worker-spins-under-load",
        family="saturation",
        story="One worker is caught in a loop while the others serve. The loop ends by itself.",
        length=times.length,
        worlds=(world.worker(0, replace(worker, cpu=busy)),),
        must=book.must(times, "high_cpu"),
    )


def _spinning_idle(book: Book) -> Scenario:
    times = book.times("idle_cpu")
    world = book.idle()
    worker = world.workers[0]
    busy = worker.cpu.between(times.start, times.end, 3 * book.bound("idle_cpu"))
    return Scenario(
        name="a-worker-spins-at-night",
        family="saturation",
        story=(
            "No request comes, yet a worker retries something without a pause. The cause goes away."
        ),
        length=times.length,
        worlds=(world.worker(0, replace(worker, cpu=busy)),),
        must=book.must(times, "idle_cpu"),
        may=(
            May(
                reason="an idle worker may compute more than a busy one should", keys=("high_cpu",)
            ),
        ),
    )


def _queue(book: Book) -> Scenario:
    keys = ("requests_waiting", "slow_probe")
    times = book.times(*keys)
    world = book.world()
    least = 2 * book.thresholds.alerts.requests_waiting.min_waiting
    waiting = max(least, 3 * book.bound("requests_waiting") * book.busy)
    probe = book.latency.times(factor(book, "p50", 3 * book.bound("slow_probe")))
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
        must=book.must(times, *keys),
        may=(
            May(
                reason="while many wait, fewer are answered than should be",
                keys=("low_throughput",),
            ),
        ),
    )


def _blocked(book: Book) -> Scenario:
    times = book.times("slow_probe")
    world = book.idle()
    probe = book.latency.times(factor(book, "p50", 3 * book.bound("slow_probe")))
    return Scenario(
        name="statistics-block-the-event-loop",
        family="saturation",
        story="Somebody asks for the statistics of a year again and again. Nothing else is asked.",
        length=times.length,
        worlds=(replace(world, probe=world.probe.between(times.start, times.end, probe)),),
        must=book.must(times, "slow_probe"),
    )


def _batch(book: Book) -> Scenario:
    """Shorter than the alert's wait."""
    length = 0.8 * min(trigger.for_ for trigger in book.alerts["high_cpu"].triggers)
    start = 3600.0
    world = book.world()
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


def _crowd(book: Book) -> Scenario:
    """Descriptors and waiting requests of a minute."""
    start, end = 1800.0, 1845.0
    world = book.world()
    bound = book.bound("file_descriptors_near_limit", "mildest") * MAX_FDS
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
                waiting=world.waiting.between(start, end, 3 * book.busy),
            ),
        ),
    )


def _pool(book: Book) -> Scenario:
    """Up to the number of threads that is acceptable."""
    targets = book.thresholds.targets.worker.threads
    world = book.world()
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
