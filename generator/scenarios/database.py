"""Database connections: too many, or many for a moment."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from generator.scenarios.book import Book
from generator.scenarios.model import May, Scenario


def scenarios(book: Book) -> Iterator[Scenario]:
    yield _pool(book)
    yield _many(book)
    yield _burst(book)


def _whole_pool(book: Book) -> float:
    pool = book.thresholds.service.database_pool
    return float(pool.size + pool.overflow)


def _pool(book: Book) -> Scenario:
    times = book.times("database_pool_near_limit")
    world = book.world()
    worker = world.workers[0]
    full = worker.database.between(times.start, times.end, _whole_pool(book))
    return Scenario(
        name="a-worker-keeps-its-whole-pool",
        family="database",
        story="A worker does not give connections back, and its pool is used up. It is restarted.",
        length=times.length,
        worlds=(book.restarted(world.worker(0, replace(worker, database=full)), times.end, [0]),),
        must=book.must(times, "database_pool_near_limit"),
        may=(
            May(
                reason="where workers are few, one pool is a large part of all connections",
                keys=("many_database_connections",),
            ),
        ),
    )


def _many(book: Book) -> Scenario:
    times = book.times("many_database_connections")
    each = math.ceil(1.2 * book.bound("many_database_connections") / book.workers)
    world = book.world()
    workers = tuple(
        replace(worker, database=worker.database.between(times.start, times.end, each))
        for worker in world.workers
    )
    return Scenario(
        name="larger-pools-than-the-database-takes",
        family="database",
        story=(
            "Somebody set larger pools, and a busy hour fills them. "
            "The database is about to refuse."
        ),
        length=times.length,
        worlds=(replace(world, workers=workers),),
        must=book.must(times, "many_database_connections"),
        may=(
            May(
                reason="the thresholds do not know of the larger pools",
                keys=("database_pool_near_limit",),
            ),
        ),
    )


def _burst(book: Book) -> Scenario:
    """Half as long as the most impatient of the alerts waits."""
    waits = (
        trigger.for_
        for key in ("database_pool_near_limit", "many_database_connections")
        for trigger in book.alerts[key].triggers
    )
    start, length = 1800.0, min(waits) / 2
    world = book.world()
    workers = tuple(
        replace(worker, database=worker.database.between(start, start + length, _whole_pool(book)))
        for worker in world.workers
    )
    return Scenario(
        name="the-database-restarts",
        family="database",
        story=(
            "The database restarts, and every worker fills its pool for a moment. "
            "All is well again."
        ),
        length=5400.0,
        worlds=(replace(world, workers=workers),),
    )
