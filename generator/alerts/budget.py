"""The error budget: how much of it is left, and how fast it burns."""

from __future__ import annotations

from typing import Final

from generator.alerts.build import error_ratio, errors, requests
from generator.alerts.model import Recording
from generator.promql import number
from generator.thresholds.model import Thresholds
from generator.thresholds.units import format_duration

FAMILY: Final = "budget"


def remaining(thresholds: Thresholds) -> Recording:
    """Share of the period's budget that is left; negative once it is overdrawn.

    Sums the increases recorded every short window: a range of weeks over raw counters would cost
    too much.
    """
    slo = thresholds.slo
    window = thresholds.alerts.high_error_rate.window
    period = f"[{format_duration(slo.period)}:{format_duration(window)}]"
    failed, all_ = (
        f"sum_over_time({each.query}{period})" for each in (errors(window), requests(window))
    )
    return Recording(
        FAMILY,
        f"instance:auditor_error_budget:remaining{format_duration(slo.period)}",
        f"1 - {failed}\n/\n({all_} > 0)\n/ {_budget(thresholds)}",
    )


def burn(thresholds: Thresholds, window: float) -> Recording:
    """How many times faster than allowed the budget burns; 1 uses it up at its period's end."""
    return Recording(
        FAMILY,
        f"instance:auditor_error_budget:burn_rate{format_duration(window)}",
        f"{error_ratio(window).query} / {_budget(thresholds)}",
    )


def _budget(thresholds: Thresholds) -> str:
    return number(round(1 - thresholds.slo.availability, 12))


def recordings(thresholds: Thresholds) -> tuple[Recording, ...]:
    """Every recording of the budget, in the order of evaluation."""
    short = thresholds.alerts.high_error_rate.window
    found = [requests(short), errors(short), remaining(thresholds)]
    for window in thresholds.slo.burn_windows:
        found += [requests(window), errors(window), error_ratio(window), burn(thresholds, window)]
    return tuple(found)
