"""Rules for the tables of targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from generator.thresholds.document import Document
from generator.thresholds.levels import EDGES, Levels
from generator.thresholds.problems import Problem
from generator.thresholds.units import Unit, format_value

# Rows whose levels cannot fall from one to the next, and why.
RISING_ROWS: Final = (
    (
        ("latency.p50", "latency.p95", "latency.p99", "latency.p999"),
        "a higher quantile is never lower",
    ),
    (("error_rate.normal", "error_rate.high", "error_rate.stress"), "more load is allowed as much"),
    (("cpu.idle", "cpu.normal", "cpu.high"), "more load is allowed as much"),
    (("memory.initial", "memory.peak_1h", "memory.peak_24h"), "a longer run's peak is never lower"),
    (("memory.slow_growth", "memory.growth"), "the slow leak is the slower one"),
)

# Rows that differ by a field which must rise, and its unit.
_LOADS: Final = (
    (
        ("throughput.sequential", "throughput.low", "throughput.medium", "throughput.high"),
        "concurrency",
    ),
    (("error_rate.normal", "error_rate.high", "error_rate.stress"), "up_to_users"),
    (("cpu.idle", "cpu.normal", "cpu.high"), "up_to_users"),
    (("memory.peak_1h", "memory.peak_24h"), "within"),
)


def _edges(document: Document, row: str) -> list[tuple[str, float]]:
    """Path and number of every level of a row that could be read, best first."""
    found = ((f"targets.{row}.{edge}", document.number(f"targets.{row}.{edge}")) for edge in EDGES)
    return [(path, number) for path, number in found if number is not None]


def levels_are_in_order(document: Document, forms: Mapping[str, type[Levels]]) -> Iterator[Problem]:
    """Each level is worse than the one before it."""
    for row, cls in forms.items():
        for (better, before), (path, value) in pairwise(_edges(document, row)):
            if value <= before if cls.worse == "above" else value >= before:
                name = better.rpartition(".")[2]
                limit = format_value(before, cls.unit)
                yield document.problem(path, f"a value {cls.worse} that of `{name}` ({limit})")


def rows_are_in_order(document: Document, forms: Mapping[str, type[Levels]]) -> Iterator[Problem]:
    """Levels never fall from a row to a harder one."""
    for rows, reason in RISING_ROWS:
        for before, row in pairwise(rows):
            for edge in EDGES:
                lower = document.number(f"targets.{before}.{edge}")
                value = document.number(f"targets.{row}.{edge}")
                if lower is not None and value is not None and value < lower:
                    limit = format_value(lower, forms[row].unit)
                    expected = f"at least {limit} as in targets.{before}.{edge}: {reason}"
                    yield document.problem(f"targets.{row}.{edge}", expected)


def loads_rise(document: Document) -> Iterator[Problem]:
    """Each row is for more load, or a longer time, than the one before it."""
    for rows, name in _LOADS:
        for before, row in pairwise(f"targets.{row}.{name}" for row in rows):
            lower, value = document.number(before), document.number(row)
            if lower is not None and value is not None and value <= lower:
                unit = Unit.DURATION if name == "within" else Unit.COUNT
                yield document.problem(row, f"more than {before} ({format_value(lower, unit)})")


def loads_have_an_end(document: Document) -> Iterator[Problem]:
    """Only the last row of a table may go on for ever."""
    for rows, name in _LOADS:
        for row in (f"targets.{row}" for row in rows[:-1]):
            path = f"{row}.{name}"
            if name == "up_to_users" and document.is_complete(row) and not document.has(path):
                expected = "a whole number such as 20: only the last row holds without end"
                yield Problem(document.nodes[row].position, path, "no such key", expected)


def weak_score_is_a_bucket(document: Document) -> Iterator[Problem]:
    """A histogram counts the share below only at its own bounds; below the last one lies all."""
    path, buckets = "targets.confidence.below", document.whole_list("service.confidence_buckets")
    value = document.number(path)
    if value is None or buckets is None or value in buckets[:-1]:
        return
    bounds = ", ".join(format_value(bucket, Unit.SCORE) for bucket in buckets[:-1])
    yield document.problem(path, f"one of service.confidence_buckets but the last: {bounds}")
