"""Rules for the objectives and for how fast their budgets may be used up."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from generator.thresholds.document import Document
from generator.thresholds.model import Burns
from generator.thresholds.problems import Problem
from generator.thresholds.units import Unit, format_value

_OBJECTIVES: Final = ("slo.availability.objective", "slo.latency.objective")
_BURNS: Final = tuple(f"slo.burn.{name}" for name in Burns.model_fields)


def fast_enough_is_a_bucket(document: Document) -> Iterator[Problem]:
    """Between two bounds a histogram cannot count, only guess."""
    path, buckets = "slo.latency.within", document.whole_list("service.latency_buckets")
    value = document.number(path)
    if value is not None and buckets and value not in buckets:
        bounds = ", ".join(format_value(bucket, Unit.DURATION) for bucket in buckets)
        yield document.problem(path, f"one of service.latency_buckets: {bounds}")


def windows_rise(document: Document) -> Iterator[Problem]:
    """Short below long below the period, and each burn rate slower than the one before it."""
    for burn in _BURNS:
        yield from _below(document, f"{burn}.short_window", f"{burn}.window")
        yield from _below(document, f"{burn}.window", "slo.period")
    for faster, slower in pairwise(_BURNS):
        yield from _below(document, f"{faster}.window", f"{slower}.window")


def _below(document: Document, path: str, other: str) -> Iterator[Problem]:
    value, limit = document.number(path), document.number(other)
    if value is not None and limit is not None and value >= limit:
        spelled = format_value(limit, Unit.DURATION)
        yield document.problem(path, f"a duration below {other} ({spelled})")


def burns_can_be_reached(document: Document) -> Iterator[Problem]:
    """A burn rate is highest when every request is bad."""
    period = document.number("slo.period")
    objectives = [document.number(path) for path in _OBJECTIVES]
    strictest = min((each for each in objectives if each), default=None)
    for burn in _BURNS:
        consumes, window = document.number(f"{burn}.consumes"), document.number(f"{burn}.window")
        if not consumes or not window or not period or strictest is None:
            continue
        if consumes * period / window * (1 - strictest) >= 1:
            reason = f"if every request within {burn}.window is bad, no more is used up"
            yield document.problem(f"{burn}.consumes", f"a smaller share of the budget: {reason}")
