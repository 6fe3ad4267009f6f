"""Workers that end: again and again, for good, or once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator.scenarios.context import ScenarioContext
from generator.scenarios.model import Scenario
from generator.scenarios.timeseries import steady


def scenarios(context: ScenarioContext) -> Iterator[Scenario]:
    yield _crash_loop(context)
    if context.workers > 1:  # the loss of a single worker is that of the service
        yield _stays_away(context)
    yield _killed_once(context)
    yield _deploy(context)
    yield from _rollback(context)


def _crash_loop(context: ScenarioContext) -> Scenario:
    times = context.times("worker_crash_loop")
    pause = context.window("worker_crash_loop") / (3 * context.bound("worker_crash_loop"))
    world = context.world()
    moment = times.start
    while moment < times.end:
        world = context.restarted(world, moment)
        moment += pause
    return Scenario(
        name="workers-crash-in-a-loop",
        family="workers",
        story=(
            "Every worker ends minutes after its start, as a model is broken. A rollback mends it."
        ),
        length=times.length,
        worlds=(world,),
        must=context.must(times, "worker_crash_loop"),
    )


def _stays_away(context: ScenarioContext) -> Scenario:
    times = context.times("workers_missing")
    world = context.restarted(context.world(), times.start, [0], gone=times.end - times.start)
    return Scenario(
        name="a-worker-stays-away",
        family="workers",
        story="A worker was killed and its supervisor does not replace it. A restart does.",
        length=times.length,
        worlds=(world,),
        must=context.must(times, "workers_missing"),
    )


def _killed_once(context: ScenarioContext) -> Scenario:
    gone = float(context.context.clock.interval)
    world = context.restarted(context.world(), 1800.0, [0], gone=gone)
    return Scenario(
        name="a-worker-is-killed-once",
        family="workers",
        story="The kernel kills a worker. Its supervisor replaces it within seconds.",
        length=5400.0,
        worlds=(replace(world, errors=world.errors.between(1800.0, 1800.0 + gone, 0.02)),),
    )


def _deploy(context: ScenarioContext) -> Scenario:
    """One worker after the other, as a graceful reload does, and all at once an hour later."""
    world = context.world()
    for slot in range(context.workers):
        world = context.restarted(world, 1800.0 + 30 * slot, [slot])
    world = context.restarted(world, 5400.0)
    answers = steady(True).between(5400.0, 5400.0 + context.context.clock.interval, False)
    return Scenario(
        name="deploys-of-all-workers",
        family="workers",
        story=(
            "A deploy replaces one worker after the other. The next one restarts them all at once."
        ),
        length=3 * 3600.0,
        worlds=(replace(world, answers=answers),),
    )


def _rollback(context: ScenarioContext) -> Iterator[Scenario]:
    """Two starts of each worker in the window: none where a bound finds that too many."""
    if context.bound("worker_crash_loop", "mildest") < 2:
        return
    second = 1800.0 + context.window("worker_crash_loop") * 2 / 3
    yield Scenario(
        name="a-deploy-is-rolled-back",
        family="workers",
        story=(
            "A release turns out to be wrong and is rolled back minutes later. "
            "Every worker starts twice."
        ),
        length=3 * 3600.0,
        worlds=(context.restarted(context.restarted(context.world(), 1800.0), second),),
    )
