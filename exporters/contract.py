"""Every metric of the sidecar: its name, type, help and labels, each written here alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram", "summary", "unknown"]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family; `name` is without `_total`, `_bucket` and the like."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()

    @property
    def sample(self) -> str:
        """Name of the samples of a gauge or counter."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


WORKER: Final = ("worker",)

# Of each worker, from /proc. The label is a stable slot, "0" and up; a pid stands in the info only.
RESIDENT_MEMORY: Final = Family(
    "auditor_worker_resident_memory_bytes", "gauge", "Resident memory of the worker.", WORKER
)
VIRTUAL_MEMORY: Final = Family(
    "auditor_worker_virtual_memory_bytes", "gauge", "Virtual memory of the worker.", WORKER
)
PROPORTIONAL_MEMORY: Final = Family(
    "auditor_worker_proportional_memory_bytes",
    "gauge",
    "Resident memory of the worker, shared pages divided among those who share them (PSS).",
    WORKER,
)
UNIQUE_MEMORY: Final = Family(
    "auditor_worker_unique_memory_bytes",
    "gauge",
    "Memory that would be free if the worker ended (USS).",
    WORKER,
)
THREADS: Final = Family("auditor_worker_threads", "gauge", "Threads of the worker.", WORKER)
OPEN_FDS: Final = Family(
    "auditor_worker_open_fds", "gauge", "Open file descriptors of the worker.", WORKER
)
MAX_FDS: Final = Family(
    "auditor_worker_max_fds",
    "gauge",
    "File descriptors that the worker may have open (soft limit).",
    WORKER,
)
CPU_SECONDS: Final = Family(
    "auditor_worker_cpu_seconds", "counter", "Processor time of the worker.", ("worker", "mode")
)
START_TIME: Final = Family(
    "auditor_worker_start_time_seconds", "gauge", "Unix time at which the worker started.", WORKER
)
DB_CONNECTIONS: Final = Family(
    "auditor_worker_db_connections",
    "gauge",
    "Established connections from the worker to the database's port.",
    WORKER,
)
WORKER_INFO: Final = Family(
    "auditor_worker_info", "gauge", "Which process has the worker's slot.", ("worker", "pid")
)

# Of the whole service.
WORKERS: Final = Family("auditor_workers", "gauge", "Live worker processes.")
WORKER_STARTS: Final = Family(
    "auditor_worker_starts", "counter", "Worker processes that the sidecar has seen starting."
)
MEMORY_LIMIT: Final = Family(
    "auditor_memory_limit_bytes",
    "gauge",
    "Memory limit of the workers' cgroup; absent without one.",
)
MEMORY_USAGE: Final = Family(
    "auditor_memory_usage_bytes",
    "gauge",
    "Memory in use in the workers' cgroup, without the file cache that the kernel can drop.",
)
API_CONNECTIONS: Final = Family(
    "auditor_api_connections", "gauge", "Established inbound connections to the API's port."
)
API_CLIENTS: Final = Family(
    "auditor_api_clients", "gauge", "Distinct remote addresses among the inbound connections."
)
CONNECTIONS_WAITING: Final = Family(
    "auditor_api_connections_waiting",
    "gauge",
    "Accepted inbound connections with unread bytes: requests that wait for a worker.",
)
ACCEPT_QUEUE: Final = Family(
    "auditor_api_accept_queue", "gauge", "Inbound connections that no worker has accepted yet."
)
PROBE_SUCCESS: Final = Family(
    "auditor_probe_success",
    "gauge",
    "Whether the last probe of the service's health endpoint was answered with 200.",
)
PROBE_DURATION: Final = Family(
    "auditor_probe_duration_seconds", "histogram", "Time of the probes that were answered."
)

# Of the sidecar itself.
EXPORTER_ERRORS: Final = Family(
    "auditor_exporter_errors",
    "counter",
    "What the sidecar could not read or write, by reason; such values are left out, never 0.",
    ("reason",),
)
EXPORTER_DURATION: Final = Family(
    "auditor_exporter_scrape_duration_seconds", "gauge", "Time that collecting this page took."
)
EXPORTER_DISCOVERY: Final = Family(
    "auditor_exporter_discovery",
    "gauge",
    "Whether the workers are found, or why not: 1 for the present state.",
    ("state",),
)
EXPORTER_APP_FILES: Final = Family(
    "auditor_exporter_app_files",
    "gauge",
    "Files of the app's metrics that the last reading read.",
)
EXPORTER_APP_FOLDED: Final = Family(
    "auditor_exporter_app_folded_files",
    "counter",
    "Files of ended workers whose values were taken over into the archive.",
)
EXPORTER_APP_DURATION: Final = Family(
    "auditor_exporter_app_scrape_duration_seconds",
    "gauge",
    "Time that the last reading of the app's metrics took.",
)
EXPORTER_BUILD: Final = Family(
    "auditor_exporter_build_info", "gauge", "Version of the sidecar.", ("version",)
)

FAMILIES: Final = tuple(value for value in list(globals().values()) if isinstance(value, Family))
