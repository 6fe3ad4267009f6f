"""Requests that stop coming, or are answered too slowly, and quiet hours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from generator.scenarios.context import ScenarioContext
from generator.scenarios.model import May, Scenario
from generator.scenarios.timeseries import steady


def scenarios(context: ScenarioContext) -> Iterator[Scenario]:
    yield _gateway(context)
    yield _slow_service(context)
    yield from _night(context)
    yield _pause(context)


def _gateway(context: ScenarioContext) -> Scenario:
    times = context.times("no_traffic")
    world = context.world()
    idle = context.idle().workers[0].cpu.at(0)
    workers = tuple(
        replace(worker, cpu=worker.cpu.between(times.start, times.end, idle))
        for worker in world.workers
    )
    return Scenario(
        name="the-gateway-sends-nothing",
        family="traffic",
        story=(
            "A wrong route in the gateway sends all requests elsewhere. The service itself is well."
        ),
        length=times.length,
        worlds=(
            replace(
                world,
                requests=world.requests.between(times.start, times.end, 0.0),
                workers=workers,
            ),
        ),
        must=context.must(times, "no_traffic"),
    )


def _slow_service(context: ScenarioContext) -> Scenario:
    """Short of what is asked for, yet each request waits less than a second."""
    times = context.times("low_throughput")
    world = context.world()
    rate = 0.75 * context.bound("low_throughput")
    waiting = math.ceil(1.2 * context.thresholds.targets.throughput.low.concurrency)
    return Scenario(
        name="answers-come-slower-than-asked",
        family="traffic",
        story="A noisy neighbour takes the machine's cores, and requests queue. It leaves.",
        length=times.length,
        worlds=(
            replace(
                world,
                requests=steady(2.0 * rate).between(times.start, times.end, rate),
                waiting=world.waiting.between(times.start, times.end, waiting),
            ),
        ),
        must=context.must(times, "low_throughput"),
        may=(May(reason="they wait", keys=("requests_waiting",)),),
    )


def _night(context: ScenarioContext) -> Iterator[Scenario]:
    """An evening with a request in each window, yet fewer than the alert wants before a silence.

    None where no such rate exists.
    """
    settings = context.thresholds.alerts.no_traffic
    least, most = 1 / settings.window, settings.min_requests / settings.before
    if least >= most:
        return
    evening, night = 3600.0, 3600.0 + settings.before + 2 * settings.window
    morning = night + 3 * 3600.0
    requests = steady(context.busy).to(evening, math.sqrt(least * most)).to(night, 0.0)
    busy = context.worker.cpu.at(0)
    workers = tuple(
        replace(worker, cpu=steady(busy).to(evening, worker.cpu.at(0)).to(morning, busy))
        for worker in context.idle().workers
    )
    yield Scenario(
        name="a-night-without-traffic",
        family="traffic",
        story=(
            "Requests grow few in the evening and stop at night. In the morning they come again."
        ),
        length=morning + 3600.0,
        worlds=(
            replace(context.idle(), requests=requests.to(morning, context.busy), workers=workers),
        ),
    )


def _pause(context: ScenarioContext) -> Scenario:
    length = 0.8 * context.window("no_traffic")
    world = context.world()
    return Scenario(
        name="a-pause-of-the-only-client",
        family="traffic",
        story="The only client stops for less than the alert's window. Then it goes on.",
        length=3 * 3600.0,
        worlds=(replace(world, requests=world.requests.between(3600.0, 3600.0 + length, 0.0)),),
    )
