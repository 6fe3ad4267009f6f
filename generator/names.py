"""Names of the metrics, labels and folders that the service, the sidecar and Prometheus give us."""

from typing import Final

# The app, summed over its workers by the sidecar (job `auditor-api`).
REQUESTS: Final = "auditor_verify_requests_total"
LATENCY: Final = "auditor_verify_latency_seconds"
CONFIDENCE: Final = "auditor_confidence_score"

# The sidecar (job `auditor-workers`), one series a worker.
RESIDENT_MEMORY: Final = "auditor_worker_resident_memory_bytes"
VIRTUAL_MEMORY: Final = "auditor_worker_virtual_memory_bytes"
THREADS: Final = "auditor_worker_threads"
OPEN_FDS: Final = "auditor_worker_open_fds"
MAX_FDS: Final = "auditor_worker_max_fds"
CPU_SECONDS: Final = "auditor_worker_cpu_seconds_total"
START_TIME: Final = "auditor_worker_start_time_seconds"
DB_CONNECTIONS: Final = "auditor_worker_db_connections"
WORKER_INFO: Final = "auditor_worker_info"

# The sidecar, one series an instance.
WORKERS: Final = "auditor_workers"
WORKER_STARTS: Final = "auditor_worker_starts_total"
MEMORY_LIMIT: Final = "auditor_memory_limit_bytes"
MEMORY_USAGE: Final = "auditor_memory_usage_bytes"
API_CONNECTIONS: Final = "auditor_api_connections"
API_CLIENTS: Final = "auditor_api_clients"
CONNECTIONS_WAITING: Final = "auditor_api_connections_waiting"
ACCEPT_QUEUE: Final = "auditor_api_accept_queue"
PROBE_SUCCESS: Final = "auditor_probe_success"
PROBE_DURATION: Final = "auditor_probe_duration_seconds"
EXPORTER_ERRORS: Final = "auditor_exporter_errors_total"
EXPORTER_DURATION: Final = "auditor_exporter_scrape_duration_seconds"
EXPORTER_BUILD: Final = "auditor_exporter_build_info"

UP: Final = "up"

# Every metric and the labels it carries beside job and instance; nothing else may be asked for.
LABELS: Final[dict[str, tuple[str, ...]]] = {
    REQUESTS: ("status",),
    f"{LATENCY}_bucket": ("le",),
    f"{LATENCY}_count": (),
    f"{LATENCY}_sum": (),
    f"{CONFIDENCE}_bucket": ("le",),
    f"{CONFIDENCE}_count": (),
    f"{CONFIDENCE}_sum": (),
    RESIDENT_MEMORY: ("worker",),
    VIRTUAL_MEMORY: ("worker",),
    THREADS: ("worker",),
    OPEN_FDS: ("worker",),
    MAX_FDS: ("worker",),
    CPU_SECONDS: ("worker", "mode"),
    START_TIME: ("worker",),
    DB_CONNECTIONS: ("worker",),
    WORKER_INFO: ("worker", "pid"),
    WORKERS: (),
    WORKER_STARTS: (),
    MEMORY_LIMIT: (),
    MEMORY_USAGE: (),
    API_CONNECTIONS: (),
    API_CLIENTS: (),
    CONNECTIONS_WAITING: (),
    ACCEPT_QUEUE: (),
    PROBE_SUCCESS: (),
    f"{PROBE_DURATION}_bucket": ("le",),
    f"{PROBE_DURATION}_count": (),
    f"{PROBE_DURATION}_sum": (),
    EXPORTER_ERRORS: ("reason",),
    EXPORTER_DURATION: (),
    EXPORTER_BUILD: ("version",),
    UP: (),
}
