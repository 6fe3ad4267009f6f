"""A scrape target with every series of the contract, for a service that is well."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from typing import Final

from exporters import contract
from exporters.contract import Family
from exporters.exposition import label_set
from generator.names import BLACKBOX_SUCCESS, CONFIDENCE, LATENCY, REQUESTS
from generator.promql import le
from generator.thresholds import Thresholds

GIB: Final = 2**30
STARTED: Final = time.time()


def histogram(name: str, buckets: tuple[float, ...], count: float, typical: float) -> Iterator[str]:
    """Observations that all lie at `typical`."""
    for bound in buckets:
        yield f'{name}_bucket{{le="{le(bound)}"}} {count if bound >= typical else 0}'
    yield f'{name}_bucket{{le="+Inf"}} {count}'
    yield f"{name}_count {count}"
    yield f"{name}_sum {count * typical}"


def app(thresholds: Thresholds, seconds: float) -> Iterator[str]:
    """`/metrics/app`: ten requests a second, of which none failed."""
    service = thresholds.service
    yield f'{REQUESTS}{{status="success"}} {10 * seconds}'
    yield from histogram(LATENCY, service.latency_buckets, 10 * seconds, 0.1)
    yield from histogram(CONFIDENCE, service.confidence_buckets, 10 * seconds, 0.9)


# The values of a service that is well; any other metric of the contract is 0.
VALUES: Final[Mapping[Family, float]] = {
    contract.RESIDENT_MEMORY: GIB,
    contract.VIRTUAL_MEMORY: 2 * GIB,
    contract.PROPORTIONAL_MEMORY: GIB // 2,
    contract.UNIQUE_MEMORY: GIB // 4,
    contract.THREADS: 8,
    contract.OPEN_FDS: 30,
    contract.MAX_FDS: 1024,
    contract.START_TIME: STARTED,
    contract.WORKER_STARTS: 1,
    contract.DB_CONNECTIONS: 1,
    contract.WORKER_INFO: 1,
    contract.MEMORY_LIMIT: 10 * GIB,
    contract.MEMORY_USAGE: 5 * GIB,
    contract.API_CONNECTIONS: 12,
    contract.API_CLIENTS: 5,
    contract.PROBE_SUCCESS: 1,
    contract.EXPORTER_DURATION: 0.001,
    contract.EXPORTER_DISCOVERY: 1,
    contract.EXPORTER_APP_FILES: 8,
    contract.EXPORTER_APP_DURATION: 0.001,
    contract.EXPORTER_BUILD: 1,
}
LABELS: Final = {
    "mode": ("user", "system"),
    "reason": ("permission",),
    "state": ("found",),
    "version": ("0",),
}


def workers(thresholds: Thresholds, seconds: float) -> Iterator[str]:
    """`/metrics`: every worker runs and has room."""
    expected = thresholds.service.expected_workers
    values = {
        **VALUES,
        contract.WORKERS: expected,
        contract.CPU_SECONDS: 0.1 * seconds,
    }
    for family in contract.FAMILIES:
        if family.kind == "histogram":
            buckets = thresholds.service.latency_buckets
            yield from histogram(family.name, buckets, seconds, 0.005)
            continue
        for worker in range(expected if "worker" in family.labels else 1):
            own = {"worker": (str(worker),), "pid": (str(100 + worker),)}
            options = [{**LABELS, **own}.get(label, ("other",)) for label in family.labels]
            for chosen in product(*options):
                labels = label_set(zip(family.labels, chosen, strict=True))
                yield f"{family.sample}{labels} {values.get(family, 0)}"


def probe(_thresholds: Thresholds, _seconds: float) -> Iterator[str]:
    """`/probe`, as blackbox_exporter has it."""
    yield f"{BLACKBOX_SUCCESS} 1"


PAGES: Final = {"/metrics/app": app, "/metrics": workers, "/probe": probe}


@contextmanager
def serve(thresholds: Thresholds) -> Iterator[str]:
    """Address of a sidecar on the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            lines = PAGES[self.path]
            body = "\n".join(lines(thresholds, time.time() - STARTED)).encode() + b"\n"
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in the base class
            """Nothing: one line a scrape helps nobody."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
