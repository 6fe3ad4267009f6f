"""Panels that several dashboards show, and the words that several panels need."""

from __future__ import annotations

from typing import Final

from generator.alerts import budget
from generator.dashboards import levels
from generator.dashboards.panels import Panel, Query, TimeSeries
from generator.thresholds.levels import Unit
from generator.thresholds.model import Thresholds
from generator.thresholds.units import format_duration, format_value

NO_REQUESTS: Final = "No requests"
NO_SIDECAR: Final = "No data from the sidecar"
WORKER: Final = "{{instance}} worker {{worker}}"


def error_budget(thresholds: Thresholds, first_id: int) -> tuple[Panel, Panel]:
    """What is left of the error budget, and how fast it burns."""
    slo = thresholds.slo
    period = format_duration(slo.period)
    return (
        TimeSeries(
            id=first_id,
            title="Error budget left",
            description=(
                f"What is left of the failures that {format_value(slo.availability, Unit.RATIO)} "
                f"availability allows in {period}. Overdrawn: put reliability before features."
            ),
            queries=(Query(budget.remaining(thresholds).query, "{{instance}}"),),
            no_value=NO_REQUESTS,
            unit="percentunit",
            minimum=None,
            steps=levels.from_bound(0, levels.RED, below=True),
        ),
        TimeSeries(
            id=first_id + 1,
            title="Error budget burn rate",
            description=(
                "How many times faster than allowed the budget burns; at 1 it lasts just its "
                f"period of {period}. High over both windows: a fault that goes on; only over "
                "the short one: a burst."
            ),
            queries=tuple(
                Query(
                    budget.burn(thresholds, window).query,
                    f"{{{{instance}}}} over {format_duration(window)}",
                )
                for window in slo.burn_windows
            ),
            no_value=NO_REQUESTS,
            steps=levels.from_bound(1, levels.ORANGE),
            soft_maximum=1,
        ),
    )
