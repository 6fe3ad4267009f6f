"""The Auditor as the sidecar sees it: its metrics, in a registry of its own, and its routes."""

from __future__ import annotations

import asyncio
import os
import time

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter, Histogram

# Unlike the sidecar's, these go to PROMETHEUS_MULTIPROC_DIR, as those of the Auditor do.
REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "auditor_verify_requests_total", "Verification requests.", ["status"], registry=REGISTRY
)
LATENCY = Histogram("auditor_verify_latency_seconds", "Verification time.", registry=REGISTRY)
CONFIDENCE = Histogram(
    "auditor_confidence_score",
    "Confidence of verifications.",
    buckets=(0, 0.2, 0.4, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1),
    registry=REGISTRY,
)

CONNECTIONS: list[asyncio.StreamWriter] = []

app = FastAPI()


@app.post("/verify")
async def verify(seconds: float = 0, fail: bool = False) -> dict[str, int]:
    """Blocks the event loop for this long, like the Auditor's CPU-bound work."""
    start = time.perf_counter()
    time.sleep(seconds)  # blocking is the point
    REQUESTS.labels("error" if fail else "success").inc()
    if not fail:
        LATENCY.observe(time.perf_counter() - start)
        CONFIDENCE.observe(0.9)
    return {"pid": os.getpid()}


@app.post("/database")
async def database(port: int) -> dict[str, int]:
    """Open one more database connection of this worker, and keep it open."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    CONNECTIONS.append(writer)
    return {"pid": os.getpid()}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}
