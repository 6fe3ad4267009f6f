"""Recording rules that several families and dashboards use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from generator.alerts.model import Family, Recording
from generator.names import CONFIDENCE, LATENCY, PROBE_DURATION, REQUESTS, UP
from generator.promql import number
from generator.thresholds.units import format_duration

Level = Literal["instance", "job"]

ERROR: Final = 'status="error"'

# The labels that counts are aggregated by, per instance or per job.
LEVELS: Final[Mapping[Level, str]] = {"instance": "job, instance", "job": "job"}

# Row of the latency targets -> quantile.
QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}
NAMES: Final = {"p50": "Median", "p95": "p95", "p99": "p99", "p999": "p99.9"}


def requests(window: float, level: Level = "instance") -> Recording:
    """Requests that the app counted in the window.

    A status has no series before its first request, so `increase` would miss the first value of a
    new series. Where a series did not exist at the start of the window although the target was
    scraped, its whole value is new.
    """
    w = format_duration(window)
    return Recording(
        "error",
        f"{level}:auditor_verify_requests:increase{w}",
        f"sum by ({LEVELS[level]}) ({_increase('', w)})",
    )


def errors(window: float, level: Level = "instance") -> Recording:
    """Failed requests among `requests`; 0 if none ever failed."""
    w = format_duration(window)
    return Recording(
        "error",
        f"{level}:auditor_verify_errors:increase{w}",
        f"sum by ({LEVELS[level]}) ({_increase(ERROR, w)})\nor\n"
        f"0 * {requests(window, level).query}",
    )


def _increase(matcher: str, w: str) -> str:
    series = f"{REQUESTS}{{{matcher}}}"
    return (
        f"\n  ({series} unless {REQUESTS}{{}} offset {w})\n    and on (job, instance) "
        f"({UP}{{}} offset {w} == 1)\n  or\n  increase({series}[{w}])\n"
    )


def error_ratio(window: float) -> Recording:
    """Share of the window's requests that failed; no sample without requests."""
    return Recording(
        "error",
        f"instance:auditor_verify_errors:ratio{format_duration(window)}",
        f"{errors(window).query} / ({requests(window).query} > 0)",
    )


def request_rate(window: float) -> Recording:
    """Requests per second."""
    w = format_duration(window)
    return Recording(
        "traffic",
        f"instance:auditor_verify_requests:rate{w}",
        f"sum by (job, instance) (rate({REQUESTS}{{}}[{w}]))",
    )


def steady_rate(window: float) -> str:
    """`request_rate` once its window is full; until then it reads too low."""
    rate = request_rate(window).query
    return f"({rate} and {rate} offset {format_duration(window)})"


def family_of(metric: str) -> Family:
    """The family that records a histogram."""
    families: dict[str, Family] = {
        LATENCY: "latency",
        PROBE_DURATION: "saturation",
        CONFIDENCE: "quality",
    }
    return families[metric]


def quantile(metric: str, field: str, window: float) -> Recording:
    """A quantile per instance over a window, from a histogram's buckets."""
    w = format_duration(window)
    return Recording(
        family_of(metric),
        f"instance:{metric}:{field}_rate{w}",
        (
            f"histogram_quantile({number(QUANTILES[field])}, sum by (job, instance, le) "
            f"(rate({metric}_bucket{{}}[{w}])))"
        ),
    )


def observations(metric: str, window: float, level: Level = "instance") -> Recording:
    """Observations of a histogram in a window."""
    w = format_duration(window)
    return Recording(
        family_of(metric),
        f"{level}:{metric}_count:increase{w}",
        f"sum by ({LEVELS[level]}) (increase({metric}_count{{}}[{w}]))",
    )
