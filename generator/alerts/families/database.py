"""Connections from the workers to the database."""

from __future__ import annotations

from dataclasses import replace

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Case, Panel, Recording, Series
from generator.alerts.testcases.expectations import about
from generator.alerts.testcases.inputs import HERE, gauge_inputs
from generator.alerts.testcases.standard import with_standard_cases
from generator.names import DB_CONNECTIONS
from generator.thresholds.settings import BoundAlert, Rows


@define(BoundAlert, Rows("database.connections"))
def many_database_connections(context: Context, settings: BoundAlert) -> Alert:
    total = Recording(
        "database",
        "instance:auditor_worker_db_connections:sum",
        f"sum by (job, instance) ({DB_CONNECTIONS}{{}})",
        has_gaps=True,
    )
    alert = Alert(
        family="database",
        detects="database connections",
        quantity=total.query,
        triggers=context.triggers(settings),
        recordings=(total,),
        summary="The workers on INSTANCE hold VALUE database connections",
        description=(
            "The workers on INSTANCE have held more than BOUND database connections for FOR (now "
            "VALUE); the server may run out of connections for other clients. Next: check whether "
            "one worker holds most of them, which is a leak, or all hold about the same number, "
            "which is load."
        ),
        panel=Panel("system", "Database", "Database connections"),
    )
    inputs = gauge_inputs(context, {DB_CONNECTIONS: float}, context.worker, healthy=4)
    return with_standard_cases(
        alert,
        replace(inputs, labels=context.workers),
        Case(
            "two workers with a few connections each",
            [Series(DB_CONNECTIONS, context.worker(HERE, each), "4x9") for each in "01"],
            expr_tests=(about(8 * context.clock.interval, total, context.workers(HERE), 8),),
        ),
    )


@define(BoundAlert, Rows("database.pool_usage"))
def database_pool_near_limit(context: Context, settings: BoundAlert) -> Alert:
    pool = context.thresholds.service.database_pool
    capacity = pool.size + pool.overflow
    used = Recording(
        "database",
        "worker:auditor_worker_db_pool:usage_ratio",
        f"{DB_CONNECTIONS}{{}} / {capacity}",
        has_gaps=True,
    )
    alert = Alert(
        family="database",
        scope="worker",
        detects="database connections",
        quantity=used.query,
        triggers=context.triggers(settings),
        recordings=(used,),
        summary="WORKER is using VALUE of its database connection pool",
        description=(
            f"WORKER has used more than BOUND of the {capacity} connections in its pool for FOR "
            "(now VALUE); once none is left, requests wait. Next: look for slow queries in "
            "pg_stat_statements, then raise DB_POOL_SIZE and DB_MAX_OVERFLOW."
        ),
        panel=Panel("system", "Database", "Database pool usage"),
        inhibits=("many_database_connections",),
        origins=("service.database_pool.size", "service.database_pool.overflow"),
    )
    levels = {DB_CONNECTIONS: lambda value: value * capacity}
    return with_standard_cases(
        alert, gauge_inputs(context, levels, context.worker, healthy=0.1, exact=False)
    )
