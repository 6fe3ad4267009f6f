"""The alerting itself: notifications that do not arrive."""

from __future__ import annotations

from dataclasses import replace

from generator.scenarios import Events, ScenarioContext, steady

FAMILY = "meta"


def pages_do_not_arrive(context: ScenarioContext) -> Events:
    """The file with the key of PagerDuty is missing after a deployment. Then it is back."""
    incident = context.incident("notifications_failing")
    lost = steady(0.0).during(incident, 3 / context.window("notifications_failing"))
    return replace(incident.events(context.healthy()), lost_notifications=lost)
