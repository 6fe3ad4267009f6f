"""Proposes rows of the targets from measurements."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from generator.errors import InputError
from generator.history.backtest import History
from generator.measured import measured_text
from generator.thresholds import Thresholds
from generator.thresholds.checks import RISING_ROWS
from generator.thresholds.levels import Levels
from generator.thresholds.units import Unit, format_value

# A value is normal if it holds for this share of the time. The rest may be incidents.
NORMAL: Final = 0.95
# A row is kept if its target is this close to the proposed one.
TOLERANCE: Final = 0.1
FORMAT_VERSION: Final = 1

# Round numbers of steps: 1, 1.2, 1.5 ... times a power of ten.
_ROUND: Final = sorted(
    {
        tenths * 10**power // 10
        for power in range(30)
        for tenths in (10, 12, 15, 20, 25, 30, 40, 50, 60, 80)
        if tenths * 10**power % 10 == 0
    }
)
_STEPS: Final[Mapping[Unit, Fraction]] = {
    Unit.DURATION: Fraction(1, 1000),
    Unit.BYTES: Fraction(1 << 20),
    Unit.GROWTH: Fraction(1 << 20, 3600),
    Unit.RATIO: Fraction(1, 1000),
    Unit.RATE: Fraction(1, 10),
    Unit.COUNT_RATE: Fraction(1, 3600),
    Unit.COUNT: Fraction(1),
}
# A value that exceeds a round number only by rounding errors counts as that number.
_EPSILON: Final = Fraction(1, 10**9)


class ResultError(InputError):
    """A file is not a usable result of the benchmark; the message says why."""


@dataclass(frozen=True)
class Observed:
    """The normal value of a row in SI base units, None if unknown, and where it comes from."""

    row: str
    value: float | None
    source: str


@dataclass(frozen=True)
class Proposal:
    """New numbers for a row. `edges` is empty if the current ones stay; `why` gives the reason."""

    observed: Observed
    levels: Levels
    edges: Mapping[str, float]
    why: str


def from_history(history: History) -> Iterator[Observed]:
    """The normal value of each row that an alert watches, for the worst instance or worker.

    Times that the alert's guard excludes, such as those with too few requests, do not count. The
    row of the lowest severity is measured. Those of the other severities, for more load or a longer
    time, keep their ratio to it.
    """
    seen: set[str] = set()
    for alert in history.alerts:
        lowest, *others = reversed(alert.triggers)
        bound = lowest.bound
        if bound is None or bound.row in seen:
            continue
        guard = f"\n{lowest.guard}" if lowest.guard else ""
        found = history.series(f"{alert.quantity}{guard}")
        normal = [_normal(list(each.values.values()), bound.levels) for each in found]
        known = [value for value in normal if value is not None]
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


def _normal(values: Sequence[float], levels: Levels) -> float | None:
    """By nearest rank."""
    finite = sorted((v for v in values if math.isfinite(v)), reverse=levels.worse == "below")
    return finite[math.ceil(NORMAL * len(finite)) - 1] if finite else None


def from_results(thresholds: Thresholds, texts: Mapping[str, str]) -> Iterator[Observed]:
    """The worst values in results of the benchmark, given by file name; raises ResultError."""
    found: dict[str, tuple[float, str]] = {}
    rows = thresholds.rows()
    by_concurrency = {
        getattr(levels, "concurrency", None): row
        for row, levels in rows.items()
        if row.startswith("throughput.")
    }
    for name, text in texts.items():
        for row, value in _measured(name, text, by_concurrency):
            if row in rows:
                worse = max if rows[row].worse == "above" else min
                found[row] = worse(found.get(row, (value, name)), (value, name))
    for row, (value, name) in found.items():
        yield Observed(row, value, name)


def _measured(
    name: str, text: str, by_concurrency: Mapping[int | None, str]
) -> Iterator[tuple[str, float]]:
    try:
        document: Any = json.loads(text)
        if document["form"] != FORMAT_VERSION:
            found = f"format version {document['form']!r}, expected {FORMAT_VERSION}"
            raise ResultError(f"{name}: {found}")
        if document["exit_code"] == 2:
            raise ResultError(f"{name}: {document['said']}")
        for each in document["benchmarks"]:
            if each["benchmark"] == "single":
                for percentile, pair in each["latency"].items():
                    if pair:
                        yield f"latency.{percentile}", _positive(pair["value"])
            row = by_concurrency.get(each["concurrency"])
            if row and each["benchmark"].startswith(("sequential", "callers-")):
                yield row, _positive(each["throughput"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = f"{name} is not a result of the benchmark; expected a file written by --output"
        raise ResultError(text) from error


def _positive(number: Any) -> float:
    value = float(number)
    if 0 < value < math.inf:
        return value
    raise ValueError(number)


def propose(thresholds: Thresholds, observed: Iterable[Observed], margin: float) -> list[Proposal]:
    """Targets with the margin to what is normal; the other levels keep their ratio to the target.

    Numbers are round. Latencies are bucket bounds of the histogram, which are exact. A row that
    must not be below another one, like p99 and p95, follows it.
    """
    rows = thresholds.rows()
    found = {
        each.row: _proposal(thresholds, rows[each.row], each, each.value, margin)
        for each in observed
        if each.value is not None
    }
    for group, _ in RISING_ROWS:
        for before, row in pairwise(group):
            found |= _raised(rows, found, before, row)
    return list(found.values())


def _raised(
    rows: Mapping[str, Levels], found: Mapping[str, Proposal], before: str, row: str
) -> dict[str, Proposal]:
    """A proposal for the row if it is below the row before it."""

    def edges(name: str) -> dict[str, float]:
        proposal = found.get(name)
        return dict(proposal.edges if proposal and proposal.edges else rows[name].edges())

    least, own = edges(before), edges(row)
    raised = {name: max(value, least.get(name, value)) for name, value in own.items()}
    if raised == own:
        return {}
    observed = found[row].observed if row in found else Observed(row, None, f"as {before}")
    return {row: Proposal(observed, rows[row], raised, f"calibrated: not below {before}")}


def _proposal(
    thresholds: Thresholds, levels: Levels, observed: Observed, value: float, margin: float
) -> Proposal:
    above = levels.worse == "above"
    wanted = value * (1 + margin) if above else value * (1 - margin)
    edges = dict(levels.edges())
    if wanted <= 0 or not edges["target"]:
        return Proposal(observed, levels, {}, "the value or the target is zero")
    factor = wanted / edges["target"]
    latency = observed.row.startswith("latency.")
    buckets = thresholds.service.latency_buckets[:-1] if latency else ()
    new = {name: _round(edge * factor, levels, buckets) for name, edge in edges.items()}
    if abs(factor - 1) <= TOLERANCE or new == edges:
        return Proposal(observed, levels, {}, "the current numbers fit")
    if why := _impossible(list(new.values()), levels, buckets):
        return Proposal(observed, levels, {}, why)
    side = "above" if above else "below"
    normal = measured_text(value, levels.unit)
    why = f"calibrated: {margin:.0%} {side} {normal} ({observed.source})"
    return Proposal(observed, levels, new, why)


def _impossible(edges: Sequence[float], levels: Levels, buckets: Sequence[float]) -> str:
    """Why a row cannot have these numbers, or ""."""
    if len(set(edges)) < len(edges):
        return "two levels would be equal"
    if levels.unit is Unit.RATIO and max(edges) >= 1:
        return "a level would be 100% or more"
    if buckets and max(edges) > buckets[-1]:
        return "a level would exceed service.latency_buckets"
    return ""


def _round(value: float, levels: Levels, buckets: Sequence[float]) -> float:
    """The next bucket, or else the next round number, on the side that is worse."""
    if fitting := [bucket for bucket in buckets if bucket >= value]:
        return fitting[0]
    step = _STEPS[levels.unit]
    steps = Fraction(value) / step
    if levels.worse == "above":
        count = next(each for each in _ROUND if each >= steps * (1 - _EPSILON))
    else:
        count = max((each for each in _ROUND if each <= steps), default=1)
    return float(count * step)


def overlay(proposals: Iterable[Proposal]) -> dict[str, Any]:
    """The overlay with the proposed rows."""
    targets: dict[str, Any] = {}
    for each in proposals:
        if each.edges:
            unit = each.levels.unit
            numbers = {
                name: int(value) if unit is Unit.COUNT else format_value(value, unit)
                for name, value in each.edges.items()
            }
            row = targets
            for part in each.observed.row.split("."):
                row = row.setdefault(part, {})
            row.update(numbers, why=each.why)
    return {"targets": targets} if targets else {}
