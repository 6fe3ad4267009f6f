"""Panels of the error budgets, which several dashboards show."""

from __future__ import annotations

from generator.alerts import objectives
from generator.alerts.objectives import Objective
from generator.dashboards import steps
from generator.dashboards.panels import NO_REQUESTS, Panel, Query, TimeSeries
from generator.thresholds.model import Thresholds
from generator.thresholds.units import format_duration


def budget_left(thresholds: Thresholds, objective: Objective) -> Panel:
    """What is left of an objective's budget."""
    return TimeSeries(
        key=f"{objective.key}_budget_left",
        title=f"{objective.key.capitalize()} budget left",
        description=(
            f"{objective.good[0].upper()}{objective.good[1:]}: what is left of those that need "
            f"not, within {format_duration(thresholds.slo.period)}. Overdrawn: put reliability "
            "before features."
        ),
        queries=(Query(objectives.remaining(thresholds, objective).query, "{{job}}"),),
        no_value=NO_REQUESTS,
        unit="percentunit",
        minimum=None,
        steps=steps.from_bound(0, steps.RED, below=True),
    )


def budget_burn(thresholds: Thresholds, objective: Objective) -> Panel:
    """How fast an objective's budget burns, over every window that an alert watches."""
    return TimeSeries(
        key=f"{objective.key}_budget_burn",
        title=f"{objective.key.capitalize()} budget burn rate",
        description=(
            "How many times faster than allowed the budget burns; at 1 it lasts just its period of "
            f"{format_duration(thresholds.slo.period)}. High over short and long windows: a fault "
            "that goes on; only over short ones: a burst."
        ),
        queries=tuple(
            Query(
                objectives.burn_rate(objective, window).query,
                f"{{{{job}}}} over {format_duration(window)}",
            )
            for window in objectives.windows(thresholds)
        ),
        no_value=NO_REQUESTS,
        unit="none",
        steps=steps.from_bound(1, steps.ORANGE),
        soft_maximum=1,
    )
