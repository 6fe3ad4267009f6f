"""Proposes rows of the targets from what was measured, with a margin."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from generator.alerts.model import Alert
from generator.errors import InputError
from generator.history.backtest import History
from generator.history.client import Range
from generator.measured import measured_text
from generator.thresholds import Thresholds
from generator.thresholds.checks import RISING_ROWS
from generator.thresholds.levels import Levels
from generator.thresholds.units import Unit, format_value

# Of the time, the rest being incidents: what holds for this share of it is normal.
NORMAL: Final = 0.95
# A row is left alone where its target is as near as this to the one that would be proposed.
NEAR: Final = 0.1
FORM: Final = 1

# Round numbers, in tenths; what is larger than one by no more than floats err is as large.
_DIGITS: Final = (10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120)
_BELOW: Final = Fraction(999_999_999, 1_000_000_000)
_SMALLEST: Final[Mapping[Unit, Fraction]] = {
    Unit.DURATION: Fraction(1, 1000),
    Unit.BYTES: Fraction(1 << 20),
    Unit.GROWTH: Fraction(1 << 20, 3600),
    Unit.RATIO: Fraction(1, 1000),
    Unit.RATE: Fraction(1, 10),
    Unit.COUNT_RATE: Fraction(1, 3600),
    Unit.COUNT: Fraction(1),
}


class ResultError(InputError):
    """A file is no result of the benchmark; the text says which."""


@dataclass(frozen=True)
class Observed:
    """What is normal for a row, in SI base units, and where that comes from; None: not known."""

    row: str
    value: float | None
    source: str


@dataclass(frozen=True)
class Proposal:
    """Numbers for a row beside today's; `edges` is empty where today's stay, `why` says why."""

    observed: Observed
    levels: Levels
    edges: Mapping[str, float]
    why: str


def from_history(past: History, alerts: Iterable[Alert], span: Range) -> Iterator[Observed]:
    """Of each row that an alert watches: what its quantity was for most of the time.

    Of several instances or workers the one that is worst. Moments that the alert itself leaves out,
    as those with too few requests, are left out here. Of an alert's rows the mildest is measured;
    the others, which are for more load or a longer time, keep their distance.
    """
    seen: set[str] = set()
    for alert in alerts:
        mildest, *others = reversed(alert.triggers)
        bound = mildest.bound
        if bound is None or bound.row in seen:
            continue
        guard = f"\n{mildest.guard}" if mildest.guard else ""
        found = past.series(f"{alert.quantity}{guard}", span)
        most = [_most(list(each.values.values()), bound.levels) for each in found]
        known = [value for value in most if value is not None]
        if not known:
            continue
        worst = max(known) if bound.levels.worse == "above" else min(known)
        seen.add(bound.row)
        yield Observed(bound.row, worst, f"{alert.name}, {NORMAL:.0%} of the time")
        target = bound.levels.edge("target")
        for other in (trigger.bound for trigger in others if trigger.bound):
            if other.row not in seen and target:
                seen.add(other.row)
                ratio = (other.levels.edge("target") or 0.0) / target
                yield Observed(other.row, worst * ratio, f"in proportion to {bound.row}")


def _most(values: Sequence[float], levels: Levels) -> float | None:
    """What most of the values are at or within, by nearest rank."""
    finite = sorted((v for v in values if math.isfinite(v)), reverse=levels.worse == "below")
    return finite[math.ceil(NORMAL * len(finite)) - 1] if finite else None


def from_results(thresholds: Thresholds, texts: Mapping[str, str]) -> Iterator[Observed]:
    """Of results of the benchmark, by file: the worst of them all; raises ResultError."""
    found: dict[str, tuple[float, str]] = {}
    rows = thresholds.rows()
    concurrency = {
        getattr(levels, "concurrency", None): row
        for row, levels in rows.items()
        if row.startswith("throughput.")
    }
    for name, text in texts.items():
        for row, value in _measured(name, text, concurrency):
            if row not in rows:
                continue
            worse = max if rows[row].worse == "above" else min
            found[row] = worse(found.get(row, (value, name)), (value, name))
    for row, (value, name) in found.items():
        yield Observed(row, value, name)


def _measured(
    name: str, text: str, concurrency: Mapping[int | None, str]
) -> Iterator[tuple[str, float]]:
    try:
        document: Any = json.loads(text)
        if document["form"] != FORM:
            raise ResultError(f"{name}: form {document['form']!r}, expected {FORM}")
        if document["verdict"] == "nothing proven":
            raise ResultError(f"{name}: {document['said']}")
        for each in document["benchmarks"]:
            if each["benchmark"] == "single":
                for percentile, pair in each["latency"].items():
                    if pair:
                        yield f"latency.{percentile}", _positive(pair["value"])
            row = concurrency.get(each["concurrency"])
            if row and each["benchmark"].startswith(("sequential", "callers-")):
                yield row, _positive(each["throughput"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = f"{name} is no result of the benchmark: expected what its --output has written"
        raise ResultError(text) from error


def _positive(number: Any) -> float:
    value = float(number)
    if 0 < value < math.inf:
        return value
    raise ValueError(number)


def propose(thresholds: Thresholds, observed: Iterable[Observed], margin: float) -> list[Proposal]:
    """A target that leaves the margin above what is normal; the other levels keep their distance.

    Numbers are round, of latencies bounds of the histogram, which alone are exact. Rows that may
    not be lower than another one, as p99 than p95, follow it.
    """
    rows = thresholds.rows()
    found = {
        each.row: _proposal(thresholds, rows[each.row], each, each.value, margin)
        for each in observed
        if each.value is not None
    }
    for group, _ in RISING_ROWS:
        for before, row in pairwise(group):
            found |= _lifted(rows, found, before, row)
    return list(found.values())


def _lifted(
    rows: Mapping[str, Levels], found: Mapping[str, Proposal], before: str, row: str
) -> dict[str, Proposal]:
    """A row's proposal anew, where it is lower than the row before it."""

    def edges(name: str) -> dict[str, float]:
        proposal = found.get(name)
        return dict(proposal.edges if proposal and proposal.edges else rows[name].edges())

    least, own = edges(before), edges(row)
    lifted = {name: max(value, least.get(name, value)) for name, value in own.items()}
    if lifted == own:
        return {}
    observed = found[row].observed if row in found else Observed(row, None, f"as {before}")
    return {row: Proposal(observed, rows[row], lifted, f"calibrated: not below {before}")}


def _proposal(
    thresholds: Thresholds, levels: Levels, observed: Observed, value: float, margin: float
) -> Proposal:
    above = levels.worse == "above"
    wanted = value * (1 + margin) if above else value * (1 - margin)
    edges = dict(levels.edges())
    if wanted <= 0 or not edges["target"]:
        return Proposal(observed, levels, {}, "nothing of it was seen, or is allowed")
    factor = wanted / edges["target"]
    latency = observed.row.startswith("latency.")
    bounds = thresholds.service.latency_buckets[:-1] if latency else ()
    new = {name: _round(edge * factor, levels, bounds) for name, edge in edges.items()}
    if abs(factor - 1) <= NEAR or new == edges:
        return Proposal(observed, levels, {}, "today's fits")
    if why := _impossible(list(new.values()), levels, bounds):
        return Proposal(observed, levels, {}, why)
    side = "above" if above else "below"
    seen = measured_text(value, levels.unit)
    why = f"calibrated: {margin:.0%} {side} {seen} ({observed.source})"
    return Proposal(observed, levels, new, why)


def _impossible(edges: Sequence[float], levels: Levels, bounds: Sequence[float]) -> str:
    """Why a row cannot have such numbers; "" if it can."""
    if len(set(edges)) < len(edges):
        return "its levels would fall together"
    if levels.unit is Unit.RATIO and max(edges) >= 1:
        return "it would be beyond 100%"
    if bounds and max(edges) > bounds[-1]:
        return "it would be beyond what service.latency_buckets can tell"
    return ""


def _round(value: float, levels: Levels, bounds: Sequence[float]) -> float:
    """The next bound, or else the next round number, on the side that is worse."""
    if fitting := [bound for bound in bounds if bound >= value]:
        return fitting[0]
    smallest = _SMALLEST[levels.unit]
    exact = Fraction(value) / smallest
    power = Fraction(10) ** max(0, math.floor(math.log10(max(1.0, float(exact)))))
    steps = [each for digits in _DIGITS if (each := digits * power / 10).denominator == 1]
    if levels.worse == "above":
        step = min(each for each in steps if each >= exact * _BELOW)
    else:
        step = max((each for each in steps if each <= exact), default=Fraction(1))
    return float(step * smallest)


def overlay(proposals: Iterable[Proposal]) -> dict[str, Any]:
    """What an overlay with the proposed rows says."""
    targets: dict[str, Any] = {}
    for each in proposals:
        if each.edges:
            unit = each.levels.unit
            numbers = {
                name: int(value) if unit is Unit.COUNT else format_value(value, unit)
                for name, value in each.edges.items()
            }
            place = targets
            for part in each.observed.row.split("."):
                place = place.setdefault(part, {})
            place.update(numbers, why=each.why)
    return {"targets": targets} if targets else {}
