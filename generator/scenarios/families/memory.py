"""Memory that grows, or is large from the start, and memory that only moves."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from generator.alerts.testcases.inputs import HERE
from generator.scenarios import Events, ScenarioContext, Span, steady
from generator.scenarios.context import LOADING, SPARE
from generator.scenarios.instance import MIB
from generator.scenarios.scenario import RequiredAlert
from generator.scenarios.timeseries import TimeSeries

FAMILY = "memory"

# How far the sawtooth of the garbage collector goes to either side.
_SAW: Final = 150 * MIB
# Seconds between samples that catch every movement of memory.
_FINE: Final = 15
_GOLDEN: Final = 0.6180339887


def _saw(base: float, length: float, period: float, growth: float = 0.0) -> TimeSeries[float]:
    """Up for three quarters of a period and down again, on a level that may grow."""
    up, down = 0.75 * period, 0.25 * period
    points: list[tuple[float, float, float]] = []
    for turn in range(math.ceil(length / period)):
        moment = period * turn
        low, high = base - _SAW + growth * moment, base + _SAW + growth * (moment + up)
        points.append((moment, low, growth + 2 * _SAW / up))
        points.append((moment + up, high, growth - 2 * _SAW / down))
    return TimeSeries(tuple(points))


def _period(context: ScenarioContext) -> float:
    """Of a sawtooth that has a low point in every envelope, in whole minutes."""
    return 60.0 * max(4, int(context.settings("memory_leak").envelope / 180))


def _as_long_as_a_leak(context: ScenarioContext) -> float:
    """A length in which a leak would be detected."""
    return context.time_to_fire("memory_leak", "lowest") + SPARE


def slow_memory_leak(context: ScenarioContext) -> Events:
    """A worker keeps a little memory after every answer. It is restarted the next day."""
    return context.leak("memory_leak", "memory")


def memory_leak_with_failed_scrapes(context: ScenarioContext) -> Events:
    """A worker leaks slowly, and a scrape fails every half hour. The worker is restarted."""
    leak = context.leak("memory_leak", "memory")
    (instance,) = leak.instances
    for moment in range(1800, int(leak.length), 1800):
        instance = instance.during(context.one_sample(moment), scrapes="failed")
    return replace(leak, instances=(instance,), sample_interval=2 * _FINE)


def memory_leak_under_a_sawtooth(context: ScenarioContext) -> Events:
    """Garbage collection moves a worker's memory up and down, but the low points rise.

    Nobody restarts the worker.
    """
    key = "memory_leak"
    due = context.time_to_fire(key)
    growth = 3 * context.bound(key)
    memory = _saw(context.warm_memory, due + SPARE, _period(context), growth)
    return Events(
        length=due + SPARE,
        instances=(context.healthy().workers_with([0], memory=memory),),
        required=(RequiredAlert(context.alerts[key], context.trigger(key), HERE, 0.0, due),),
        sample_interval=_FINE,
    )


def fast_memory_leak(context: ScenarioContext) -> Events:
    """A release keeps every source it is given in memory. The worker is restarted in time."""
    return context.leak("fast_memory_leak", "memory", also=("memory in use",))


def heavy_requests_fill_the_container(context: ScenarioContext) -> Events:
    """Long answers use almost all of the container's memory. Restarting all workers helps."""
    incident = context.incident("memory_near_limit")
    bound = context.bound("memory_near_limit")
    limit = context.workers * context.warm_memory / (0.75 * bound)
    peak = (1 + bound) / 2 * limit / context.workers
    heavy = replace(context.healthy(), memory_limit=limit).workers_during(incident, memory=peak)
    return incident.events(context.restarted(heavy, incident.end))


def larger_models_than_planned(context: ScenarioContext) -> Events:
    """A release loads larger models into every worker. It is rolled back."""
    incident = context.incident("high_memory", delay=LOADING)
    released = context.restarted(context.healthy(), incident.start)
    loaded = Span(incident.start + LOADING, incident.end)
    large = released.workers_during(loaded, memory=1.2 * context.bound("high_memory"))
    return incident.events(context.restarted(large, incident.end))


def release_with_heavy_imports(context: ScenarioContext) -> Events:
    """A release imports so much that workers are large before their first request. It stays."""
    # The alert resolves nevertheless, once the workers are no longer new.
    key = "high_initial_memory"
    incident = context.incident(key)
    released = context.restarted(context.healthy(), incident.start)
    memory = context.worker.memory.then(incident.start, 1.2 * context.bound(key))
    resolved = incident.start + 2 * context.time_to_resolve(key)
    required = tuple(replace(each, resolved=resolved) for each in incident.required)
    return replace(incident, required=required).events(released.workers_with(memory=memory))


def garbage_collection_sawtooth(context: ScenarioContext) -> Events:
    """Garbage collection moves each worker's memory up and down. Its low points do not rise."""
    length = _as_long_as_a_leak(context)
    memory = _saw(context.warm_memory, length, _period(context))
    return Events(
        length=length,
        instances=(context.healthy().workers_with(memory=memory),),
        sample_interval=_FINE,
    )


def _jittery(base: float, length: float, every: float, slot: int) -> TimeSeries[float]:
    """A level that fluctuates by up to two percent, the same way in every rendering."""
    turns = range(int(length / every) + 1)
    shares = [1 + 0.04 * ((turn * _GOLDEN + slot / 7) % 1 - 0.5) for turn in turns]
    return TimeSeries(tuple((every * turn, round(base * shares[turn]), 0.0) for turn in turns))


def flat_memory_with_jitter(context: ScenarioContext) -> Events:
    """The memory of each worker fluctuates by two percent. It never grows."""
    length, every = _as_long_as_a_leak(context), 2 * _FINE
    instance = context.healthy()
    for slot in range(context.workers):
        memory = _jittery(context.warm_memory, length, float(every), slot)
        instance = instance.workers_with([slot], memory=memory)
    return Events(length=length, instances=(instance,), sample_interval=every)


def cache_fills_up(context: ScenarioContext) -> Events:
    """A cache fills up within an hour or two and then keeps its size. That is not a leak."""
    start = context.settings("memory_leak").window
    filling = 0.7 * (context.trigger("memory_leak", "lowest").for_ - start)
    growth = 1.5 * context.bound("memory_leak", "lowest")
    memory = context.worker.memory.grow(start, growth).grow(start + filling, 0.0)
    return Events(
        length=start + filling + _as_long_as_a_leak(context),
        instances=(context.healthy().workers_with([0], memory=memory),),
    )


def workers_are_recycled(context: ScenarioContext) -> Events:
    """Each worker is replaced after some thousand requests. Its memory growth never matters."""
    # Their lives are too short for an alert to judge their growth.
    settings = context.settings("memory_leak")
    life = settings.warm_up + settings.envelope + settings.window
    growth = 3 * context.bound("memory_leak", "lowest")
    length = 4 * life
    memory = steady(context.warm_memory).grow(0.0, growth)
    instance = context.healthy().workers_with(memory=memory)
    for slot in range(context.workers):
        moment = life * (0.4 + 0.5 * slot / context.workers)
        while moment < length:
            instance = context.restarted(instance, moment, [slot], growth=growth)
            moment += 0.9 * life
    return Events(length=length, instances=(instance,))
