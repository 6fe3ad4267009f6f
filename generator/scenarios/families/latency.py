"""Slow answers, and single ones that are slow for a good reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from generator.alerts.recordings import QUANTILES
from generator.alerts.testcases.inputs import THERE
from generator.scenarios import Events, ScenarioContext, Span, scenarios_of, steady
from generator.scenarios.context import LOADING
from generator.scenarios.instance import Distribution, Worker

scenario = scenarios_of("latency")

# What slow answers show in as well: their budget, the slowest in a thousand, those in a hundred.
_OBJECTIVE: Final = ("answers slower than the objective",)
_RAREST: Final = (*_OBJECTIVE, "slow outliers")
_SLOWEST: Final = (*_RAREST, "slow tail")


def slow_probe(context: ScenarioContext) -> Distribution:
    """Health checks so slow that every severity of `slow_probe` fires."""
    return _slower(context, "p50", 3 * context.bound("slow_probe"))


def _slower(
    context: ScenarioContext, percentile: str, value: float, above: float = 0.0
) -> Distribution:
    """Latencies with `value` at the percentile; the share below `above` is as fast as ever."""
    return context.latency.times(_factor(context, percentile, value), above)


def _factor(context: ScenarioContext, percentile: str, value: float) -> float:
    """How many times slower than healthy `value` is at the percentile."""
    share = QUANTILES[percentile]
    return value / next(healthy for at, healthy in context.latency.points if at == share)


@scenario
def slow_database(context: ScenarioContext) -> Events:
    """A missing index slows down every verification, so requests queue. The index is added."""
    incident = context.incident(
        "high_latency", "high_median_latency", "requests_waiting", "slow_probe"
    )
    slower = max(
        _factor(context, "p95", 3 * context.bound("high_latency")),
        _factor(context, "p50", 3 * context.bound("high_median_latency")),
    )
    slow = context.healthy().during(
        incident,
        latency=context.latency.times(slower),
        waiting=3 * context.bound("requests_waiting") * context.request_rate,
        probe_latency=slow_probe(context),
    )
    return incident.events(slow, also=_SLOWEST)


@scenario
def one_of_two_instances_is_slow(context: ScenarioContext) -> Events:
    """The second of two instances has lost its graphics card. The first is healthy."""
    incident = context.incident("high_latency", instance=THERE)
    latency = _slower(context, "p95", 3 * context.bound("high_latency"))
    slow = context.healthy(THERE).during(incident, latency=latency)
    return incident.events(context.healthy(), slow, also=_SLOWEST)


@scenario
def larger_model_is_slower(context: ScenarioContext) -> Events:
    """A larger model makes every answer slower. That can wait until the morning."""
    incident = context.incident("high_median_latency", severity="lowest")
    latency = _slower(context, "p50", context.between_severities("high_median_latency"))
    return incident.events(context.healthy().during(incident, latency=latency), also=_SLOWEST)


@scenario
def one_in_fifty_is_slow(context: ScenarioContext) -> Events:
    """Questions with many sources are slow, all others are fast. The p95 does not show it."""
    incident = context.incident("high_tail_latency")
    latency = _slower(context, "p99", 3 * context.bound("high_tail_latency"), above=0.95)
    return incident.events(context.healthy().during(incident, latency=latency), also=_RAREST)


@scenario
def one_in_five_hundred_is_very_slow(context: ScenarioContext) -> Events:
    """Now and then a verification waits for a lock. That is not worth a page."""
    incident = context.incident("extreme_latency")
    latency = _slower(context, "p999", 3 * context.bound("extreme_latency"), above=0.99)
    return incident.events(context.healthy().during(incident, latency=latency), also=_OBJECTIVE)


@scenario
def one_slow_request_in_the_evening(context: ScenarioContext) -> Events:
    """Few requests arrive in the evening, and one is slow. They are too few for a percentile."""
    settings = context.settings("high_median_latency")
    rate = 0.8 * settings.min_requests / settings.window
    once = context.one_sample(1800.0)
    evening = replace(context.healthy(), requests=steady(rate)).during(
        once, requests=1 / context.interval, latency=context.latency.times(30)
    )
    return Events(length=5400.0, instances=(evening,))


@scenario
def models_load_on_first_request(context: ScenarioContext) -> Events:
    """The first requests of the morning reach cold workers.

    Each loads a gigabyte of models first.
    """
    loading = Span(3600.0, 3600.0 + LOADING)
    first, loaded = loading.start, loading.end
    median = context.latency.points[0][1]
    growth = (context.warm_memory - context.cold_memory) / LOADING
    memory = steady(context.cold_memory).then(first, context.cold_memory, growth)

    def load(worker: Worker) -> Worker:
        return replace(
            worker,
            memory=memory.then(loaded, context.warm_memory),
            started=steady(0.0),
            cpu=worker.cpu.then(first, 1.0).then(loaded, context.worker.cpu.at(0)),
        )

    cold = context.idle().change_workers(load)
    morning = replace(
        cold,
        requests=cold.requests.then(first, context.workers / LOADING).then(
            loaded, context.request_rate
        ),
        clients=cold.clients.then(first, context.healthy().clients.at(0)),
    ).during(
        loading,
        latency=context.latency.times(LOADING / 2 / median),
        waiting=float(context.workers),
        probe_latency=context.latency.times(10),
    )
    return Events(length=2 * 3600.0, instances=(morning,), sample_interval=int(LOADING))
