"""The benchmarks: what they ask, what they measure, and what of it is judged.

The load is closed: each caller asks again as soon as it has its answer. At a concurrency beyond
what the service has workers for, requests wait for one another, and throughput and latency are the
same statement (Little's law: 50 callers at 50 answers a second wait a second each). So latency is
graded for a single caller, and throughput at the concurrencies that the thresholds have rows for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any, Final, Literal

from generator.thresholds import Thresholds
from tests.performance import estimates
from tests.performance.client import Client, together
from tests.performance.estimates import Interval
from tests.performance.grading import (
    PERCENTILES,
    Grade,
    Verdict,
    error_grade,
    latency_grades,
    percentile,
    proves_nothing,
    refused,
)
from tests.performance.verification import ANSWERS, SOURCES, request

LEAST_EACH: Final = 20
ALL_SOURCES: Final = 20


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    key: str
    title: str
    judged_by: Literal["latency", "throughput"]
    concurrency: int = 1
    keep_alive: bool = True
    sources: int = len(SOURCES)
    answers: tuple[str, ...] = ANSWERS

    def requests(self, wanted: int) -> int:
        """So many, but at least some of each caller."""
        return max(wanted, LEAST_EACH * self.concurrency)


# The guide's seven, and one for the row of a hundred callers.
BENCHMARKS: Final = (
    Benchmark(
        key="single",
        title="Single request latency",
        judged_by="latency",
        keep_alive=False,
    ),
    Benchmark(key="sequential", title="Sequential throughput", judged_by="throughput"),
    Benchmark(key="callers-10", title="Low concurrency", judged_by="throughput", concurrency=10),
    Benchmark(key="callers-25", title="Medium concurrency", judged_by="throughput", concurrency=25),
    Benchmark(key="callers-50", title="High concurrency", judged_by="throughput", concurrency=50),
    Benchmark(key="callers-100", title="Full concurrency", judged_by="throughput", concurrency=100),
    Benchmark(key="light", title="Lightweight requests", judged_by="latency", sources=1),
    Benchmark(
        key="heavy",
        title="Heavy requests",
        judged_by="latency",
        sources=ALL_SOURCES,
        answers=(" ".join(ANSWERS * 8),),
    ),
)
BY_KEY: Final = {each.key: each for each in BENCHMARKS}


@dataclass(frozen=True)
class Result:
    """Of one benchmark, in seconds: what each answer took, when it came, and the whole."""

    benchmark: Benchmark
    seconds: tuple[float, ...]
    ends: tuple[float, ...]
    problems: Mapping[str, int]
    limited: int
    elapsed: float

    @property
    def failed(self) -> int:
        return sum(self.problems.values())

    @property
    def total(self) -> int:
        return len(self.seconds) + self.failed

    @property
    def throughput(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed

    def percentiles(self) -> dict[str, tuple[float, Interval | None] | None]:
        """By nearest rank, with the interval of 95 %; None for too few answers."""
        ordered = sorted(self.seconds)
        found = {name: percentile(ordered, share) for name, share in PERCENTILES.items()}
        return {
            name: None
            if value is None
            else (value, estimates.of_percentile(ordered, PERCENTILES[name]))
            for name, value in found.items()
        }


def measure(benchmark: Benchmark, url: str, wanted: int, tell: Callable[[], object]) -> Result:
    """Run it against the Auditor at `url`."""
    clients = [Client(url, keep_alive=benchmark.keep_alive) for _ in range(benchmark.concurrency)]
    bodies = (request(answer, benchmark.sources) for answer in cycle(benchmark.answers))
    outcomes = together(clients, islice(bodies, benchmark.requests(wanted)), tell)
    start = min(each.ended - each.seconds for each in outcomes)
    return Result(
        benchmark=benchmark,
        seconds=tuple(each.seconds for each in outcomes if not each.problem),
        ends=tuple(each.ended - start for each in outcomes if not each.problem),
        problems=Counter(each.problem for each in outcomes if each.problem and not each.limited),
        limited=sum(each.limited for each in outcomes),
        elapsed=outcomes[-1].ended - start,
    )


def judge(thresholds: Thresholds, results: Sequence[Result], slower: Sequence[str]) -> Verdict:
    """`slower` are the regressions against an earlier result, each in words."""
    grades = [grade for each in results for grade in _grades(thresholds, each)]
    limited = sum(each.limited for each in results)
    empty = next(
        (
            f"{each.benchmark.key}: {why}"
            for each in results
            if (why := proves_nothing(thresholds, len(each.seconds), each.problems))
        ),
        "",
    )
    if limited:
        empty = refused(limited)
    total = sum(each.total for each in results)
    return Verdict(tuple(grades), f"{total} verifications", empty, tuple(slower))


def _grades(thresholds: Thresholds, result: Result) -> list[Grade]:
    benchmark = result.benchmark
    found = []
    if benchmark.judged_by == "latency":
        known = result.percentiles()
        for grade in latency_grades(thresholds, result.seconds, benchmark.key):
            pair = known[grade.row.removeprefix("latency.")]
            found.append(replace(grade, interval=pair[1]) if pair else grade)
    else:
        row = _throughput_row(thresholds, benchmark.concurrency)
        levels = thresholds.rows()[row]
        interval = estimates.of_rate(result.ends, result.elapsed)
        found.append(Grade(row, result.throughput, levels, benchmark.key, interval))
    users = benchmark.concurrency
    found.append(error_grade(thresholds, result.total, result.failed, users, benchmark.key))
    return found


def _throughput_row(thresholds: Thresholds, concurrency: int) -> str:
    """The row of the highest concurrency that is no higher, or else of the lowest."""
    rows = thresholds.rows()
    known = {
        getattr(levels, "concurrency", 0): name
        for name, levels in rows.items()
        if name.startswith("throughput.")
    }
    return known[max((each for each in known if each <= concurrency), default=min(known))]


def document(result: Result) -> dict[str, Any]:
    """Seconds, and answers a second; with every latency, so that later results can be compared."""
    return {
        "benchmark": result.benchmark.key,
        "concurrency": result.benchmark.concurrency,
        "requests": result.total,
        "problems": dict(result.problems),
        "limited": result.limited,
        "elapsed": result.elapsed,
        "throughput": result.throughput,
        "latency": {
            name: None if pair is None else {"value": pair[0], "interval": pair[1]}
            for name, pair in result.percentiles().items()
        },
        "seconds": [round(each, 6) for each in result.seconds],
    }
