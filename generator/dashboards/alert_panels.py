"""The panel of an alert: the very expression of its rule, with its bounds as lines."""

from __future__ import annotations

from typing import Final

from generator.alerts.model import Alert
from generator.dashboards import steps
from generator.dashboards.panels import Link, Query, TimeSeries
from generator.runbooks.sources import summary
from generator.thresholds.model import Thresholds
from generator.thresholds.units import Unit

UNITS: Final = {
    Unit.DURATION: "s",
    Unit.BYTES: "bytes",
    Unit.GROWTH: "binBps",
    Unit.RATIO: "percentunit",
    Unit.RATE: "reqps",
    Unit.COUNT_RATE: "cps",
    Unit.COUNT: "short",
    Unit.SCORE: "none",
    Unit.FACTOR: "none",
}


def alert_panel(thresholds: Thresholds, alert: Alert) -> TimeSeries:
    runbook = f"{thresholds.service.links.runbooks}/{alert.name}.md"
    return TimeSeries(
        key=alert.key,
        title=alert.panel.title,
        description=_description(alert),
        queries=(Query(alert.quantity, alert.legend, unfiltered=alert.panel.unfiltered),),
        no_value="No data: no traffic to evaluate, or not recorded yet",
        unit=UNITS[alert.unit],
        minimum=None if alert.unit in (Unit.GROWTH, Unit.COUNT_RATE) else 0,
        steps=steps.of_alert(alert),
        soft_maximum=steps.lowest_bound(alert) or None,
        links=(Link(f"Runbook for {alert.name}", runbook),),
    )


def _description(alert: Alert) -> str:
    """When the alert fires, what that means, what to do next, and the levels of its row."""
    bound = next((each.bound for each in reversed(alert.triggers) if each.bound), None)
    meaning = f"Meaning: {summary(alert.key)}"
    levels = steps.row_in_words(bound.levels) if bound else ""
    parts = (steps.alert_in_words(alert), meaning, _next_step(alert), levels)
    return "\n\n".join(filter(None, parts))


def _next_step(alert: Alert) -> str:
    """The alert's own advice, unless it contains a value."""
    _, found, advice = alert.description.partition("Next: ")
    return f"Next: {advice}" if found and "{{" not in advice else ""
