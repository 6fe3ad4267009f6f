"""Targets that Prometheus no longer has, or scrapes with interruptions."""

from __future__ import annotations

from generator.alerts.testcases.inputs import THERE
from generator.scenarios import Events, ScenarioContext, Span

FAMILY = "availability"


def targets_dropped_by_mistake(context: ScenarioContext) -> Events:
    """A change to the service discovery drops all jobs. It is reverted."""
    incident = context.incident("no_targets", outlasts=("target_missing",))
    return incident.events(context.healthy().during(incident, scrapes="unknown", probes="unknown"))


def job_dropped_by_mistake(context: ScenarioContext) -> Events:
    """A change to the configuration drops the job of the app's metrics. It is reverted."""
    incident = context.incident("target_missing", outlasts=("app_metrics_missing", "idle_cpu"))
    dropped = context.healthy().during(incident, app_scrapes="unknown")
    return incident.events(dropped, also=("app metrics missing",))


def one_of_two_instances_vanishes(context: ScenarioContext) -> Events:
    """Service discovery no longer lists one of two instances. It is back an hour later."""
    incident = context.incident("instances_missing", lasts=3600.0)
    there = context.healthy(THERE).during(incident, scrapes="unknown", probes="unknown")
    return incident.events(context.healthy(), there)


def target_flaps(context: ScenarioContext) -> Events:
    """A sidecar is away every other minute for more than an hour. Then it is repaired."""
    incident = context.incident("target_flapping", lasts=4800.0)
    instance = context.healthy()
    for minute in range(0, 80, 2):
        start = incident.start + 60.0 * minute
        instance = instance.during(Span(start, start + 60.0), scrapes="failed")
    return incident.events(instance)
