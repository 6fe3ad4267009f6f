"""Traffic that stops, or is served too slowly, and pauses that are harmless."""

from __future__ import annotations

import math
from dataclasses import replace

from generator.scenarios import Events, ScenarioContext, Span, steady

FAMILY = "traffic"


def traffic_routed_elsewhere(context: ScenarioContext) -> Events:
    """A wrong route in the gateway sends all requests elsewhere. The service is healthy."""
    incident = context.incident("no_traffic")
    unused = context.healthy().during(incident, requests=0.0)
    return incident.events(unused.workers_during(incident, cpu=context.idle_cpu))


def noisy_neighbour(context: ScenarioContext) -> Events:
    """A noisy neighbour takes CPU time from the service, so requests queue. Then it stops."""
    # Fewer answers than requests, yet each waits for less than a second.
    incident = context.incident("low_throughput")
    rate = 0.75 * context.bound("low_throughput")
    waiting = math.ceil(1.2 * context.thresholds.targets.throughput.low.concurrency)
    busy = replace(context.healthy(), requests=steady(2.0 * rate))
    return incident.events(busy.during(incident, requests=rate, waiting=waiting))


def night_without_traffic(context: ScenarioContext) -> Events | None:
    """Traffic fades in the evening and stops at night. It returns in the morning."""
    # In the evening every window has a request, but the hours before the silence have too few for
    # the alert. None where no such rate exists.
    settings = context.settings("no_traffic")
    least, most = 1 / settings.window, settings.min_requests / settings.before
    if least >= most:
        return None
    evening, night = 3600.0, 3600.0 + settings.before + 2 * settings.window
    morning = night + 3 * 3600.0
    requests = steady(context.request_rate).then(evening, math.sqrt(least * most)).then(night, 0.0)
    busy = context.worker.cpu.at(0)
    cpu = steady(busy).then(evening, context.idle_cpu).then(morning, busy)
    quiet = replace(context.idle(), requests=requests.then(morning, context.request_rate))
    return Events(length=morning + 3600.0, instances=(quiet.workers_with(cpu=cpu),))


def pause_of_the_only_client(context: ScenarioContext) -> Events:
    """The only client pauses for less than the alert's window. Then it continues."""
    pause = Span(3600.0, 3600.0 + 0.8 * context.window("no_traffic"))
    return Events(length=3 * 3600.0, instances=(context.healthy().during(pause, requests=0.0),))
