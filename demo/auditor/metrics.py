"""The Auditor's metrics, in a registry of their own: like the Auditor, without `process_*`."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY: Final = CollectorRegistry()
REQUESTS: Final = Counter(
    "auditor_verify_requests_total", "Verification requests.", ["status"], registry=REGISTRY
)
LATENCY: Final = Histogram(
    "auditor_verify_latency_seconds", "Time of successful verifications.", registry=REGISTRY
)
CONFIDENCE: Final = Histogram(
    "auditor_confidence_score",
    "Confidence of verifications.",
    buckets=(0, 0.2, 0.4, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1),
    registry=REGISTRY,
)
