"""Panels of the error budgets, which several dashboards show."""

from __future__ import annotations

from generator.alerts import objectives
from generator.alerts.objectives import Objective
from generator.dashboards import steps
from generator.dashboards.panels import Panel, Query, TimeSeries
from generator.thresholds.model import Thresholds
from generator.thresholds.units import format_duration


def budget_panels(thresholds: Thresholds, *wanted: Objective) -> tuple[Panel, ...]:
    """Both panels of each objective."""
    panels = (budget_left, budget_burn)
    return tuple(panel(thresholds, each) for each in wanted for panel in panels)


def budget_left(thresholds: Thresholds, objective: Objective) -> Panel:
    """What is left of an objective's budget."""
    return TimeSeries(
        key=f"{objective.key}_budget_left",
        title=f"{objective.key.capitalize()} budget left",
        description=(
            f"Objective: {objective.good}. The rest is the budget; this is what is left of it over "
            f"{format_duration(thresholds.slo.period)}. Below zero: put reliability before "
            "features."
        ),
        queries=(Query(objectives.remaining(thresholds, objective).query, "{{job}}"),),
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
            "How many times faster than allowed the budget is used up; at 1 it lasts exactly "
            f"{format_duration(thresholds.slo.period)}. High over short and long windows: an "
            "ongoing fault. High only over short windows: a burst."
        ),
        queries=tuple(
            Query(
                objectives.burn_rate(objective, window).query,
                f"{{{{job}}}} over {format_duration(window)}",
            )
            for window in objectives.windows(thresholds)
        ),
        unit="none",
        steps=steps.from_bound(1, steps.ORANGE),
        soft_maximum=1,
    )
