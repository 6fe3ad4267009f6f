"""Rules for the objectives and for how fast their budgets may be used up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from typing import Final

from generator.thresholds.draft import Draft
from generator.thresholds.levels import Unit
from generator.thresholds.model import Burns
from generator.thresholds.problems import Problem
from generator.thresholds.units import format_value

OBJECTIVES: Final = ("slo.availability.objective", "slo.latency.objective")
PACES: Final = tuple(f"slo.burn.{item.name}" for item in fields(Burns))


def objectives_leave_a_budget(draft: Draft) -> Iterator[Problem]:
    """At 100% the budget is nothing, and a burn rate divides by it; at 0% nothing is kept."""
    for path in OBJECTIVES:
        if draft.number(path) in (0, 1):
            yield draft.problem(path, "a share above 0% and below 100% such as 99.5%")


def fast_enough_is_a_bucket(draft: Draft) -> Iterator[Problem]:
    """Between two bounds a histogram cannot count, only guess."""
    path, buckets = "slo.latency.within", draft.whole_list("service.latency_buckets")
    value = draft.number(path)
    if value is not None and buckets and value not in buckets:
        bounds = ", ".join(format_value(bucket, Unit.DURATION) for bucket in buckets)
        yield draft.problem(path, f"one of service.latency_buckets: {bounds}")


def windows_of_a_pace_rise(draft: Draft) -> Iterator[Problem]:
    """Short below long below the period, and each pace slower than the one before it."""
    for pace in PACES:
        yield from _below(draft, f"{pace}.short_window", f"{pace}.window")
        yield from _below(draft, f"{pace}.window", "slo.period")
    for faster, slower in pairwise(PACES):
        yield from _below(draft, f"{faster}.window", f"{slower}.window")


def _below(draft: Draft, path: str, other: str) -> Iterator[Problem]:
    value, limit = draft.number(path), draft.number(other)
    if value is not None and limit is not None and value >= limit:
        spelled = format_value(limit, Unit.DURATION)
        yield draft.problem(path, f"a duration below {other} ({spelled})")


def burns_can_be_reached(draft: Draft) -> Iterator[Problem]:
    """A burn rate is highest when every request is bad."""
    period = draft.number("slo.period")
    objectives = [draft.number(path) for path in OBJECTIVES]
    strictest = min((each for each in objectives if each), default=None)
    for pace in PACES:
        consumes, window = draft.number(f"{pace}.consumes"), draft.number(f"{pace}.window")
        if not consumes or not window or not period or strictest is None:
            continue
        share = consumes * period / window * (1 - strictest)
        if share >= 1:
            reason = f"if every request within {pace}.window is bad, no more is used up"
            yield draft.problem(f"{pace}.consumes", f"a smaller share of the budget: {reason}")
