"""Bounds of the latency that are met or missed by far: a busy machine changes no verdict."""

from __future__ import annotations

import json
from pathlib import Path

MET, MISSED = ("5s", "6s", "8s"), ("50ms", "100ms", "150ms")


def latency_bounds(
    folder: Path, target: str = MET[0], acceptable: str = MET[1], poor: str = MET[2]
) -> Path:
    """An overlay with these for the median, and with those that are met for other percentiles."""
    median = {"target": target, "acceptable": acceptable, "poor": poor}
    others = dict(zip(median, MET, strict=True))
    latency = {"p50": median, **dict.fromkeys(("p95", "p99", "p999"), others)}
    path = folder / "overlay.json"
    path.write_text(json.dumps({"targets": {"latency": latency}}))
    return path
