"""Workers that end: again and again, for good, or once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from generator.scenarios import Events, ScenarioContext
from generator.scenarios.context import LOADING
from generator.scenarios.instance import Instance
from generator.scenarios.timeseries import Span, steady

FAMILY = "workers"
_DAY = 86400.0


def workers_crash_in_a_loop(context: ScenarioContext) -> Events:
    """A broken model ends every worker minutes after its start. A rollback fixes it."""
    key = "worker_crash_loop"
    incident = context.incident(key)
    pause = context.window(key) / (3 * context.bound(key))
    return incident.events(_crashing(context, incident, pause))


def one_worker_crashes_every_other_minute(context: ScenarioContext) -> Events:
    """For an hour one worker ends and is replaced. The others are well."""
    key = "worker_crash_loop"
    incident = context.incident(key, lasts=3600.0)
    pause = context.window(key) * 8 / 15 / context.bound(key)
    return incident.events(_crashing(context, incident, pause, [0]))


def one_worker_crashes_every_four_minutes(context: ScenarioContext) -> Events | None:
    """For hours one worker ends and is replaced, but too seldom to page. The others are well."""
    key = "worker_crash_loop"
    # None where each start too many is critical.
    if context.bound(key) - context.bound(key, "lowest") < 2:
        return None
    incident = context.incident(key, severity="lowest", lasts=4 * 3600.0)
    pause = context.window(key) * 16 / 15 / context.bound(key)
    return incident.events(_crashing(context, incident, pause, [0]))


def _crashing(
    context: ScenarioContext, span: Span, pause: float, slots: Collection[int] | None = None
) -> Instance:
    """All workers, or those in `slots`, restart every `pause` seconds."""
    instance, moment = context.healthy(), span.start
    while moment < span.end:
        instance = context.restarted(instance, moment, slots)
        moment += pause
    return instance


def worker_is_not_replaced(context: ScenarioContext) -> Events | None:
    """A worker is killed and its supervisor does not replace it. A restart does."""
    # None with a single worker: losing it is losing the service.
    if context.workers == 1:
        return None
    incident = context.incident("workers_missing")
    downtime = incident.end - incident.start
    healthy = context.healthy()
    return incident.events(context.restarted(healthy, incident.start, [0], downtime=downtime))


def installation_with_one_worker(context: ScenarioContext) -> Events | None:
    """The Auditor's image starts a single worker. Each day a deploy restarts it."""
    # None where there must be a certain number.
    if context.settings("workers_missing").expected:
        return None
    healthy = context.healthy()
    instance = replace(healthy, workers=healthy.workers[:1])
    for day in (0.5, 1.5):
        instance = context.restarted(instance, day * _DAY)
    return Events(length=2 * _DAY, instances=(instance,))


def reload_overlaps(context: ScenarioContext) -> Events:
    """A reload starts new workers before it ends the old ones. For a minute both run."""
    overlap = Span(1800.0, 1860.0)
    healthy = context.healthy()
    old = healthy.workers_with(
        alive=steady(True).then(overlap.end, False),
        memory=steady(context.warm_memory).then(overlap.end, 0.0),
    )
    loaded = overlap.start + LOADING
    cold = steady(0.0).then(overlap.start, context.cold_memory)
    new = healthy.workers_with(
        alive=steady(False).then(overlap.start, True),
        memory=cold.then(loaded, context.warm_memory),
        started=steady(overlap.start),
    )
    instance = replace(healthy, workers=old.workers + new.workers)
    return Events(length=5400.0, instances=(instance,), sample_interval=30)


def worker_is_killed_once(context: ScenarioContext) -> Events:
    """The kernel kills a worker. Its supervisor replaces it within seconds."""
    downtime = context.one_sample(1800.0)
    instance = context.healthy().during(downtime, errors=0.02)
    instance = context.restarted(instance, downtime.start, [0], downtime=context.interval)
    return Events(length=5400.0, instances=(instance,))


def deploys_of_all_workers(context: ScenarioContext) -> Events:
    """A deploy replaces one worker after another. The next one restarts all of them at once."""
    instance = context.healthy()
    for slot in range(context.workers):
        instance = context.restarted(instance, 1800.0 + 30 * slot, [slot])
    second = context.one_sample(5400.0)
    instance = context.restarted(instance, second.start).during(
        second, probe_succeeds=False, reachable=False
    )
    return Events(length=3 * 3600.0, instances=(instance,))


def deploy_is_rolled_back(context: ScenarioContext) -> Events | None:
    """A release is rolled back minutes after its deploy. Every worker starts twice."""
    # None where a bound takes two starts of each worker in the window for too many.
    if context.bound("worker_crash_loop", "lowest") < 2:
        return None
    release, rollback = 1800.0, 1800.0 + context.window("worker_crash_loop") * 2 / 3
    instance = context.restarted(context.restarted(context.healthy(), release), rollback)
    return Events(length=3 * 3600.0, instances=(instance,))
