"""Slow answers, and single ones that are slow for a good reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from generator.alerts.testcases.inputs import THERE
from generator.scenarios import Events, ScenarioContext, Span, steady
from generator.scenarios.context import LOADING

FAMILY = "latency"

# What slow answers show in as well: their budget, the slowest in a thousand, those in a hundred.
_OBJECTIVE: Final = ("answers slower than the objective",)
_RAREST: Final = (*_OBJECTIVE, "slow outliers")
_SLOWEST: Final = (*_RAREST, "slow tail")


def slow_database(context: ScenarioContext) -> Events:
    """A missing index slows down every verification, so requests queue. The index is added."""
    incident = context.incident(
        "high_latency", "high_median_latency", "requests_waiting", "slow_probe"
    )
    slower = max(
        3 * context.bound("high_latency") / context.latency.quantile(0.95),
        3 * context.bound("high_median_latency") / context.latency.quantile(0.5),
    )
    slow = context.healthy().during(
        incident,
        latency=context.latency.times(slower),
        waiting=3 * context.bound("requests_waiting") * context.request_rate,
        probe_latency=context.slow_probe,
    )
    return incident.events(slow, also=_SLOWEST)


def slow_failing_database_on_ten_instances(context: ScenarioContext) -> Events:
    """The database of ten instances is slow, and every second request fails. It is restarted."""
    keys = ("high_error_rate", "high_latency", "requests_waiting", "database_pool_near_limit")
    addresses = [f"10.0.0.{number}:9105" for number in range(1, 11)]
    incidents = [context.incident(*keys, instance=each) for each in addresses]
    incident = replace(
        incidents[0], required=tuple(one for each in incidents for one in each.required)
    )
    slow = {
        "errors": max(0.5, 2 * context.bound("high_error_rate")),
        "latency": context.latency.with_quantile(0.95, 3 * context.bound("high_latency")),
        "waiting": 3 * context.bound("requests_waiting") * context.request_rate,
    }
    instances = [
        context.healthy(each)
        .during(incident, **slow)
        .workers_during(incident, db_connections=context.pool)
        for each in addresses
    ]
    return incident.events(*instances, also=_SLOWEST)


def one_of_two_instances_is_slow(context: ScenarioContext) -> Events:
    """The second of two instances has lost its graphics card. The first is healthy."""
    incident = context.incident("high_latency", instance=THERE)
    latency = context.latency.with_quantile(0.95, 3 * context.bound("high_latency"))
    slow = context.healthy(THERE).during(incident, latency=latency)
    return incident.events(context.healthy(), slow, also=_SLOWEST)


def larger_model_is_slower(context: ScenarioContext) -> Events:
    """A larger model adds the same time to every answer. That can wait until the morning."""
    incident = context.incident("high_median_latency", severity="lowest")
    more = context.between_severities("high_median_latency") - context.latency.quantile(0.5)
    slower = context.healthy().during(incident, latency=context.latency.plus(more))
    return incident.events(slower, also=_SLOWEST)


def one_in_fifty_is_slow(context: ScenarioContext) -> Events:
    """Questions with many sources are slow, all others are fast. The p95 does not show it."""
    incident = context.incident("high_tail_latency")
    latency = context.latency.with_quantile(
        0.99, 3 * context.bound("high_tail_latency"), above=0.95
    )
    return incident.events(context.healthy().during(incident, latency=latency), also=_RAREST)


def one_in_five_hundred_is_very_slow(context: ScenarioContext) -> Events:
    """Now and then a verification waits for a lock. That is not worth a page."""
    incident = context.incident("extreme_latency")
    latency = context.latency.with_quantile(0.999, 3 * context.bound("extreme_latency"), above=0.99)
    return incident.events(context.healthy().during(incident, latency=latency), also=_OBJECTIVE)


def one_slow_request_in_the_evening(context: ScenarioContext) -> Events:
    """Few requests arrive in the evening, and one is slow. They are too few for a percentile."""
    settings = context.settings("high_median_latency")
    rate = 0.8 * settings.min_requests / settings.window
    slow, once = context.latency.times(30), 1 / context.interval
    evening = replace(context.healthy(), requests=steady(rate))
    evening = evening.during(context.one_sample(1800.0), requests=once, latency=slow)
    return Events(length=5400.0, instances=(evening,))


def models_load_on_first_request(context: ScenarioContext) -> Events:
    """The first requests of the morning reach cold workers.

    Each loads a gigabyte of models first.
    """
    loading = Span(3600.0, 3600.0 + LOADING)
    first, loaded = loading.start, loading.end
    median = context.latency.quantile(0.5)
    growth = (context.warm_memory - context.cold_memory) / LOADING
    memory = steady(context.cold_memory).then(first, context.cold_memory, growth)
    cpu = context.idle().workers[0].cpu.then(first, 1.0).then(loaded, context.worker.cpu.at(0))
    cold = context.idle().workers_with(
        memory=memory.then(loaded, context.warm_memory), started=steady(0.0), cpu=cpu
    )
    requests = cold.requests.then(first, context.workers / LOADING)
    clients = cold.clients.then(first, context.healthy().clients.at(0))
    morning = replace(
        cold, requests=requests.then(loaded, context.request_rate), clients=clients
    ).during(
        loading,
        latency=context.latency.times(LOADING / 2 / median),
        waiting=float(context.workers),
        probe_latency=context.latency.times(10),
    )
    return Events(length=2 * 3600.0, instances=(morning,), sample_interval=int(LOADING))
