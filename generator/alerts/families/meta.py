"""The watchdog of the alerting pipeline."""

from __future__ import annotations

from dataclasses import replace

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Case, Panel, silent
from generator.thresholds.settings import ConditionAlert


@define(ConditionAlert)
def watchdog(context: Context, settings: ConditionAlert) -> Alert:
    """Always fires; its silence means that the path from Prometheus to the receiver is broken."""
    alert = Alert(
        family="meta",
        scope="bundle",
        detects=None,
        quantity="vector(1)",
        triggers=context.triggers(settings),
        summary="The alerting pipeline is working",
        description=(
            "This alert always fires. If it stops arriving, Prometheus, Alertmanager or the "
            "connection between them is broken; its receiver must raise the alarm in that case."
        ),
        panel=Panel("overview", "Availability", "Watchdog", "watchdog", unfiltered=True),
    )
    wait = context.clock.tick(alert.longest_for)
    before = silent(wait - context.clock.interval) if wait else ()
    firing = (alert.firing(at, 1, {}) for at in (wait, wait + 3600))
    return replace(alert, cases=(Case("always firing", (), (*before, *firing)),))
