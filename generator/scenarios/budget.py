"""Requests a little worse than promised, for as long as it takes to matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from generator.alerts.families.budgets import burn_of, judged_after
from generator.scenarios.context import SPARE, ScenarioContext
from generator.scenarios.model import Demand, May, Scenario
from generator.scenarios.world import Spread, World

# So many times as bad as the bound of the pace.
_BAD = 2.0
_ALSO = May(
    reason="the same requests are more than is acceptable within minutes",
    families=("error", "latency"),
)
_COURSES: Final = (
    (
        "fast",
        "a-part-of-the-answers-is-broken",
        "A release breaks some questions and slows others. It is rolled back within the hour.",
    ),
    (
        "steady",
        "a-part-of-the-answers-stays-broken",
        "A broken source of texts fails some questions and slows others. It is mended in the end.",
    ),
    (
        "slow",
        "a-few-answers-are-broken-all-day",
        "One kind of question fails or is slow. Too few people ask it for anyone to complain.",
    ),
    (
        "creeping",
        "a-few-answers-are-broken-for-days",
        "Slightly more answers than promised fail or are slow. It goes on through the night.",
    ),
)


def scenarios(context: ScenarioContext) -> Iterator[Scenario]:
    for pace, name, story in _COURSES:
        yield _both(context, pace, name, story)


def _both(context: ScenarioContext, pace: str, name: str, story: str) -> Scenario:
    """Of both objectives."""
    keys = (f"error_budget_{pace}_burn", f"latency_budget_{pace}_burn")
    windows = burn_of(context.thresholds, keys[0])
    start = max(900.0, windows.short_window)
    failed, slow = (
        min(0.9, _BAD * context.alerts[key].constant * allowed(context, key)) for key in keys
    )
    due = max(
        _due(context, key, start, share) for key, share in zip(keys, (failed, slow), strict=True)
    )
    end = due + SPARE
    gone = end + windows.short_window + max(context.alerts[key].keep_firing_for for key in keys)
    world = _worse(context, start, end, failed, slow)
    return Scenario(
        name=name,
        family="error",
        story=story,
        length=gone + SPARE,
        worlds=(world,),
        must=tuple(
            Demand(context.alerts[key], context.trigger(key), world.instance, start, due, gone)
            for key in keys
        ),
        may=(_ALSO,),
    )


def allowed(context: ScenarioContext, key: str) -> float:
    """The share that the objective of an alert leaves."""
    slo = context.thresholds.slo
    objective = slo.availability if key.startswith("error") else slo.latency
    return 1 - objective.objective


def _due(context: ScenarioContext, key: str, start: float, share: float) -> float:
    """When the share of all requests so far is beyond the bound, as far as the window is full.

    What is summed by the hour is late by an hour.
    """
    alert = context.alerts[key]
    windows = burn_of(context.thresholds, key)
    times = share / (alert.constant * allowed(context, key))
    worse = start + min(windows.window / times, start / (times - 1))
    tile = context.thresholds.slo.burn.fast.window
    late = tile if windows.window > tile else 0.0
    return (
        max(worse, judged_after(context.thresholds, key)) + late + context.trigger(key).for_ + 300.0
    )


def _worse(context: ScenarioContext, start: float, end: float, failed: float, slow: float) -> World:
    """An instance of which so many requests fail, and so many of the rest are slow."""
    world = context.world()
    within = context.thresholds.slo.latency.within
    spread = Spread(((1 - slow, within / 2), (1.0, 20 * within)))
    return replace(
        world,
        errors=world.errors.between(start, end, failed),
        latency=world.latency.between(start, end, spread),
    )
