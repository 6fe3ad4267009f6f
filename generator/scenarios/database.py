"""Database connections: too many, or many for a moment."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from generator.scenarios.context import ScenarioContext
from generator.scenarios.model import May, Scenario


def scenarios(context: ScenarioContext) -> Iterator[Scenario]:
    yield _pool(context)
    yield _many(context)
    yield _burst(context)


def _whole_pool(context: ScenarioContext) -> float:
    pool = context.thresholds.service.database_pool
    return float(pool.size + pool.overflow)


def _pool(context: ScenarioContext) -> Scenario:
    times = context.times("database_pool_near_limit")
    world = context.world()
    worker = world.workers[0]
    full = worker.database.between(times.start, times.end, _whole_pool(context))
    return Scenario(
        name="a-worker-keeps-its-whole-pool",
        family="database",
        story="A worker does not give connections back, and its pool is used up. It is restarted.",
        length=times.length,
        worlds=(
            context.restarted(world.worker(0, replace(worker, database=full)), times.end, [0]),
        ),
        must=context.must(times, "database_pool_near_limit"),
        may=(
            May(
                reason="where workers are few, one pool is a large part of all connections",
                keys=("many_database_connections",),
            ),
        ),
    )


def _many(context: ScenarioContext) -> Scenario:
    times = context.times("many_database_connections")
    each = math.ceil(1.2 * context.bound("many_database_connections") / context.workers)
    world = context.world()
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
        must=context.must(times, "many_database_connections"),
        may=(
            May(
                reason="the thresholds do not know of the larger pools",
                keys=("database_pool_near_limit",),
            ),
        ),
    )


def _burst(context: ScenarioContext) -> Scenario:
    """Half as long as the most impatient of the alerts waits."""
    waits = (
        trigger.for_
        for key in ("database_pool_near_limit", "many_database_connections")
        for trigger in context.alerts[key].triggers
    )
    start, length = 1800.0, min(waits) / 2
    world = context.world()
    workers = tuple(
        replace(
            worker, database=worker.database.between(start, start + length, _whole_pool(context))
        )
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
