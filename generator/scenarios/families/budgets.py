"""Requests a little worse than the objectives allow, for as long as it takes to matter."""

from __future__ import annotations

from typing import Final

from generator.alerts.families.budgets import burn_of, judged_after
from generator.alerts.testcases.inputs import HERE
from generator.scenarios import Events, ScenarioContext, Span
from generator.scenarios.context import SPARE
from generator.scenarios.instance import Distribution
from generator.scenarios.scenario import Incident, RequiredAlert

FAMILY = "error"

# How many times the bound of the burn rate the failures reach.
_BAD: Final = 2.0
# The same requests are more than is acceptable within minutes.
_ALSO: Final = ("slow answers", "slow tail", "slow outliers")


def budgets_burn_fast(context: ScenarioContext) -> Events:
    """A release breaks some questions and slows others down. It is rolled back within the hour."""
    return _both_budgets(context, "fast")


def budgets_burn_for_hours(context: ScenarioContext) -> Events:
    """A broken source makes some questions fail and others slow. It is fixed hours later."""
    return _both_budgets(context, "steady")


def budgets_burn_all_day(context: ScenarioContext) -> Events:
    """One kind of question fails or is slow. Too few people ask it for anyone to complain."""
    return _both_budgets(context, "slow")


def budgets_burn_for_days(context: ScenarioContext) -> Events:
    """Slightly more answers fail or are slow than promised. It goes on through the night."""
    return _both_budgets(context, "creeping")


def _both_budgets(context: ScenarioContext, burn: str) -> Events:
    """So many requests fail or are slow that both budgets burn too fast."""
    keys = (f"error_budget_{burn}_burn", f"latency_budget_{burn}_burn")
    windows = burn_of(context.thresholds, keys[0])
    start = max(900.0, windows.short_window)
    failed, slow = (
        min(0.9, _BAD * context.alerts[key].constant * _allowed(context, key)) for key in keys
    )
    due = max(_due(context, keys[0], start, failed), _due(context, keys[1], start, slow))
    end = due + SPARE
    resolved = end + windows.short_window + max(context.alerts[key].keep_firing_for for key in keys)
    within = context.thresholds.slo.latency.within
    # Slow ones take little longer than the objective: only their number is to matter.
    latency = Distribution(((1 - slow, within / 2), (1 - slow, within), (1.0, 2 * within)))
    required = tuple(
        RequiredAlert(context.alerts[key], context.trigger(key), HERE, start, due, resolved)
        for key in keys
    )
    bad = context.healthy().during(Span(start, end), errors=failed, latency=latency)
    return Incident(start, end, resolved + SPARE, required).events(bad, also=_ALSO)


def _allowed(context: ScenarioContext, key: str) -> float:
    """The share that the objective of an alert leaves."""
    slo = context.thresholds.slo
    objective = slo.availability if key.startswith("error") else slo.latency
    return 1 - objective.objective


def _due(context: ScenarioContext, key: str, start: float, share: float) -> float:
    """When the share of bad requests, in as much of the window as there is, exceeds the bound.

    What is summed by the hour is an hour late.
    """
    alert = context.alerts[key]
    windows = burn_of(context.thresholds, key)
    times = share / (alert.constant * _allowed(context, key))
    worse = start + min(windows.window / times, start / (times - 1))
    tile = context.thresholds.slo.burn.fast.window
    late = tile if windows.window > tile else 0.0
    judged = max(worse, judged_after(context.thresholds, key))
    return judged + late + context.trigger(key).for_ + 300.0
