"""What is recorded of a gauge that may leak: its lower envelope, slope, and time to its limit."""

from __future__ import annotations

from dataclasses import dataclass

from generator.alerts.model import Family, Recording
from generator.thresholds.settings import LeakAlert
from generator.thresholds.units import format_duration


@dataclass(frozen=True)
class LeakingGauge:
    """A gauge of a worker that may leak.

    `limit` is what it must not reach, PromQL with braces at every selector. In tests that is `top`,
    given by the series `limits` where it is no number; a healthy worker holds `base`, which a
    garbage collector, a pause of its clients or a release moves by `swing`. `origins` are the paths
    of the thresholds that the limit comes from.
    """

    metric: str
    family: Family
    limit: str
    top: float
    base: float
    swing: float
    limits: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


def envelope(leaking: LeakingGauge, settings: LeakAlert) -> Recording:
    """The lower envelope, free of what comes and goes."""
    e = format_duration(settings.envelope)
    return Recording(
        leaking.family,
        f"worker:{leaking.metric}:min{e}",
        f"min_over_time({leaking.metric}{{}}[{e}])",
    )


def slope(leaking: LeakingGauge, settings: LeakAlert) -> Recording:
    """The slope of the envelope by least squares, per second."""
    low, w = envelope(leaking, settings), format_duration(settings.window)
    return Recording(leaking.family, f"{low.name}_deriv{w}", f"deriv({low.query}[{w}])")


def seconds_to_limit(leaking: LeakingGauge, settings: LeakAlert) -> Recording:
    """Seconds until a worker that grows reaches its limit."""
    return Recording(
        leaking.family,
        f"worker:{leaking.metric}:seconds_to_limit_deriv{format_duration(settings.window)}",
        f"({leaking.limit} - {leaking.metric}{{}} > 0)\n/ ({slope(leaking, settings).query} > 0)",
    )


def judged_from(settings: LeakAlert) -> float:
    """Age from which window and envelope lie past the warm-up."""
    return settings.warm_up + settings.envelope + settings.window
