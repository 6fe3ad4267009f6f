"""The watchdog of the alerting pipeline."""

from __future__ import annotations

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, AlertTest, Case, ExpectedAlert, Panel
from generator.alerts.triggers import triggers
from generator.thresholds.settings import ConditionAlert
from generator.thresholds.units import Unit


@define(ConditionAlert)
def watchdog(context: Context, settings: ConditionAlert) -> Alert:
    """Always fires; its silence means that the path from Prometheus to the receiver is broken."""
    found = triggers(context.thresholds, settings)
    wait = context.clock.tick(found[0].for_)
    firing = tuple(ExpectedAlert(trigger.severity, 1, {}, {}) for trigger in found)
    before = (AlertTest(wait - context.clock.interval, ()),) if wait else ()
    return Alert(
        family="meta",
        scope="bundle",
        detects=None,
        quantity="vector(1)",
        op=">",
        unit=Unit.COUNT,
        triggers=found,
        keep_firing_for=settings.keep_firing_for,
        summary="The alerting pipeline is working",
        description=(
            "This alert always fires. If it stops arriving, Prometheus, Alertmanager or the "
            "connection between them is broken; its receiver must raise the alarm in that case."
        ),
        panel=Panel("overview", "Availability", "Watchdog", "watchdog", unfiltered=True),
        cases=(
            Case(
                "always firing",
                (),
                (*before, AlertTest(wait, firing), AlertTest(wait + 3600, firing)),
            ),
        ),
    )
