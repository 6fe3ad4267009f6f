"""Connections from the workers to the database."""

from __future__ import annotations

from generator.alerts import remedies
from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Case, Cause, Panel, Query, Recording, Runbook, Series
from generator.alerts.testcases.expectations import about
from generator.alerts.testcases.inputs import HERE, gauge_inputs
from generator.alerts.testcases.series import selector
from generator.alerts.testcases.standard import with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import ACCEPT_QUEUE, CONNECTIONS_WAITING, DB_CONNECTIONS, WORKER_INFO
from generator.thresholds.levels import Unit
from generator.thresholds.settings import BoundAlert, Rows


@define(BoundAlert, Rows("database.connections"))
def many_database_connections(context: Context, settings: BoundAlert) -> Alert:
    total = Recording(
        "database",
        "instance:auditor_worker_db_connections:sum",
        f"sum by (job, instance) ({DB_CONNECTIONS}{{}})",
    )
    alert = Alert(
        key="many_database_connections",
        family="database",
        scope="instance",
        detects="database connections",
        quantity=total.query,
        op=">",
        unit=Unit.COUNT,
        triggers=triggers(context.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        recordings=(total,),
        summary="{{ $labels.instance }} holds {{ $value }} database connections",
        description=(
            "The workers on {{ $labels.instance }} hold {{ $value }} connections to the database, "
            "more than BOUND; other clients of the server may find none left. Next: see whether "
            "one worker holds most of them, which is a leak, or all hold alike, which is load."
        ),
        panel=Panel("system", "Database", "Database connections", "{{instance}}"),
        runbook=Runbook(
            summary="The workers of an instance hold many connections to the database.",
            first=(
                (
                    "See how many the server has left (first command below). None left: other "
                    "services fail already."
                ),
                "See whether one worker holds most of them (a leak) or all hold alike (load).",
                "A leak: restart that worker with SIGTERM; its connections go with it.",
            ),
            meaning=(
                "The established sockets from the workers of one instance to the database's port, "
                "idle ones included, exceed the bound. Other instances and other services come on "
                "top, so the server may be nearer to its limit than this says. With SQLite there "
                "are none and the alert cannot fire."
            ),
            impact=(
                "Nobody yet; at the server's limit new connections are refused, to the Auditor and "
                "to all others."
            ),
            queries=(
                Query("Connections of each worker", f"{DB_CONNECTIONS}{{}}"),
                Query("All instances together", f"sum({DB_CONNECTIONS}{{}})"),
                Query(
                    "Requests that wait for a worker",
                    f"{CONNECTIONS_WAITING}{{}} + {ACCEPT_QUEUE}{{}}",
                ),
            ),
            causes=(
                Cause(
                    "Larger pools, or more workers or instances, than the server allows",
                    "Each worker has its own pool; workers times size plus overflow, of all "
                    "instances, is what they can take. Lower DB_POOL_SIZE, DB_MAX_OVERFLOW or "
                    "WORKER_COUNT, or put PgBouncer in transaction mode between.",
                    commands=('psql -c "SHOW max_connections"', remedies.CONNECTIONS),
                ),
                remedies.LEAKED_CONNECTIONS,
                remedies.SLOW_DATABASE,
                remedies.STATISTICS_CALLS,
            ),
            escalate=(
                "Critical: to the database's administrators at once if the server has few "
                "connections left, else to the developers after 15 minutes. Warning: a ticket."
            ),
        ),
    )
    return with_standard_cases(
        alert,
        gauge_inputs(
            context,
            {DB_CONNECTIONS: float},
            context.worker,
            healthy=4,
            alert_labels=context.workers,
        ),
        Case(
            "two workers with a few connections each",
            tuple(
                Series(selector(DB_CONNECTIONS, {**context.workers(HERE), "worker": worker}), "4x9")
                for worker in ("0", "1")
            ),
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
    )
    alert = Alert(
        key="database_pool_near_limit",
        family="database",
        scope="worker",
        detects="database connections",
        quantity=used.query,
        op=">",
        unit=Unit.RATIO,
        triggers=triggers(context.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        recordings=(used,),
        summary=(
            "Worker {{ $labels.worker }} of {{ $labels.instance }} uses "
            "{{ $value | humanizePercentage }} of its database pool"
        ),
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} holds "
            f"{{{{ $value | humanizePercentage }}}} of the {capacity} connections of its pool, "
            "more than BOUND; past the last one requests wait. Next: look for slow queries in "
            "pg_stat_statements, then raise DB_POOL_SIZE and DB_MAX_OVERFLOW."
        ),
        panel=Panel("system", "Database", "Database pool used", "{{instance}} worker {{worker}}"),
        runbook=Runbook(
            summary="A worker has nearly used up its pool of database connections.",
            first=(
                (
                    "See what the connections do (first command of the first cause): run a "
                    "statement, wait for a lock, or idle in a transaction."
                ),
                "A statement or a lock: mend that on the server.",
                "Idle in a transaction: a leak. Restart the worker with SIGTERM.",
            ),
            meaning=(
                f"The worker holds more than the bound's share of the {capacity} connections that "
                "size and overflow of its pool allow. In the public source a worker verifies one "
                "request at a time and needs one connection for that, so many of them are a sign "
                "of sessions that are not closed rather than of load. If the Auditor runs with "
                "other numbers than `service.database_pool` in `thresholds.yaml`, the share is "
                "wrong."
            ),
            impact=(
                "Nobody yet; past the last connection requests of this worker wait for one, and "
                "fail after half a minute."
            ),
            queries=(
                Query("Connections of each worker", f"{DB_CONNECTIONS}{{}}"),
                Query("Process id of each worker", f"{WORKER_INFO}{{}}"),
                Query(
                    "Requests that wait for a worker",
                    f"{CONNECTIONS_WAITING}{{}} + {ACCEPT_QUEUE}{{}}",
                ),
            ),
            causes=(
                remedies.SLOW_DATABASE,
                remedies.LEAKED_CONNECTIONS,
                remedies.LARGER_POOL,
                Cause(
                    "The monitoring knows another pool than the Auditor has",
                    "Set `service.database_pool` in `thresholds.yaml` to the Auditor's "
                    "DB_POOL_SIZE and DB_MAX_OVERFLOW.",
                    commands=("docker compose exec -T auditor-api sh -c 'env | grep ^DB_'",),
                ),
            ),
            escalate=(
                "Critical: to the database's administrators at once if a lock or a statement "
                "blocks, to the developers after 15 minutes if sessions leak. Warning: a ticket."
            ),
        ),
        origins=("service.database_pool.size", "service.database_pool.overflow"),
    )
    levels = {DB_CONNECTIONS: lambda value: value * capacity}
    return with_standard_cases(
        alert, gauge_inputs(context, levels, context.worker, healthy=0.1, exact=False)
    )
