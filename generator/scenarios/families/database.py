"""Database connections: too many, or many for a moment."""

from __future__ import annotations

import math

from generator.scenarios import Events, ScenarioContext, Span

FAMILY = "database"


def worker_exhausts_its_pool(context: ScenarioContext) -> Events:
    """A worker does not return its connections, so its pool is used up. It is restarted."""
    incident = context.incident("database_pool_near_limit")
    full = context.healthy().workers_during(incident, [0], db_connections=context.pool)
    return incident.events(context.restarted(full, incident.end, [0]))


def pools_too_large_for_the_database(context: ScenarioContext) -> Events:
    """Somebody configures larger pools, and a busy hour fills them.

    The database can hardly take more.
    """
    incident = context.incident("many_database_connections")
    each = math.ceil(1.2 * context.bound("many_database_connections") / context.workers)
    return incident.events(context.healthy().workers_during(incident, db_connections=each))


def database_restarts(context: ScenarioContext) -> Events:
    """The database restarts, and every worker fills its pool for a moment.

    Then all is well again.
    """
    waits = (
        trigger.for_
        for key in ("database_pool_near_limit", "many_database_connections")
        for trigger in context.alerts[key].triggers
    )
    reconnecting = Span(1800.0, 1800.0 + min(waits) / 2)
    full = context.healthy().workers_during(reconnecting, db_connections=context.pool)
    return Events(length=5400.0, instances=(full,))
