"""What the workers consume, and how near they are to their limits."""

from __future__ import annotations

from typing import Final

from generator import names
from generator.alerts.families import leaks
from generator.alerts.leak_recordings import LeakAlert
from generator.dashboards import queries
from generator.dashboards.panels import WORKER, Dashboard, Panel, Query, Section, Table, TimeSeries
from generator.thresholds.model import Thresholds


def build(thresholds: Thresholds) -> Dashboard:
    return Dashboard(
        name="system",
        title="Auditor / System",
        description="What each worker uses, and how close it is to its limits.",
        sections=(
            Section("Workers", (_AGE, _STARTS), ((7, (_WORKERS,)),)),
            Section("Memory", (_CGROUP, _time_to_limit(thresholds))),
            Section("File descriptors and threads", (_FILE_DESCRIPTORS,)),
            Section("CPU", (_CPU_MODES,)),
            Section("Database", (_CONNECTIONS,)),
        ),
    )


_WORKERS: Final = Table(
    key="workers",
    title="Current workers",
    description=(
        "All workers with their process IDs. One differs from the rest: inspect it with py-spy on "
        "its machine, then restart only that worker."
    ),
    queries=(
        Query(f"{names.WORKER_INFO}{{}}"),
        Query(f"time() - {names.START_TIME}{{}}", "Age", unit="s"),
        Query(f"{names.RESIDENT_MEMORY}{{}}", "Resident memory", unit="bytes"),
        Query(f"{names.THREADS}{{}}", "Threads", unit="short"),
        Query(f"{names.OPEN_FDS}{{}}", "Open file descriptors", unit="short"),
        Query(f"{names.DB_CONNECTIONS}{{}}", "Database connections", unit="short"),
    ),
    labels={"instance": "Instance", "worker": "Worker", "pid": "PID"},
)

_AGE: Final = TimeSeries(
    key="worker_age",
    title="Worker uptime",
    description=(
        "Time since each worker started. One drops to zero: it crashed or was killed. All drop: a "
        "deployment or a restart of the service."
    ),
    queries=(Query(f"time() - {names.START_TIME}{{}}", WORKER),),
    unit="s",
)

_STARTS: Final = TimeSeries(
    key="worker_starts",
    title="Worker starts",
    description=(
        "Starts of each worker. Without a deployment: read the last lines of the "
        "Auditor's log before each start."
    ),
    queries=(Query(f"increase({names.WORKER_STARTS}{{}}[$__rate_interval])", WORKER),),
    bars=True,
)

_CGROUP: Final = TimeSeries(
    key="cgroup_memory",
    title="Cgroup memory and its limit",
    description=(
        "Memory of all workers together as the kernel counts it, and the limit at which the kernel "
        "kills a worker. No limit line: no limit is set, so the machine's memory is the limit."
    ),
    queries=(
        Query(f"{names.MEMORY_USAGE}{{}}", "{{instance}} used"),
        Query(f"{names.MEMORY_LIMIT}{{}}", "{{instance}} limit"),
    ),
    unit="bytes",
)


def _time_to_limit(thresholds: Thresholds) -> Panel:
    slow = thresholds.alert("memory_leak", LeakAlert)
    fast = thresholds.alert("fast_memory_leak", LeakAlert)
    return TimeSeries(
        key="time_to_memory_limit",
        title="Time until the memory limit is reached",
        description=(
            "If the workers keep growing at the current rate. Shorter than your reaction time: "
            "restart the workers one at a time, then look for the leak."
        ),
        queries=(
            Query(leaks.time_to_limit(thresholds, slow).query, "{{instance}}, slow growth"),
            Query(leaks.time_to_limit(thresholds, fast).query, "{{instance}}, fast growth"),
        ),
        no_value="No growth, or no memory limit",
        unit="s",
    )


_FILE_DESCRIPTORS: Final = TimeSeries(
    key="open_file_descriptors",
    title="Open file descriptors",
    description=(
        "Files and connections that each worker has open. They follow the number of clients; "
        "growth that outlasts the clients is a leak."
    ),
    queries=(Query(f"{names.OPEN_FDS}{{}}", WORKER),),
)

_CPU_MODES: Final = TimeSeries(
    key="cpu_modes",
    title="CPU usage by mode",
    description=(
        "Cores used by all workers of an instance. Much system time: look at the network and the "
        "disk, not at the models."
    ),
    queries=(Query(queries.rate(names.CPU_SECONDS, "instance, mode"), "{{instance}} {{mode}}"),),
    unit="none",
    decimals=2,
    stacked=True,
)

_CONNECTIONS: Final = TimeSeries(
    key="connections_by_worker",
    title="Database connections by worker",
    description=(
        "One worker holds most of them: it leaks connections. All hold about the same: high load, "
        "so look for slow queries in pg_stat_statements."
    ),
    queries=(Query(f"{names.DB_CONNECTIONS}{{}}", WORKER),),
    stacked=True,
)
