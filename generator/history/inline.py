"""Expressions without the recording rules that a Prometheus does not have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from generator.alerts.model import Recording
from generator.thresholds.units import format_duration

# A recorded series with empty braces, its range or subquery, and its offset.
_RECORDED: Final = re.compile(
    r"(?P<name>[a-z]+:\w+:\w+)\{\}(?:\[(?P<range>\w+)(?::(?P<step>\w*))?\])?"
    r"(?: offset (?P<offset>\w+))?"
)


def inlined(expr: str, missing: Mapping[str, Recording], step: float) -> str:
    """`expr` with each missing series written out; a range over one becomes a subquery.

    `step` is the rules' evaluation interval in seconds, at which the series would have its samples.
    """
    every = format_duration(step)

    def written_out(found: re.Match[str]) -> str:
        recording = missing.get(found["name"])
        if recording is None:
            return found[0]
        inner = f"({inlined(recording.expr, missing, step)})"
        offset = f" offset {found['offset']}" if found["offset"] else ""
        if found["range"]:
            return f"{inner}[{found['range']}:{found['step'] or every}]{offset}"
        return f"last_over_time({inner}[{every}:{every}]{offset})" if offset else inner

    return _RECORDED.sub(written_out, expr)
