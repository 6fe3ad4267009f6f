"""Workers that end: again and again, for good, or once."""

from __future__ import annotations

from generator.scenarios import Events, ScenarioContext

FAMILY = "workers"


def workers_crash_in_a_loop(context: ScenarioContext) -> Events:
    """A broken model ends every worker minutes after its start. A rollback fixes it."""
    key = "worker_crash_loop"
    incident = context.incident(key)
    pause = context.window(key) / (3 * context.bound(key))
    instance, moment = context.healthy(), incident.start
    while moment < incident.end:
        instance = context.restarted(instance, moment)
        moment += pause
    return incident.events(instance)


def worker_is_not_replaced(context: ScenarioContext) -> Events | None:
    """A worker is killed and its supervisor does not replace it. A restart does."""
    # None with a single worker: losing it is losing the service.
    if context.workers == 1:
        return None
    incident = context.incident("workers_missing")
    downtime = incident.end - incident.start
    healthy = context.healthy()
    return incident.events(context.restarted(healthy, incident.start, [0], downtime=downtime))


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
    instance = context.restarted(instance, second.start).during(second, probe_succeeds=False)
    return Events(length=3 * 3600.0, instances=(instance,))


def deploy_is_rolled_back(context: ScenarioContext) -> Events | None:
    """A release is rolled back minutes after its deploy. Every worker starts twice."""
    # None where a bound takes two starts of each worker in the window for too many.
    if context.bound("worker_crash_loop", "lowest") < 2:
        return None
    release, rollback = 1800.0, 1800.0 + context.window("worker_crash_loop") * 2 / 3
    instance = context.restarted(context.restarted(context.healthy(), release), rollback)
    return Events(length=3 * 3600.0, instances=(instance,))
