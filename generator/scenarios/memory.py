"""Memory that grows, or is large from the start, and memory that only moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from generator.scenarios.context import LOADING, SPARE, ScenarioContext, Times
from generator.scenarios.model import May, Scenario
from generator.scenarios.timeseries import Line, level
from generator.scenarios.world import MIB, World

# The garbage collector's sawtooth goes so far to either side.
_SAW: Final = 150 * MIB
# Seconds between samples that do not miss what memory does.
_FINE: Final = 15
_GOLDEN: Final = 0.6180339887


def scenarios(context: ScenarioContext) -> Iterator[Scenario]:
    yield _slow_leak(context)
    yield _leak_in_a_sawtooth(context)
    yield _fast_leak(context)
    yield _near_limit(context)
    yield _large(context)
    yield _heavy_start(context)
    yield _sawtooth(context)
    yield _jitter(context)
    yield _cache(context)
    yield _recycled(context)


def grown(world: World, course: Line, slot: int = 0) -> World:
    return world.worker(slot, replace(world.workers[slot], memory=course))


def saw(base: float, length: float, period: float, growth: float = 0.0) -> Line:
    """Up for three quarters of a period and down again, on a level that may grow."""
    points: list[tuple[float, float, float]] = []
    moment = 0.0
    up, down = 0.75 * period, 0.25 * period
    while moment < length:
        low = base - _SAW + growth * moment
        points += [
            (moment, low, growth + 2 * _SAW / up),
            (moment + up, low + growth * up + 2 * _SAW, growth - 2 * _SAW / down),
        ]
        moment += period
    return Line(tuple(points))


def _slow_leak(context: ScenarioContext) -> Scenario:
    times = context.times("memory_leak")
    world = context.world()
    course = level(context.warm).grow(times.start, 3 * context.bound("memory_leak"))
    return Scenario(
        name="a-worker-leaks-slowly",
        family="memory",
        story="A worker keeps a little of every answer. It is restarted the next day.",
        length=times.length,
        worlds=(context.restarted(grown(world, course), times.end, [0]),),
        must=context.must(times, "memory_leak"),
    )


def _leak_in_a_sawtooth(context: ScenarioContext) -> Scenario:
    """From its beginning on."""
    must = context.must(Times(0.0, 0.0, 0.0), "memory_leak")
    growth = 3 * context.bound("memory_leak")
    length = context.wait("memory_leak") + SPARE
    course = saw(context.warm, length, _period(context), growth)
    return Scenario(
        name="a-leak-below-a-sawtooth",
        family="memory",
        story=(
            "The garbage collector moves a worker's memory up and down, and its floor rises. "
            "Nobody restarts it."
        ),
        length=length,
        worlds=(grown(context.world(), course),),
        must=tuple(replace(each, gone=None) for each in must),
        pace=_FINE,
    )


def _fast_leak(context: ScenarioContext) -> Scenario:
    times = context.times("fast_memory_leak")
    world = context.world()
    course = level(context.warm).grow(times.start, 3 * context.bound("fast_memory_leak"))
    return Scenario(
        name="a-worker-leaks-fast",
        family="memory",
        story="A release keeps every source it is given. The worker is restarted in time.",
        length=times.length,
        worlds=(context.restarted(grown(world, course), times.end, [0]),),
        must=context.must(times, "fast_memory_leak"),
        may=(May(reason="what grows becomes large", keys=("high_memory",)),),
    )


def _near_limit(context: ScenarioContext) -> Scenario:
    times = context.times("memory_near_limit")
    bound = context.bound("memory_near_limit")
    world = context.world()
    limit = context.workers * context.warm / (0.75 * bound)
    peak = (1 + bound) / 2 * limit / context.workers
    workers = tuple(
        replace(worker, memory=worker.memory.to(times.start, peak)) for worker in world.workers
    )
    return Scenario(
        name="heavy-requests-fill-the-container",
        family="memory",
        story=(
            "Long answers need so much memory that the container's limit is near. "
            "A restart of all workers helps."
        ),
        length=times.length,
        worlds=(context.restarted(replace(world, workers=workers, memory_limit=limit), times.end),),
        must=context.must(times, "memory_near_limit"),
    )


def _large(context: ScenarioContext) -> Scenario:
    times = context.times("high_memory")
    world = context.restarted(context.world(), times.start)
    size = 1.2 * context.bound("high_memory")
    workers = tuple(
        replace(worker, memory=worker.memory.to(times.start + LOADING, size))
        for worker in world.workers
    )
    world = context.restarted(replace(world, workers=workers), times.end)
    return Scenario(
        name="larger-models-than-planned",
        family="memory",
        story="A release loads larger models into every worker. It is rolled back.",
        length=times.length,
        worlds=(world,),
        must=context.must(times, "high_memory", late=LOADING),
    )


def _heavy_start(context: ScenarioContext) -> Scenario:
    times = context.times("high_initial_memory")
    size = 1.2 * context.bound("high_initial_memory")
    world = context.restarted(context.world(), times.start)
    workers = tuple(
        replace(worker, memory=worker.memory.to(times.start, size)) for worker in world.workers
    )
    return Scenario(
        name="a-release-is-heavy-from-the-start",
        family="memory",
        story="A release imports so much that each worker is large before its first request. "
        "It stays.",
        length=times.length,
        worlds=(replace(world, workers=workers),),
        must=tuple(
            replace(each, gone=times.start + 2 * context.fade("high_initial_memory"))
            for each in context.must(times, "high_initial_memory")
        ),
    )


def _period(context: ScenarioContext) -> float:
    """Of a sawtooth that has a low in every envelope; whole minutes."""
    return 60.0 * max(4, int(context.thresholds.alerts.memory_leak.envelope / 180))


def _long(context: ScenarioContext) -> float:
    """As long as a leak would need to be told of."""
    return context.wait("memory_leak", "mildest") + SPARE


def _sawtooth(context: ScenarioContext) -> Scenario:
    world = context.world()
    for slot in range(context.workers):
        world = grown(world, saw(context.warm, _long(context), _period(context)), slot)
    return Scenario(
        name="the-garbage-collectors-sawtooth",
        family="memory",
        story="The memory of each worker moves by 150 MiB to either side. Its floor stays.",
        length=_long(context),
        worlds=(world,),
        pace=_FINE,
    )


def jittery(base: float, length: float, every: float, slot: int) -> Line:
    """A level that moves by up to two in a hundred, the same way in every rendering."""
    return Line(
        tuple(
            (
                every * turn,
                round(base * (1 + 0.04 * ((turn * _GOLDEN + slot / 7) % 1 - 0.5))),
                0.0,
            )
            for turn in range(int(length / every) + 1)
        )
    )


def _jitter(context: ScenarioContext) -> Scenario:
    world = context.world()
    for slot in range(context.workers):
        world = grown(world, jittery(context.warm, _long(context), 2.0 * _FINE, slot), slot)
    return Scenario(
        name="flat-memory-with-jitter",
        family="memory",
        story="The memory of each worker trembles by two in a hundred. It never grows.",
        length=_long(context),
        worlds=(world,),
        pace=2 * _FINE,
    )


def _cache(context: ScenarioContext) -> Scenario:
    settings = context.thresholds.alerts.memory_leak
    filling = 0.7 * (context.trigger("memory_leak", "mildest").for_ - settings.window)
    start = settings.window
    growth = 1.5 * context.bound("memory_leak", "mildest")
    course = level(context.warm).grow(start, growth).grow(start + filling, 0.0)
    return Scenario(
        name="a-cache-fills-and-stops",
        family="memory",
        story="A cache fills for an hour or two and keeps its size. That is no leak.",
        length=start + filling + context.wait("memory_leak", "mildest") + SPARE,
        worlds=(grown(context.world(), course),),
    )


def _recycled(context: ScenarioContext) -> Scenario:
    """Workers that are replaced before anything can be said of their growth."""
    settings = context.thresholds.alerts.memory_leak
    life = settings.warm_up + settings.envelope + settings.window
    growth = 3 * context.bound("memory_leak", "mildest")
    length = 4 * life
    world = context.world()
    for slot in range(context.workers):
        course = level(context.warm).grow(0.0, growth)
        first = life * (0.4 + 0.5 * slot / context.workers)
        world = grown(world, course, slot)
        moment = first
        while moment < length:
            world = context.restarted(world, moment, [slot])
            memory = world.workers[slot].memory.grow(moment + LOADING, growth)
            world = grown(world, memory, slot)
            moment += 0.9 * life
    return Scenario(
        name="workers-are-recycled",
        family="memory",
        story="Each worker is replaced after some thousand requests. Its growth never matters.",
        length=length,
        worlds=(world,),
    )
