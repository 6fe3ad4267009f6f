"""The monitoring itself: blind, gone, or only restarted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator.scenarios.context import ScenarioContext
from generator.scenarios.model import May, Scenario


def scenarios(context: ScenarioContext) -> Iterator[Scenario]:
    yield _down(context)
    yield _unknown(context)
    yield _blind(context)
    yield _no_rights(context)
    yield _no_app_metrics(context)
    yield _restarts(context)
    yield _prometheus_restarts(context)
    yield _failed_scrapes(context)


def _down(context: ScenarioContext) -> Scenario:
    times = context.times("sidecar_down")
    return Scenario(
        name="the-sidecar-is-down",
        family="availability",
        story="The sidecar ends and nobody starts it for a while. The service is well.",
        length=times.length,
        worlds=(
            replace(
                context.world().scrapes(times.start, times.end, "failed"), resumes=(times.end,)
            ),
        ),
        must=context.must(times, "sidecar_down"),
    )


def _unknown(context: ScenarioContext) -> Scenario:
    times = context.times("target_missing")
    return Scenario(
        name="prometheus-forgets-the-targets",
        family="availability",
        story="A change of the service discovery drops both jobs. It is taken back.",
        length=times.length,
        worlds=(context.world().scrapes(times.start, times.end, "unknown"),),
        must=context.must(times, "target_missing"),
    )


def _blind(context: ScenarioContext) -> Scenario:
    times = context.times("sidecar_blind")
    world = context.world()
    return Scenario(
        name="the-sidecar-sees-no-workers",
        family="availability",
        story=(
            "The sidecar lost the shared namespace of processes and finds nobody. "
            "The service answers."
        ),
        length=times.length,
        worlds=(replace(world, seen=world.seen.between(times.start, times.end, False)),),
        must=context.must(times, "sidecar_blind"),
        may=(May(reason="none seen is fewer than should run", keys=("workers_missing",)),),
    )


def _no_rights(context: ScenarioContext) -> Scenario:
    times = context.times("sidecar_errors")
    world = context.world()
    return Scenario(
        name="the-sidecar-lost-its-rights",
        family="availability",
        story="The sidecar runs as another user and cannot read descriptors. That is set right.",
        length=times.length,
        worlds=(
            replace(world, read_errors=world.read_errors.between(times.start, times.end, 0.2)),
        ),
        must=context.must(times, "sidecar_errors"),
    )


def _no_app_metrics(context: ScenarioContext) -> Scenario:
    """For hours: what other alerts read of the app is missing as well."""
    times = context.times("app_metrics_missing", "idle_cpu")
    world = context.world()
    return Scenario(
        name="the-apps-metrics-are-gone",
        family="availability",
        story="A deploy lost the folder of the app's metrics. For hours nobody sets it again.",
        length=times.length,
        worlds=(replace(world, counted=world.counted.between(times.start, times.end, False)),),
        must=context.must(times, "app_metrics_missing"),
    )


def _restarts(context: ScenarioContext) -> Scenario:
    world = context.world()
    alert_tests = (1800.0, 2700.0)
    for moment in alert_tests:
        world = world.scrapes(moment, moment + 2 * context.context.clock.interval, "failed")
    return Scenario(
        name="the-sidecar-restarts",
        family="availability",
        story=(
            "The sidecar is restarted twice and misses some scrapes. Its own counters begin anew."
        ),
        length=5400.0,
        worlds=(replace(world, resumes=alert_tests),),
    )


def _prometheus_restarts(context: ScenarioContext) -> Scenario:
    """A gap that Prometheus looks back over, and a longer one."""
    world = context.world().scrapes(1800.0, 2010.0, "lost").scrapes(3600.0, 4080.0, "lost")
    return Scenario(
        name="prometheus-restarts",
        family="availability",
        story=(
            "Prometheus is restarted, and later moved to another machine. "
            "It scrapes nothing meanwhile."
        ),
        length=3 * 3600.0,
        worlds=(world,),
    )


def _failed_scrapes(context: ScenarioContext) -> Scenario:
    world = context.world()
    once = float(context.context.clock.interval)
    for turn in range(1, 8):
        world = world.scrapes(600.0 * turn, 600.0 * turn + once, "failed")
    return Scenario(
        name="a-scrape-fails-now-and-then",
        family="availability",
        story="A scrape runs into its time limit every ten minutes. The next one succeeds.",
        length=5400.0,
        worlds=(world,),
    )
