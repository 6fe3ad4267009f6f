"""The benchmarks: what they send, what they measure, and what is graded.

The load is closed: each caller sends the next request as soon as it has its response. With more
callers than workers, requests wait for one another, and throughput and latency say the same
(Little's law: 50 callers at 50 responses per second wait one second each). So latency is graded
for a single caller, and throughput for the concurrencies that have a row in the thresholds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any, Final, Literal

from generator.thresholds import Thresholds
from tests.performance.client import Client, send_all
from tests.performance.estimates import Interval, percentile_interval, rate_interval
from tests.performance.grading import (
    PERCENTILES,
    Grade,
    Verdict,
    error_grade,
    latency_grades,
    percentile,
    rate_limit_advice,
    too_few_responses,
)
from tests.performance.verification import ANSWERS, SOURCES, request

MIN_PER_CALLER: Final = 20
MANY_SOURCES: Final = 20


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    key: str
    title: str
    graded_by: Literal["latency", "throughput"]
    concurrency: int = 1
    keep_alive: bool = True
    sources: int = len(SOURCES)
    answers: tuple[str, ...] = ANSWERS

    def requests(self, wanted: int) -> int:
        """As many as wanted, but enough for every caller."""
        return max(wanted, MIN_PER_CALLER * self.concurrency)


# The seven of the guide, and one for the row of a hundred callers.
BENCHMARKS: Final = (
    Benchmark(
        key="single",
        title="Single request latency",
        graded_by="latency",
        keep_alive=False,
    ),
    Benchmark(key="sequential", title="Sequential throughput", graded_by="throughput"),
    Benchmark(key="callers-10", title="Low concurrency", graded_by="throughput", concurrency=10),
    Benchmark(key="callers-25", title="Medium concurrency", graded_by="throughput", concurrency=25),
    Benchmark(key="callers-50", title="High concurrency", graded_by="throughput", concurrency=50),
    Benchmark(key="callers-100", title="Full concurrency", graded_by="throughput", concurrency=100),
    Benchmark(key="light", title="Lightweight requests", graded_by="latency", sources=1),
    Benchmark(
        key="heavy",
        title="Heavy requests",
        graded_by="latency",
        sources=MANY_SOURCES,
        answers=(" ".join(ANSWERS * 8),),
    ),
)
BY_KEY: Final = {each.key: each for each in BENCHMARKS}


@dataclass(frozen=True)
class Result:
    """Latencies and end times of the good responses, and the duration, all in seconds."""

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
        """Responses per second."""
        return len(self.seconds) / self.elapsed

    def percentiles(self) -> dict[str, tuple[float, Interval | None] | None]:
        """By nearest rank, with the 95% interval; None for too few responses."""
        ordered = sorted(self.seconds)
        found = {name: percentile(ordered, share) for name, share in PERCENTILES.items()}
        return {
            name: None
            if value is None
            else (value, percentile_interval(ordered, PERCENTILES[name]))
            for name, value in found.items()
        }


def measure(
    benchmark: Benchmark, url: str, wanted: int, on_response: Callable[[], object]
) -> Result:
    """Run it against the Auditor at `url`."""
    clients = [Client(url, keep_alive=benchmark.keep_alive) for _ in range(benchmark.concurrency)]
    bodies = (request(answer, benchmark.sources) for answer in cycle(benchmark.answers))
    outcomes = send_all(clients, islice(bodies, benchmark.requests(wanted)), on_response)
    start = min(each.ended - each.seconds for each in outcomes)
    good = [each for each in outcomes if not each.problem]
    return Result(
        benchmark=benchmark,
        seconds=tuple(each.seconds for each in good),
        ends=tuple(each.ended - start for each in good),
        problems=Counter(each.problem for each in outcomes if each.problem and not each.limited),
        limited=sum(each.limited for each in outcomes),
        elapsed=outcomes[-1].ended - start,
    )


def evaluate(thresholds: Thresholds, results: Sequence[Result], slower: Sequence[str]) -> Verdict:
    """`slower` describes the regressions."""
    grades = [grade for each in results for grade in _grades(thresholds, each)]
    limited = sum(each.limited for each in results)
    inconclusive = next(
        (
            f"{each.benchmark.key}: {reason}"
            for each in results
            if (reason := too_few_responses(thresholds, len(each.seconds), each.problems))
        ),
        "",
    )
    if limited:
        inconclusive = rate_limit_advice(limited)
    total = sum(each.total for each in results)
    return Verdict(tuple(grades), f"{total} verifications", inconclusive, tuple(slower))


def _grades(thresholds: Thresholds, result: Result) -> list[Grade]:
    benchmark = result.benchmark
    found = []
    if benchmark.graded_by == "latency":
        percentiles = result.percentiles()
        for grade in latency_grades(thresholds, result.seconds, benchmark.key):
            pair = percentiles[grade.row.removeprefix("latency.")]
            found.append(replace(grade, interval=pair[1]) if pair else grade)
    else:
        row = _throughput_row(thresholds, benchmark.concurrency)
        levels = thresholds.rows()[row]
        interval = rate_interval(result.ends, result.elapsed)
        found.append(Grade(row, result.throughput, levels, benchmark.key, interval))
    users = benchmark.concurrency
    found.append(error_grade(thresholds, result.total, result.failed, users, benchmark.key))
    return found


def _throughput_row(thresholds: Thresholds, concurrency: int) -> str:
    """The row with the highest concurrency up to this one, else the lowest."""
    rows = {
        getattr(levels, "concurrency", 0): name
        for name, levels in thresholds.rows().items()
        if name.startswith("throughput.")
    }
    return rows[max((each for each in rows if each <= concurrency), default=min(rows))]


def document(result: Result) -> dict[str, Any]:
    """In seconds and responses per second, with all latencies for later comparisons."""
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
