"""A scrape target with every series of the contract, for a service that is well."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from exporters import contract
from generator.names import (
    ACCEPT_QUEUE,
    API_CLIENTS,
    API_CONNECTIONS,
    CONFIDENCE,
    CONNECTIONS_WAITING,
    CPU_SECONDS,
    DB_CONNECTIONS,
    EXPORTER_BUILD,
    EXPORTER_DURATION,
    EXPORTER_ERRORS,
    LATENCY,
    MAX_FDS,
    MEMORY_LIMIT,
    MEMORY_USAGE,
    OPEN_FDS,
    PROBE_DURATION,
    PROBE_SUCCESS,
    REQUESTS,
    RESIDENT_MEMORY,
    START_TIME,
    THREADS,
    VIRTUAL_MEMORY,
    WORKER_INFO,
    WORKER_STARTS,
    WORKERS,
)
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


def workers(thresholds: Thresholds, seconds: float) -> Iterator[str]:
    """`/metrics`: every worker runs and has room."""
    expected = thresholds.service.expected_workers
    for worker in range(expected):
        label = f'worker="{worker}"'
        gauges = {
            RESIDENT_MEMORY: GIB,
            VIRTUAL_MEMORY: 2 * GIB,
            THREADS: 8,
            OPEN_FDS: 30,
            MAX_FDS: 1024,
            START_TIME: STARTED,
            DB_CONNECTIONS: 1,
            contract.PROPORTIONAL_MEMORY.sample: GIB // 2,
            contract.UNIQUE_MEMORY.sample: GIB // 4,
        }
        yield from (f"{name}{{{label}}} {value}" for name, value in gauges.items())
        yield f'{CPU_SECONDS}{{{label},mode="user"}} {0.2 * seconds}'
        yield f'{CPU_SECONDS}{{{label},mode="system"}} {0.05 * seconds}'
        yield f'{WORKER_INFO}{{{label},pid="{100 + worker}"}} 1'
    singles = {
        WORKERS: expected,
        WORKER_STARTS: expected,
        MEMORY_LIMIT: 10 * GIB,
        MEMORY_USAGE: 5 * GIB,
        API_CONNECTIONS: 12,
        API_CLIENTS: 5,
        CONNECTIONS_WAITING: 0,
        ACCEPT_QUEUE: 0,
        PROBE_SUCCESS: 1,
        EXPORTER_DURATION: 0.001,
        contract.EXPORTER_APP_FILES.sample: 8,
        contract.EXPORTER_APP_FOLDED.sample: 0,
        contract.EXPORTER_APP_DURATION.sample: 0.001,
    }
    yield from (f"{name} {value}" for name, value in singles.items())
    yield from histogram(PROBE_DURATION, thresholds.service.latency_buckets, seconds, 0.005)
    yield f'{EXPORTER_ERRORS}{{reason="permission"}} 0'
    yield f'{contract.EXPORTER_DISCOVERY.sample}{{state="found"}} 1'
    yield f'{EXPORTER_BUILD}{{version="0"}} 1'


@contextmanager
def serve(thresholds: Thresholds) -> Iterator[str]:
    """Address of a sidecar on the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            lines = app if self.path == "/metrics/app" else workers
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
