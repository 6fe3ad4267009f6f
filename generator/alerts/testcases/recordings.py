"""Test cases of recording rules: series over several windows, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from generator.alerts.context import Context
from generator.alerts.model import Case, ExprTest, Recording, Series
from generator.alerts.recordings import (
    LEVELS,
    QUANTILES,
    Level,
    error_ratio,
    errors,
    observations,
    quantile,
    request_rate,
    requests,
)
from generator.alerts.testcases.expectations import START, Span, about, above, nothing
from generator.alerts.testcases.inputs import HERE, THERE
from generator.alerts.testcases.series import Phase, histogram
from generator.names import CONFIDENCE, LATENCY, REQUESTS, UP
from generator.thresholds.units import format_duration

ELSEWHERE: Final = "10.0.0.3:9105"


def requests_over_time(
    context: Context,
    window: float,
    recordings: Collection[Recording],
    level: Level = "instance",
    rates: Mapping[Recording, float] | None = None,
) -> Case:
    """Requests from old and new series, and from targets that were not scraped a window ago.

    HERE has as many failures as successes for one window, then some from new series. THERE has old
    counters and a new target; ELSEWHERE no request ever failed. `rates` are recordings of the ratio
    of failures, with what they read if every request fails.
    """
    span = Span(context, window)
    burst = 0.25

    def counter(instance: str, status: str, values: str, replica: str = "a") -> Series:
        labels = {**_place(context, instance, level), "status": status, "replica": replica}
        return Series(REQUESTS, labels, values)

    def scraped(instance: str, values: str) -> Series:
        return Series(UP, _place(context, instance, level), values)

    grows, old, new = span.grows(), span.born(START), span.born(burst)
    series = (
        scraped(HERE, f"1x{4 * span.samples}"),
        counter(HERE, "success", grows),
        counter(HERE, "error", grows),
        counter(HERE, "success", new, "b"),
        counter(HERE, "error", new, "b"),
        scraped(THERE, span.turns(1, 0, 1)),
        counter(THERE, "success", old),
        counter(THERE, "error", old),
        scraped(ELSEWHERE, f"1x{4 * span.samples}"),
        counter(ELSEWHERE, "success", grows),
    )
    names = {each.name for each in (*recordings, *(rates or ()))}
    readings = _request_readings(span, level, rates or {error_ratio(window): 1.0}, burst)
    return span.case(
        f"requests from old, new and reset counters over {format_duration(window)}",
        series,
        [reading for recording, reading in readings if recording.name in names],
    )


def _place(context: Context, instance: str, level: Level) -> dict[str, str]:
    """Labels of an instance's series; each has its own job if whole jobs are counted."""
    labels = context.api(instance)
    return labels if level == "instance" else {**labels, "job": f"job-{instance}"}


def _request_readings(
    span: Span, level: Level, rates: Mapping[Recording, float], burst: float
) -> Iterator[tuple[Recording, ExprTest]]:
    """Expected readings, each with its recording."""
    places = (_place(span.context, instance, level) for instance in (HERE, THERE, ELSEWHERE))
    here, there, elsewhere = (
        {name: labels[name] for name in LEVELS[level].split(", ")} for labels in places
    )
    total, failed = requests(span.window, level), errors(span.window, level)
    filling, full, late, empty = (span.at(part) for part in (0.5, 1.25, 1.75, 2.25))
    for at, new in ((filling, 0.0), (full, burst), (late, burst), (empty, 0.0)):
        grown = span.growth(at)
        yield total, about(at, total, here, 2 * (grown + new))
        yield failed, about(at, failed, here, grown + new)
    yield total, about(full, total, there, 0)
    yield failed, about(full, failed, there, 0)
    yield failed, about(full, failed, elsewhere, 0)
    for rate, worst in rates.items():
        for at in (filling, full, late):
            yield rate, about(at, rate, here, 0.5 * worst)
        yield rate, nothing(empty, rate, here)
        yield rate, about(full, rate, elsewhere, 0)
    per_second = request_rate(span.window)
    yield per_second, about(full, per_second, here, 2 * span.growth(full) / span.window)


def quantile_over_time(context: Context, field: str, window: float, metric: str = LATENCY) -> Case:
    """A burst of slow observations among steady fast ones shows for one window.

    On the first instance, fast and slow ones come from two series; enough are slow that the
    quantile of their sum is slow, but that of the larger count per bucket is fast. On the second,
    the burst outweighs everything else.
    """
    span, q = Span(context, window), QUANTILES[field]
    labels = context.api if metric == LATENCY else context.workers
    buckets = context.thresholds.service.latency_buckets
    fast, slow = buckets[0], buckets[-1]
    few = span.samples * (2 - q) / (2 * q)

    def observed(instance: str, replica: str, value: float, *counts: float) -> Iterator[Series]:
        """`counts` observations per sample before, at and after the burst, all with one value."""
        lengths = (2 * span.length, span.clock.interval, 3 * span.length)
        phases = [Phase(each, value, count) for each, count in zip(lengths, counts, strict=True)]
        own = {**labels(instance), "replica": replica}
        yield from histogram(span.clock, metric, own, buckets, phases, _reached, 1.0)

    series = (
        *observed(HERE, "a", fast, 1, 1, 1),
        *observed(HERE, "b", slow, 0, few, 0),
        *observed(THERE, "a", fast, 1, 1, 1),
        *observed(THERE, "b", slow, 0, 10 * span.samples, 0),
    )
    within, past = span.at(2.75), span.at(3.5)
    read = quantile(metric, field, window)
    at_here, at_there = labels(HERE), labels(THERE)
    expr_tests = [
        above(within, read, at_here, fast, is_above=True),
        above(within, read, at_there, fast, is_above=True),
        above(past, read, at_there, fast, is_above=False),
    ]
    if metric == LATENCY:
        count = observations(metric, window)
        expr_tests.append(about(within, count, at_here, span.samples + few))
    return span.case("a burst of slow requests among fast ones", series, expr_tests)


def _reached(value: float, upper: float) -> float:
    return float(upper >= value)


def low_scores(context: Context) -> Callable[[float, float], float]:
    """Shares under which a phase's value is the share of low confidence scores."""
    below = context.thresholds.targets.confidence.below
    most = max(context.thresholds.service.confidence_buckets)

    def share(value: float, upper: float) -> float:
        if upper == most:
            return 1.0
        return value if upper >= below else 0.0

    return share


def low_scores_of_two(context: Context, window: float, low: Recording, count: Recording) -> Case:
    """All scores of one series are low, and half of the other's; then there are none."""
    span, here = Span(context, window), context.api(HERE)
    buckets = context.thresholds.service.confidence_buckets

    def observed(replica: str, share: float) -> Iterator[Series]:
        phases = [Phase(2 * span.length, share), Phase(3 * span.length, share, traffic=0)]
        labels = {**here, "replica": replica}
        yield from histogram(
            span.clock, CONFIDENCE, labels, buckets, phases, low_scores(context), 1.0
        )

    at = span.at(1.5)
    return span.case(
        "the share over two series, then no data",
        (*observed("a", 1.0), *observed("b", 0.5)),
        (
            about(at, low, here, 0.75),
            about(at, count, here, 2 * span.samples),
            nothing(span.at(3.5), low, here),
        ),
    )


def slow_over_time(
    context: Context,
    window: float,
    within: float,
    recordings: tuple[Recording, Recording],
    rates: Mapping[Recording, float],
) -> Case:
    """Two series of fast responses, and a third with half as many slow ones.

    The recordings count all responses of a job and the slow ones; `rates` are recordings of the
    ratio of the two, with what they read if all are slow.
    """
    span = Span(context, window)
    job = {"job": context.thresholds.service.jobs.api}

    def observed(replica: str, each: float, value: float) -> Iterator[Series]:
        own = {**context.api(HERE), "replica": replica}
        phases = [Phase(3 * span.length, value)]
        yield from histogram(span.clock, LATENCY, own, (within,), phases, _reached, each)

    count, slow = recordings
    at = span.at(1.5)
    return span.case(
        f"fast and slow responses from several series over {format_duration(window)}",
        (*observed("a", 1.0, within), *observed("b", 1.0, within), *observed("c", 0.5, 2 * within)),
        (
            about(at, count, job, 2.5 * window / span.clock.interval),
            about(at, slow, job, 0.5 * window / span.clock.interval),
            *(about(at, rate, job, 0.2 * worst) for rate, worst in rates.items()),
        ),
    )
