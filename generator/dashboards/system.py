"""What the workers consume, and how near they are to their limits."""

from __future__ import annotations

from generator import names
from generator.alerts.families import leaks
from generator.alerts.leak_recordings import LeakAlert
from generator.dashboards.panels import (
    NO_SIDECAR,
    WORKER,
    Dashboard,
    Panel,
    Query,
    Section,
    Table,
    TimeSeries,
)
from generator.thresholds.model import Thresholds


def build(thresholds: Thresholds) -> Dashboard:
    return Dashboard(
        name="system",
        title="Auditor / System",
        description="What each worker consumes, and how near it is to its limits.",
        sections=(
            Section("Workers", (_age(), _starts()), ((7, (_workers(),)),)),
            Section("Memory", (_cgroup(), _time_to_limit(thresholds))),
            Section("Descriptors and threads", (_descriptors(),)),
            Section("Processor", (_modes(),)),
            Section("Database", (_connections(),)),
        ),
    )


def _workers() -> Panel:
    gauges = {
        names.RESIDENT_MEMORY: ("Resident memory", "bytes"),
        names.THREADS: ("Threads", "short"),
        names.OPEN_FDS: ("Open descriptors", "short"),
        names.DB_CONNECTIONS: ("Database connections", "short"),
    }
    values = ("Value #C", "Value #D", "Value #E", "Value #F")
    return Table(
        key="workers",
        title="Workers now",
        description=(
            "Each worker with its process id. One that differs from the rest: look at it with "
            "py-spy on its machine, then restart it alone."
        ),
        queries=(
            Query(f"{names.WORKER_INFO}{{}}", instant=True),
            Query(f"time() - {names.START_TIME}{{}}", instant=True),
            *(Query(f"{metric}{{}}", instant=True) for metric in gauges),
        ),
        no_value=NO_SIDECAR,
        columns={
            "instance": "Instance",
            "worker": "Worker",
            "pid": "Process id",
            "Value #B": "Age",
            **{value: title for value, (title, _) in zip(values, gauges.values(), strict=True)},
        },
        column_units={"Age": "s", **dict(gauges.values())},
    )


def _age() -> Panel:
    return TimeSeries(
        key="worker_age",
        title="Age of the workers",
        description=(
            "Time since each worker started; it falls to zero at a restart. One falls alone: it "
            "crashed or was killed; all fall: a deploy or a restart of the service."
        ),
        queries=(Query(f"time() - {names.START_TIME}{{}}", WORKER),),
        no_value=NO_SIDECAR,
        unit="s",
    )


def _starts() -> Panel:
    return TimeSeries(
        key="worker_starts",
        title="Worker starts",
        description=(
            "Worker processes that started. Without a deploy: read the end of the Auditor's log "
            "before each start."
        ),
        queries=(Query(f"increase({names.WORKER_STARTS}{{}}[$__rate_interval])", "{{instance}}"),),
        no_value=NO_SIDECAR,
        bars=True,
    )


def _cgroup() -> Panel:
    return TimeSeries(
        key="cgroup_memory",
        title="Memory of the cgroup and its limit",
        description=(
            "What the kernel counts for all workers together, and the limit at which it kills. No "
            "limit line: none is set, so the machine's memory is the limit."
        ),
        queries=(
            Query(f"{names.MEMORY_USAGE}{{}}", "{{instance}} used"),
            Query(f"{names.MEMORY_LIMIT}{{}}", "{{instance}} limit"),
        ),
        no_value=NO_SIDECAR,
        unit="bytes",
    )


def _time_to_limit(thresholds: Thresholds) -> Panel:
    slow = thresholds.alert("memory_leak", LeakAlert)
    fast = thresholds.alert("fast_memory_leak", LeakAlert)
    return TimeSeries(
        key="time_to_memory_limit",
        title="Time until memory reaches its limit",
        description=(
            "If the workers go on growing as they do. Falling below your reaction time: restart "
            "workers one at a time, then look for the leak."
        ),
        queries=(
            Query(leaks.time_to_limit(thresholds, slow).query, "{{instance}} at the slow pace"),
            Query(leaks.time_to_limit(thresholds, fast).query, "{{instance}} at the fast pace"),
        ),
        no_value="No growth, or no limit",
        unit="s",
    )


def _descriptors() -> Panel:
    return TimeSeries(
        key="open_file_descriptors",
        title="Open file descriptors",
        description=(
            "Files and connections that each worker holds. They follow the clients; growth that "
            "outlasts the clients is a leak."
        ),
        queries=(Query(f"{names.OPEN_FDS}{{}}", WORKER),),
        no_value=NO_SIDECAR,
    )


def _modes() -> Panel:
    rate = f"sum by (instance, mode) (rate({names.CPU_SECONDS}{{}}[$__rate_interval]))"
    return TimeSeries(
        key="cpu_modes",
        title="Processor time by mode",
        description=(
            "Cores that all workers of an instance keep busy. Much system time: look at network "
            "and disk, not at the models."
        ),
        queries=(Query(rate, "{{instance}} {{mode}}"),),
        no_value=NO_SIDECAR,
        unit="none",
        decimals=2,
        stacked=True,
    )


def _connections() -> Panel:
    return TimeSeries(
        key="connections_by_worker",
        title="Database connections by worker",
        description=(
            "One worker holds most of them: a leak in it; all alike: load, so look for slow "
            "queries in pg_stat_statements."
        ),
        queries=(Query(f"{names.DB_CONNECTIONS}{{}}", WORKER),),
        no_value=NO_SIDECAR,
        stacked=True,
    )
