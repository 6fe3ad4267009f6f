"""Every metric of the sidecar: name, type, help and labels, each written here and nowhere else.

A per-worker metric also says how its value is read from the worker's sample. Pages, docs and the
generator take everything from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from exporters.proc.reader import WorkerSample

Kind = Literal["counter", "gauge", "histogram", "summary", "unknown"]
WORKER: Final = ("worker",)
_SUFFIXES: Final = ("_total", "_created", "_bucket", "_count", "_sum")


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


@dataclass(frozen=True)
class Metric(Family):
    """A gauge or counter of the sidecar."""

    kind: Literal["counter", "gauge"]

    def __post_init__(self) -> None:
        for suffix in _SUFFIXES:
            if self.name.endswith(suffix):
                raise ValueError(
                    f"{self.name}: write the name without {suffix}; the type adds what it needs"
                )


Values = Sequence[tuple[tuple[str, ...], float | None]]
"""For one worker: values of the labels after `worker`, and the value of the metric."""


@dataclass(frozen=True)
class WorkerMetric(Metric):
    """One value for each worker; None is left out of the page."""

    labels: tuple[str, ...] = field(default=WORKER, init=False)
    read: Callable[[WorkerSample], float | None] = field(kw_only=True)

    def values(self, sample: WorkerSample) -> Values:
        return (((), self.read(sample)),)


@dataclass(frozen=True)
class LabelledWorkerMetric(Metric):
    """Several values for each worker, keyed by the value of a second label."""

    labels: tuple[str, ...] = field(init=False)
    label: str = field(kw_only=True)
    read: Callable[[WorkerSample], Mapping[str, float | None]] = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "labels", (*WORKER, self.label))

    def values(self, sample: WorkerSample) -> Values:
        return [((label_value,), value) for label_value, value in self.read(sample).items()]


AnyWorkerMetric = WorkerMetric | LabelledWorkerMetric

# Per worker. `worker` is a stable slot, "0" and up; only the info metric has the pid.
RESIDENT_MEMORY: Final = WorkerMetric(
    "auditor_worker_resident_memory_bytes",
    "gauge",
    "Resident memory of the worker.",
    read=lambda sample: sample.resident_bytes,
)
VIRTUAL_MEMORY: Final = WorkerMetric(
    "auditor_worker_virtual_memory_bytes",
    "gauge",
    "Virtual memory of the worker.",
    read=lambda sample: sample.virtual_bytes,
)
PROPORTIONAL_MEMORY: Final = WorkerMetric(
    "auditor_worker_proportional_memory_bytes",
    "gauge",
    "Proportional set size (PSS) of the worker: each shared page is divided by its users.",
    read=lambda sample: sample.proportional_bytes,
)
UNIQUE_MEMORY: Final = WorkerMetric(
    "auditor_worker_unique_memory_bytes",
    "gauge",
    "Unique set size (USS) of the worker: memory that would be freed if it exited.",
    read=lambda sample: sample.unique_bytes,
)
THREADS: Final = WorkerMetric(
    "auditor_worker_threads",
    "gauge",
    "Threads of the worker.",
    read=lambda sample: sample.threads,
)
OPEN_FDS: Final = WorkerMetric(
    "auditor_worker_open_fds",
    "gauge",
    "Open file descriptors of the worker.",
    read=lambda sample: sample.open_fds,
)
MAX_FDS: Final = WorkerMetric(
    "auditor_worker_max_fds",
    "gauge",
    "Limit on the worker's open file descriptors (soft limit); absent if unlimited.",
    read=lambda sample: sample.max_fds,
)
CPU_SECONDS: Final = LabelledWorkerMetric(
    "auditor_worker_cpu_seconds",
    "counter",
    "CPU time used by the worker.",
    label="mode",
    read=lambda sample: {"user": sample.user_seconds, "system": sample.system_seconds},
)
START_TIME: Final = WorkerMetric(
    "auditor_worker_start_time_seconds",
    "gauge",
    "Start time of the worker as Unix time.",
    read=lambda sample: sample.start_time,
)
WORKER_INFO: Final = LabelledWorkerMetric(
    "auditor_worker_info",
    "gauge",
    "Process ID of the worker; always 1.",
    label="pid",
    read=lambda sample: {str(sample.pid): 1},
)
DB_CONNECTIONS: Final = Metric(
    "auditor_worker_db_connections",
    "gauge",
    "Established connections from the worker to the database port.",
    WORKER,
)

WORKER_STARTS: Final = Metric(
    "auditor_worker_starts",
    "counter",
    "Worker processes that have had this slot since the sidecar started, including one already "
    "running then.",
    WORKER,
)

# The whole service.
WORKERS: Final = Metric("auditor_workers", "gauge", "Live worker processes.")
MEMORY_LIMIT: Final = Metric(
    "auditor_memory_limit_bytes",
    "gauge",
    "Memory limit of the workers' cgroup; absent if there is none.",
)
MEMORY_USAGE: Final = Metric(
    "auditor_memory_usage_bytes",
    "gauge",
    "Memory used by the workers' cgroup, without page cache that the kernel can reclaim.",
)
API_CONNECTIONS: Final = Metric(
    "auditor_api_connections", "gauge", "Established inbound connections to the API port."
)
API_CLIENTS: Final = Metric(
    "auditor_api_clients", "gauge", "Distinct remote addresses of the inbound connections."
)
CONNECTIONS_WAITING: Final = Metric(
    "auditor_api_connections_waiting",
    "gauge",
    "Accepted inbound connections with unread bytes: requests waiting for a worker.",
)
ACCEPT_QUEUE: Final = Metric(
    "auditor_api_accept_queue", "gauge", "Inbound connections that no worker has accepted yet."
)
PROBE_SUCCESS: Final = Metric(
    "auditor_probe_success", "gauge", "Whether the last probe of the health endpoint got a 200."
)
PROBE_DURATION: Final = Family(
    "auditor_probe_duration_seconds", "histogram", "Response time of the probes that got an answer."
)

# The sidecar itself.
EXPORTER_ERRORS: Final = Metric(
    "auditor_exporter_errors",
    "counter",
    "Failed reads and writes by reason. What cannot be read is left out, never reported as 0.",
    ("reason",),
)
EXPORTER_DURATION: Final = Metric(
    "auditor_exporter_scrape_duration_seconds", "gauge", "Time taken to collect this page."
)
EXPORTER_DISCOVERY: Final = Metric(
    "auditor_exporter_discovery",
    "gauge",
    "Whether the workers were found, and if not, why: 1 for the current state, 0 for the others.",
    ("state",),
)
EXPORTER_APP_FILES: Final = Metric(
    "auditor_exporter_app_files",
    "gauge",
    "Metric files read by the last scrape of /metrics/app.",
)
EXPORTER_APP_FOLDED: Final = Metric(
    "auditor_exporter_app_folded_files",
    "counter",
    "Metric files of dead workers that were merged into the archive.",
)
EXPORTER_APP_DURATION: Final = Metric(
    "auditor_exporter_app_scrape_duration_seconds",
    "gauge",
    "Time taken by the last scrape of /metrics/app.",
)
EXPORTER_BUILD: Final = Metric(
    "auditor_exporter_build_info", "gauge", "Version of the sidecar; always 1.", ("version",)
)

FAMILIES: Final = tuple(value for value in list(globals().values()) if isinstance(value, Family))
WORKER_METRICS: Final = tuple(each for each in FAMILIES if isinstance(each, AnyWorkerMetric))
