"""Names of the metrics, labels and folders that the service, the sidecar and Prometheus give us."""

from collections.abc import Iterator
from typing import Final

from exporters import contract
from exporters.contract import Family

# The app, summed over its workers by the sidecar (job `auditor-api`).
REQUESTS: Final = "auditor_verify_requests_total"
LATENCY: Final = "auditor_verify_latency_seconds"
CONFIDENCE: Final = "auditor_confidence_score"

# The sidecar (job `auditor-workers`), one series a worker.
RESIDENT_MEMORY: Final = contract.RESIDENT_MEMORY.sample
VIRTUAL_MEMORY: Final = contract.VIRTUAL_MEMORY.sample
THREADS: Final = contract.THREADS.sample
OPEN_FDS: Final = contract.OPEN_FDS.sample
MAX_FDS: Final = contract.MAX_FDS.sample
CPU_SECONDS: Final = contract.CPU_SECONDS.sample
START_TIME: Final = contract.START_TIME.sample
DB_CONNECTIONS: Final = contract.DB_CONNECTIONS.sample
WORKER_INFO: Final = contract.WORKER_INFO.sample

# The sidecar, one series an instance.
WORKERS: Final = contract.WORKERS.sample
WORKER_STARTS: Final = contract.WORKER_STARTS.sample
MEMORY_LIMIT: Final = contract.MEMORY_LIMIT.sample
MEMORY_USAGE: Final = contract.MEMORY_USAGE.sample
API_CONNECTIONS: Final = contract.API_CONNECTIONS.sample
API_CLIENTS: Final = contract.API_CLIENTS.sample
CONNECTIONS_WAITING: Final = contract.CONNECTIONS_WAITING.sample
ACCEPT_QUEUE: Final = contract.ACCEPT_QUEUE.sample
PROBE_SUCCESS: Final = contract.PROBE_SUCCESS.sample
PROBE_DURATION: Final = contract.PROBE_DURATION.sample
EXPORTER_ERRORS: Final = contract.EXPORTER_ERRORS.sample
EXPORTER_DURATION: Final = contract.EXPORTER_DURATION.sample
EXPORTER_BUILD: Final = contract.EXPORTER_BUILD.sample

UP: Final = "up"
# blackbox_exporter (job `auditor-probe`): whether it got an answer from outside.
BLACKBOX_SUCCESS: Final = "probe_success"

# Alertmanager's own metrics, and the job that scrapes it.
NOTIFICATIONS_FAILED: Final = "alertmanager_notifications_failed_total"
NOTIFICATION_ATTEMPTS_FAILED: Final = "alertmanager_notification_requests_failed_total"
ALERTMANAGER: Final = "alertmanager"


def _labels(family: Family) -> Iterator[tuple[str, tuple[str, ...]]]:
    if family.kind == "histogram":
        yield f"{family.name}_bucket", (*family.labels, "le")
        yield f"{family.name}_count", family.labels
        yield f"{family.name}_sum", family.labels
    else:
        yield family.sample, family.labels


APP: Final = (
    Family("auditor_verify_requests", "counter", "", ("status",)),
    Family(LATENCY, "histogram", ""),
    Family(CONFIDENCE, "histogram", ""),
)
ALERTING: Final = (
    Family("alertmanager_notifications_failed", "counter", "", ("integration", "reason")),
    Family("alertmanager_notification_requests_failed", "counter", "", ("integration",)),
)
# The tag, beside the service's name, of the annotations that load tests make in Grafana.
LOAD_TEST: Final = "load-test"

_OTHERS: Final = (Family(UP, "gauge", ""), Family(BLACKBOX_SUCCESS, "gauge", ""))
# Every metric and the labels it carries beside job and instance; nothing else may be asked for.
LABELS: Final[dict[str, tuple[str, ...]]] = {
    name: labels
    for family in (*APP, *ALERTING, *contract.FAMILIES, *_OTHERS)
    for name, labels in _labels(family)
}
# Those without a sample where a scrape fails; `up` has one.
SCRAPED: Final = LABELS.keys() - {UP}
