"""The monitoring itself: blind, down, or only restarted."""

from __future__ import annotations

from dataclasses import replace

from generator.scenarios import Events, ScenarioContext, Span

FAMILY = "availability"


def sidecar_is_down(context: ScenarioContext) -> Events:
    """The sidecar stops and stays down for a while. The service is healthy."""
    incident = context.incident("sidecar_down")
    down = context.healthy().during(incident, scrapes="failed")
    return incident.events(replace(down, sidecar_restarts=(incident.end,)))


def sidecar_finds_no_workers(context: ScenarioContext) -> Events:
    """The sidecar loses the shared process namespace and finds no workers.

    The service still answers.
    """
    incident = context.incident("sidecar_blind")
    blind = context.healthy().during(incident, workers_visible=False)
    return incident.events(blind, also=("workers missing",))


def sidecar_lacks_permissions(context: ScenarioContext) -> Events:
    """The sidecar runs as another user and cannot read file descriptors. Then that is fixed."""
    incident = context.incident("sidecar_errors")
    return incident.events(context.healthy().during(incident, read_errors=0.2))


def app_metrics_are_missing(context: ScenarioContext) -> Events:
    """A deploy loses the directory of the app's metrics. It stays missing for hours."""
    # Busy workers must not look as if they computed without requests.
    forgotten = context.thresholds.service.lookback
    incident = context.incident("app_metrics_missing", delay=forgotten, outlasts=("idle_cpu",))
    return incident.events(context.healthy().during(incident, app_metrics=False))


def sidecar_restarts(context: ScenarioContext) -> Events:
    """The sidecar restarts twice and misses a few scrapes. Its own counters start over."""
    restarts = (1800.0, 2700.0)
    instance = replace(context.healthy(), sidecar_restarts=restarts)
    for moment in restarts:
        instance = instance.during(Span(moment, moment + 2 * context.interval), scrapes="failed")
    return Events(length=5400.0, instances=(instance,))


def prometheus_restarts(context: ScenarioContext) -> Events:
    """Prometheus restarts, and later moves to another machine. Meanwhile it scrapes nothing."""
    # One gap within Prometheus's lookback of five minutes, and one beyond.
    short, long = Span(1800.0, 2010.0), Span(3600.0, 4080.0)
    instance = context.healthy()
    for gap in (short, long):
        instance = instance.during(gap, scrapes="lost", probes="lost")
    return Events(length=3 * 3600.0, instances=(instance,))


def occasional_failed_scrape(context: ScenarioContext) -> Events:
    """One scrape times out every ten minutes. The next one succeeds."""
    instance = context.healthy()
    for turn in range(1, 8):
        instance = instance.during(context.one_sample(600.0 * turn), scrapes="failed")
    return Events(length=5400.0, instances=(instance,))
