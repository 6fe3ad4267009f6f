"""Failing requests, and failures that nobody needs to hear of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator.alerts.testcases.inputs import THERE
from generator.scenarios.context import SPARE, ScenarioContext, Times
from generator.scenarios.model import May, Scenario
from generator.scenarios.timeseries import level, steady

_ALSO = May(
    reason="other alerts of failing requests, such as on the budget, tell of the same",
    families=("error", "budget"),
)


def scenarios(context: ScenarioContext) -> Iterator[Scenario]:
    yield _release(context)
    yield _creeping(context)
    yield _one_of_two(context)
    yield _night_outage(context)
    yield _first_requests(context)
    yield _one_of_three(context)
    yield _on_target(context)
    yield _reset(context)
    yield _refused(context)


def _release(context: ScenarioContext) -> Scenario:
    times = context.times("high_error_rate")
    world = context.world()
    share = min(0.9, 3 * context.bound("high_error_rate"))
    return Scenario(
        name="errors-after-a-release",
        family="error",
        story="A release breaks one kind of question. It is rolled back later.",
        length=times.length,
        worlds=(replace(world, errors=world.errors.between(times.start, times.end, share)),),
        must=context.must(times, "high_error_rate"),
        may=(_ALSO,),
    )


def _creeping(context: ScenarioContext) -> Scenario:
    times = context.times("high_error_rate", which="mildest")
    world = context.world()
    share = min(0.9, context.between("high_error_rate"))
    return Scenario(
        name="errors-above-the-acceptable",
        family="error",
        story="A few requests fail, more than is acceptable. It is no matter for the night.",
        length=times.length,
        worlds=(replace(world, errors=world.errors.between(times.start, times.end, share)),),
        must=context.must(times, "high_error_rate", which="mildest"),
        may=(_ALSO,),
    )


def _one_of_two(context: ScenarioContext) -> Scenario:
    times = context.times("high_error_rate")
    well, ill = context.pair()
    share = min(0.9, 3 * context.bound("high_error_rate"))
    return Scenario(
        name="errors-on-one-of-two-instances",
        family="error",
        story="The second of two instances cannot reach the database any more. The first is well.",
        length=times.length,
        worlds=(well, replace(ill, errors=ill.errors.between(times.start, times.end, share))),
        must=context.must(times, "high_error_rate", instance=THERE),
        may=(_ALSO,),
    )


def _sparse(context: ScenarioContext) -> float:
    """Requests a second with half as many again in the window as failures are needed."""
    settings = context.thresholds.alerts.requests_failing
    return 1.5 * settings.min_failures / settings.window


def _night_outage(context: ScenarioContext) -> Scenario:
    times = context.times("requests_failing")
    world = replace(context.world(), requests=steady(_sparse(context)))
    return Scenario(
        name="every-request-fails-at-night",
        family="error",
        story="Few requests come at night, and all of them fail. No ratio has enough of them.",
        length=times.length,
        worlds=(replace(world, errors=world.errors.between(times.start, times.end, 1.0)),),
        must=context.must(times, "requests_failing"),
        may=(_ALSO,),
    )


def _first_requests(context: ScenarioContext) -> Scenario:
    """The first failure of an app brings a new series, which begins with its count."""
    settings = context.thresholds.alerts.requests_failing
    once = float(context.context.clock.interval)
    start = settings.window + 300.0
    times = Times(start, start + once, start + once + context.fade("requests_failing") + SPARE)
    burst = 3 * settings.min_failures / once
    requests = steady(_sparse(context) / 2).between(start, start + once, burst)
    world = replace(context.world(), requests=requests, errors=steady(0.0))
    return Scenario(
        name="the-first-failures-come-at-once",
        family="error",
        story=(
            "An instance that never failed refuses a batch within seconds. Then it is well again."
        ),
        length=times.length,
        worlds=(replace(world, errors=world.errors.between(start, start + once, 1.0)),),
        must=context.must(times, "requests_failing"),
        may=(_ALSO,),
    )


def _one_of_three(context: ScenarioContext) -> Scenario:
    """Often enough that it is no silence either."""
    pause = 60.0 * int(context.window("no_traffic") / 90)
    requests = steady(0.0)
    for turn in range(1, 9):
        requests = requests.between(turn * pause, turn * pause + 60, 3 / 60)
    return Scenario(
        name="one-of-three-requests-fails-at-night",
        family="error",
        story="Three requests come now and then, and one of them fails. That is no outage.",
        length=9 * pause,
        worlds=(replace(context.idle(), requests=requests, errors=steady(1 / 3)),),
    )


def _on_target(context: ScenarioContext) -> Scenario:
    targets = context.thresholds.targets
    return Scenario(
        name="a-busy-day-with-errors-on-target",
        family="error",
        story="Requests come as fast as they can be answered. As few fail as the target allows.",
        length=3 * 3600.0,
        worlds=(
            replace(
                context.world(),
                requests=steady(targets.throughput.high.target),
                errors=steady(targets.error_rate.normal.target),
            ),
        ),
    )


def _reset(context: ScenarioContext) -> Scenario:
    promised = 1 - context.thresholds.slo.availability.objective
    share = 0.8 * min(promised, context.bound("high_error_rate", "mildest"))
    return Scenario(
        name="counters-start-again-under-load",
        family="error",
        story=(
            "The folder of the app's metrics is emptied twice under load. Failures go on as before."
        ),
        length=5400.0,
        worlds=(replace(context.world(), errors=steady(share), restarts=(1800.0, 3000.0)),),
    )


def _refused(context: ScenarioContext) -> Scenario:
    """Refused requests are counted nowhere; what shows is a crowd of clients."""
    world = context.world()
    start, end = 1800.0, 1860.0
    return Scenario(
        name="a-burst-is-refused",
        family="error",
        story="A client sends a burst and is answered 429 for a minute. Nobody else notices.",
        length=5400.0,
        worlds=(
            replace(
                world,
                requests=world.requests.between(start, end, 3 * context.busy),
                clients=level(world.clients.at(0.0)).between(start, end, 400.0),
                waiting=world.waiting.between(start, end, context.busy),
            ),
        ),
    )
