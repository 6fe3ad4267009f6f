"""Slow answers, and single ones that are slow for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator.alerts.recordings import QUANTILES
from generator.alerts.testcases.inputs import THERE
from generator.scenarios.context import LOADING, ScenarioContext
from generator.scenarios.model import May, Scenario
from generator.scenarios.timeseries import level, steady

_ALSO = May(
    reason="other alerts of slow answers, such as on the budget, tell of the same",
    families=("latency", "budget"),
)


def scenarios(context: ScenarioContext) -> Iterator[Scenario]:
    yield _slow_database(context)
    yield _one_of_two(context)
    yield _median(context)
    yield _tail(context)
    yield _extreme(context)
    yield _slow_request(context)
    yield _models_load(context)


def factor(context: ScenarioContext, field: str, beyond: float) -> float:
    """How many times slower than healthy a quantile is where it lies `beyond`."""
    healthy = next(value for share, value in context.latency.points if share == QUANTILES[field])
    return beyond / healthy


def _slow_database(context: ScenarioContext) -> Scenario:
    keys = ("high_latency", "high_median_latency", "requests_waiting", "slow_probe")
    times = context.times(*keys)
    slower = max(
        factor(context, field, 3 * context.bound(key))
        for key, field in (("high_latency", "p95"), ("high_median_latency", "p50"))
    )
    world = context.world()
    waiting = 3 * context.bound("requests_waiting") * context.busy
    probe = context.latency.times(factor(context, "p50", 3 * context.bound("slow_probe")))
    return Scenario(
        name="the-database-answers-slowly",
        family="latency",
        story=(
            "A missing index makes every verification slow, and the next ones wait. "
            "Then it is there."
        ),
        length=times.length,
        worlds=(
            replace(
                world,
                latency=world.latency.between(
                    times.start, times.end, context.latency.times(slower)
                ),
                waiting=world.waiting.between(times.start, times.end, waiting),
                probe=world.probe.between(times.start, times.end, probe),
            ),
        ),
        must=context.must(times, *keys),
        may=(
            _ALSO,
            May(
                reason="while many wait, fewer are answered than should be",
                keys=("low_throughput",),
            ),
        ),
    )


def _one_of_two(context: ScenarioContext) -> Scenario:
    times = context.times("high_latency")
    well, ill = context.pair()
    slow = context.latency.times(factor(context, "p95", 3 * context.bound("high_latency")))
    return Scenario(
        name="one-of-two-instances-is-slow",
        family="latency",
        story="The second of two instances lost its graphics card. The first is well.",
        length=times.length,
        worlds=(well, replace(ill, latency=ill.latency.between(times.start, times.end, slow))),
        must=context.must(times, "high_latency", instance=THERE),
        may=(_ALSO,),
    )


def _median(context: ScenarioContext) -> Scenario:
    times = context.times("high_median_latency", which="mildest")
    value = context.between("high_median_latency")
    slow = context.latency.times(factor(context, "p50", value))
    world = context.world()
    return Scenario(
        name="a-larger-model-is-slower",
        family="latency",
        story=(
            "A release with a larger model takes longer for every answer. "
            "It is no matter for the night."
        ),
        length=times.length,
        worlds=(replace(world, latency=world.latency.between(times.start, times.end, slow)),),
        must=context.must(times, "high_median_latency", which="mildest"),
        may=(_ALSO,),
    )


def _tail(context: ScenarioContext) -> Scenario:
    times = context.times("high_tail_latency")
    value = 3 * context.bound("high_tail_latency")
    slow = context.latency.times(factor(context, "p99", value), above=0.95)
    world = context.world()
    return Scenario(
        name="one-of-fifty-is-slow",
        family="latency",
        story=(
            "Questions with many sources take long, all others are fast. The p95 does not show it."
        ),
        length=times.length,
        worlds=(replace(world, latency=world.latency.between(times.start, times.end, slow)),),
        must=context.must(times, "high_tail_latency"),
        may=(replace(_ALSO, but=("high_latency", "high_median_latency")),),
    )


def _extreme(context: ScenarioContext) -> Scenario:
    times = context.times("extreme_latency")
    value = 3 * context.bound("extreme_latency")
    slow = context.latency.times(factor(context, "p999", value), above=0.99)
    world = context.world()
    return Scenario(
        name="one-of-five-hundred-takes-for-ever",
        family="latency",
        story="Now and then a verification runs into a lock. Nobody is called for that.",
        length=times.length,
        worlds=(replace(world, latency=world.latency.between(times.start, times.end, slow)),),
        must=context.must(times, "extreme_latency"),
        may=(replace(_ALSO, but=("high_latency", "high_median_latency", "high_tail_latency")),),
    )


def _slow_request(context: ScenarioContext) -> Scenario:
    """Out of few requests one is a high percentile."""
    settings = context.thresholds.alerts.high_median_latency
    rate = 0.8 * settings.min_requests / settings.window
    once = float(context.context.clock.interval)
    world = replace(context.world(), requests=steady(rate).between(1800.0, 1800.0 + once, 1 / once))
    slow = context.latency.times(30)
    return Scenario(
        name="one-slow-request-in-the-evening",
        family="latency",
        story=(
            "Few requests come in the evening, and one of them takes long. That is no percentile."
        ),
        length=5400.0,
        worlds=(replace(world, latency=world.latency.between(1800.0, 1800.0 + once, slow)),),
    )


def _models_load(context: ScenarioContext) -> Scenario:
    """Each worker loads its models with its first request, which takes as long."""
    world = context.idle()
    first = 3600.0
    requests = steady(0.0).to(first, context.workers / LOADING).to(first + LOADING, context.busy)
    slow = context.latency.times(LOADING / 2 / context.latency.points[0][1])
    workers = tuple(
        replace(
            worker,
            memory=level(context.cold)
            .to(first, context.cold, (context.warm - context.cold) / LOADING)
            .to(first + LOADING, context.warm),
            born=steady(0.0),
            cpu=worker.cpu.to(first, 1.0).to(first + LOADING, context.worker.cpu.at(0)),
        )
        for worker in world.workers
    )
    return Scenario(
        name="models-load-at-the-first-requests",
        family="latency",
        story=(
            "The first requests of the morning find cold workers. "
            "Each of these loads a gigabyte first."
        ),
        length=2 * 3600.0,
        pace=int(LOADING),
        worlds=(
            replace(
                world,
                requests=requests,
                latency=world.latency.between(first, first + LOADING, slow),
                waiting=level(0.0).between(first, first + LOADING, float(context.workers)),
                probe=world.probe.between(first, first + LOADING, context.latency.times(10)),
                workers=workers,
                clients=level(0.0).to(first, context.world().clients.at(0)),
            ),
        ),
    )
