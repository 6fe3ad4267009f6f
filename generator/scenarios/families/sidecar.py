"""The monitoring itself: blind, down, or only restarted."""

from __future__ import annotations

from dataclasses import replace

from generator.scenarios.context import ScenarioContext
from generator.scenarios.registry import scenarios_of
from generator.scenarios.scenario import Events
from generator.scenarios.timeseries import Span

scenario = scenarios_of("availability")


@scenario
def the_sidecar_is_down(context: ScenarioContext) -> Events:
    """The sidecar ends and nobody starts it for a while. The service is well."""
    incident = context.incident("sidecar_down")
    down = context.healthy().scraped(incident, "failed")
    return incident.events(replace(down, sidecar_restarts=(incident.end,)))


@scenario
def prometheus_forgets_the_targets(context: ScenarioContext) -> Events:
    """A change of the service discovery drops both jobs. It is taken back."""
    incident = context.incident("target_missing")
    return incident.events(context.healthy().scraped(incident, "unknown"))


@scenario
def the_sidecar_sees_no_workers(context: ScenarioContext) -> Events:
    """The sidecar lost the shared namespace of processes and finds nobody. The service answers."""
    incident = context.incident("sidecar_blind")
    return incident.events(
        context.healthy().during(incident, workers_visible=False),
        also={"workers missing": "no worker seen is fewer than should run"},
    )


@scenario
def the_sidecar_lost_its_rights(context: ScenarioContext) -> Events:
    """The sidecar runs as another user and cannot read descriptors. That is set right."""
    incident = context.incident("sidecar_errors")
    return incident.events(context.healthy().during(incident, read_errors=0.2))


@scenario
def the_apps_metrics_are_gone(context: ScenarioContext) -> Events:
    """A deploy lost the folder of the app's metrics. For hours nobody sets it again."""
    # Busy workers must not look as if they computed without requests.
    incident = context.incident("app_metrics_missing", outlasts=("idle_cpu",))
    return incident.events(context.healthy().during(incident, app_metrics=False))


@scenario
def the_sidecar_restarts(context: ScenarioContext) -> Events:
    """The sidecar is restarted twice and misses some scrapes. Its own counters begin anew."""
    restarts = (1800.0, 2700.0)
    instance = replace(context.healthy(), sidecar_restarts=restarts)
    for moment in restarts:
        instance = instance.scraped(Span(moment, moment + 2 * context.interval), "failed")
    return Events(length=5400.0, instances=(instance,))


@scenario
def prometheus_restarts(context: ScenarioContext) -> Events:
    """Prometheus is restarted, and later moved to another machine. It scrapes nothing meanwhile."""
    # One gap within Prometheus's lookback of five minutes, and one beyond.
    short, long = Span(1800.0, 2010.0), Span(3600.0, 4080.0)
    instance = context.healthy().scraped(short, "lost").scraped(long, "lost")
    return Events(length=3 * 3600.0, instances=(instance,))


@scenario
def a_scrape_fails_now_and_then(context: ScenarioContext) -> Events:
    """A scrape runs into its time limit every ten minutes. The next one succeeds."""
    instance = context.healthy()
    for turn in range(1, 8):
        instance = instance.scraped(context.one_sample(600.0 * turn), "failed")
    return Events(length=5400.0, instances=(instance,))
