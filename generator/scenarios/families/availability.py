"""The service down or hung, and single failed probes."""

from __future__ import annotations

from generator.scenarios.context import ScenarioContext
from generator.scenarios.registry import scenarios_of
from generator.scenarios.scenario import Events

scenario = scenarios_of("availability")


@scenario
def the_service_is_down(context: ScenarioContext) -> Events:
    """The service ends, as its database is gone, and cannot start. Then it can."""
    incident = context.incident("down")
    healthy = context.healthy()
    down = context.restarted(healthy, incident.start, downtime=incident.end - incident.start)
    return incident.events(
        down.during(incident, probe_succeeds=False, requests=0.0, clients=0.0),
        also={
            "workers missing": "no worker is fewer than should run",
            "no traffic": "nobody is answered, so no request counts",
        },
    )


@scenario
def the_service_hangs(context: ScenarioContext) -> Events:
    """All workers wait for a lock in the database, and nothing is answered. It is released."""
    incident = context.incident("unresponsive")
    healthy = context.healthy()
    hung = healthy.during(
        incident, probe_succeeds=False, requests=0.0, waiting=healthy.clients.at(0)
    )
    return incident.events(
        hung.workers_during(incident, cpu=0.0),
        also={"requests waiting": "requests wait while nothing is answered"},
    )


@scenario
def a_probe_fails_now_and_then(context: ScenarioContext) -> Events:
    """A probe is lost every twenty minutes. The next one is answered."""
    instance = context.healthy()
    for turn in range(1, 5):
        instance = instance.during(context.one_sample(1200.0 * turn), probe_succeeds=False)
    return Events(length=6000.0, instances=(instance,))
