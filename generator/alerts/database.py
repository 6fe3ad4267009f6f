"""Connections from the workers to the database."""

from __future__ import annotations

from generator.alerts.build import Kit, triggers
from generator.alerts.model import Alert, Panel, Recording
from generator.alerts.proof import prove
from generator.names import DB_CONNECTIONS
from generator.thresholds.model import Unit


def alerts(kit: Kit) -> tuple[Alert, ...]:
    return many_database_connections(kit), database_pool_near_limit(kit)


def many_database_connections(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.many_database_connections
    total = Recording("instance:auditor_worker_db_connections:sum", f"sum by (job, instance) ({DB_CONNECTIONS}{{}})")
    alert = Alert(
        name="AuditorManyDatabaseConnections",
        settings="alerts.many_database_connections",
        family="database",
        place="instance",
        quantity=total.query,
        op=">",
        unit=Unit.COUNT,
        triggers=triggers(kit.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        recordings=(total,),
        summary="{{ $labels.instance }} holds {{ $value }} database connections",
        description=(
            "The workers on {{ $labels.instance }} hold {{ $value }} connections to the database, more than BOUND; other clients of "
            "the server may find none left. Next: see whether one worker holds most of them, which is a leak, or all hold alike, "
            "which is load."
        ),
        panel=Panel("system", "Database", 140, "Database connections", "{{instance}}"),
    )
    return prove(alert, kit.gauge_drive({DB_CONNECTIONS: float}, kit.worker, healthy=4, alert_labels=kit.workers))


def database_pool_near_limit(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.database_pool_near_limit
    pool = kit.thresholds.service.database_pool
    capacity = pool.size + pool.overflow
    used = Recording("worker:auditor_worker_db_pool:usage_ratio", f"{DB_CONNECTIONS}{{}} / {capacity}")
    alert = Alert(
        name="AuditorDatabasePoolNearLimit",
        settings="alerts.database_pool_near_limit",
        family="database",
        place="worker",
        quantity=used.query,
        op=">",
        unit=Unit.RATIO,
        triggers=triggers(kit.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        recordings=(used,),
        summary="Worker {{ $labels.worker }} of {{ $labels.instance }} uses {{ $value | humanizePercentage }} of its database pool",
        description=(
            f"Worker {{{{ $labels.worker }}}} on {{{{ $labels.instance }}}} holds {{{{ $value | humanizePercentage }}}} of the "
            f"{capacity} connections of its pool, more than BOUND; past the last one requests wait. Next: look for slow queries in "
            "pg_stat_statements, then raise DB_POOL_SIZE and DB_MAX_OVERFLOW."
        ),
        panel=Panel("system", "Database", 141, "Database pool used", "{{instance}} worker {{worker}}"),
        origins=("service.database_pool.size", "service.database_pool.overflow"),
    )
    levels = {DB_CONNECTIONS: lambda value: value * capacity}
    return prove(alert, kit.gauge_drive(levels, kit.worker, healthy=0.1, exact=False))
