"""The service down or hung, and single failed probes."""

from __future__ import annotations

from generator.scenarios import Events, ScenarioContext

FAMILY = "availability"


def service_is_down(context: ScenarioContext) -> Events:
    """The database is gone, so the service stops and cannot start. Then the database is back."""
    incident = context.incident("down")
    healthy = context.healthy()
    down = context.restarted(healthy, incident.start, downtime=incident.end - incident.start)
    down = down.during(incident, probe_succeeds=False, reachable=False, requests=0.0, clients=0.0)
    return incident.events(down, also=("workers missing", "no traffic", "service unreachable"))


def service_hangs(context: ScenarioContext) -> Events:
    """All workers wait for a database lock, and nothing is answered. Then the lock is released."""
    incident = context.incident("unresponsive")
    healthy = context.healthy()
    hung = healthy.during(
        incident,
        probe_succeeds=False,
        reachable=False,
        requests=0.0,
        waiting=healthy.clients.at(0),
    )
    also = ("requests waiting", "service unreachable")
    return incident.events(hung.workers_during(incident, cpu=0.0), also=also)


def occasional_failed_probe(context: ScenarioContext) -> Events:
    """One probe fails every twenty minutes. The next one succeeds."""
    instance = context.healthy()
    for turn in range(1, 5):
        moment = context.one_sample(1200.0 * turn)
        instance = instance.during(moment, probe_succeeds=False, reachable=False)
    return Events(length=6000.0, instances=(instance,))
