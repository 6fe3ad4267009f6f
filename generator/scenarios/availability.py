"""The service down or hung, and probes that fail once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator.scenarios.context import ScenarioContext
from generator.scenarios.model import May, Scenario


def scenarios(context: ScenarioContext) -> Iterator[Scenario]:
    yield _down(context)
    yield _hung(context)
    yield _probe_fails(context)


def _down(context: ScenarioContext) -> Scenario:
    times = context.times("down")
    world = context.restarted(context.world(), times.start, gone=times.end - times.start)
    return Scenario(
        name="the-service-is-down",
        family="availability",
        story="The service ends, as its database is gone, and cannot start. Then it can.",
        length=times.length,
        worlds=(
            replace(
                world,
                answers=world.answers.between(times.start, times.end, False),
                requests=world.requests.between(times.start, times.end, 0.0),
                clients=world.clients.between(times.start, times.end, 0.0),
            ),
        ),
        must=context.must(times, "down"),
        may=(
            May(reason="none is fewer than should run", keys=("workers_missing",)),
            May(reason="nobody is answered, so no request counts", keys=("no_traffic",)),
        ),
    )


def _hung(context: ScenarioContext) -> Scenario:
    times = context.times("unresponsive")
    world = context.world()
    workers = tuple(
        replace(worker, cpu=worker.cpu.between(times.start, times.end, 0.0))
        for worker in world.workers
    )
    waiting = world.clients.at(0)
    return Scenario(
        name="the-service-hangs",
        family="availability",
        story=(
            "All workers wait for a lock in the database, and nothing is answered. It is released."
        ),
        length=times.length,
        worlds=(
            replace(
                world,
                workers=workers,
                answers=world.answers.between(times.start, times.end, False),
                requests=world.requests.between(times.start, times.end, 0.0),
                waiting=world.waiting.between(times.start, times.end, waiting),
            ),
        ),
        must=context.must(times, "unresponsive"),
        may=(
            May(
                reason="requests wait while nothing is answered",
                keys=("requests_waiting", "low_throughput"),
            ),
        ),
    )


def _probe_fails(context: ScenarioContext) -> Scenario:
    world = context.world()
    once = float(context.context.clock.interval)
    answers = world.answers
    for turn in range(1, 5):
        answers = answers.between(1200.0 * turn, 1200.0 * turn + once, False)
    return Scenario(
        name="a-probe-fails-now-and-then",
        family="availability",
        story="A probe is lost every twenty minutes. The next one is answered.",
        length=6000.0,
        worlds=(replace(world, answers=answers),),
    )
