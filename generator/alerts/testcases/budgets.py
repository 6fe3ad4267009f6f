"""Cases of what is left of the budgets, which no alert asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from generator.alerts.clock import Clock
from generator.alerts.model import Case, ExprTest, Recording, Series
from generator.alerts.objectives import Objective, objectives, remaining
from generator.alerts.testcases.expectations import about, closely, nothing
from generator.alerts.testcases.series import Phase, counter, histogram, selector
from generator.names import LATENCY, REQUESTS
from generator.thresholds.model import Thresholds

_SLOWEST: Final = 240  # seconds between samples: Prometheus looks back five minutes
_INSTANCE: Final = "10.0.0.1:9105"
_BUSY, _IDLE, _FEW = "busy", "idle", "few"


def clock(thresholds: Thresholds) -> Clock:
    """One evaluation a tile: of weeks, more would take too long."""
    return Clock(int(thresholds.slo.burn.fast.window))


def cases(thresholds: Thresholds) -> tuple[Case, ...]:
    """A bad time within the period, and one before it; nothing; and half of one request."""
    parts = [_part(thresholds, objective) for objective in objectives(thresholds)]
    case = Case(
        "a bad time within the period, and one before it",
        tuple(series for part, _ in parts for series in part),
        expr_tests=tuple(reading for _, part in parts for reading in part),
        interval=_samples(thresholds).interval,
    )
    return (case,)


def _samples(thresholds: Thresholds) -> Clock:
    """The slowest that a tile is a multiple of."""
    tile = clock(thresholds).interval
    return Clock(next(each for each in range(_SLOWEST, 0, -1) if tile % each == 0))


def _part(
    thresholds: Thresholds, objective: Objective
) -> tuple[tuple[Series, ...], tuple[ExprTest, ...]]:
    """The series of an objective, and what is read of them."""
    tiles, samples = clock(thresholds), _samples(thresholds)
    period = thresholds.slo.period

    def part(share: float) -> int:
        return tiles.tick(share * period)

    bad = min(8 * objective.allowed, 1.0)
    short, long, rest, silent = (part(share) for share in (0.03, 0.4, 0.55, 0.05))
    parts = ((short, bad), (long, 0.0), (short, bad), (rest, 0.0))
    idle = Phase(2 * silent, 0.0, traffic=0)
    time_series = [*(Phase(seconds, value) for seconds, value in parts), idle]
    wait = Phase(tiles.interval + 2 * samples.interval, 0.0, traffic=0)
    few = [wait, Phase(samples.interval, 0.0, traffic=0.5), idle]
    end = 2 * short + long + rest + silent
    scraped = 1 / samples.interval
    all_, failed = (end - silent - (end - tiles.tick(period))) * scraped, short * bad * scraped
    left = remaining(thresholds, objective)
    early = 3 * tiles.interval
    return (
        (
            *_series(thresholds, objective, samples, _BUSY, time_series),
            *_series(thresholds, objective, samples, _IDLE, [idle]),
            *_series(thresholds, objective, samples, _FEW, few),
        ),
        (
            *_counted(thresholds, objective, end, all_, failed),
            closely(end, left, {"job": _BUSY}, 1 - failed / all_ / objective.allowed),
            nothing(early, left, {"job": _IDLE}),
            about(early, left, {"job": _FEW}, 1),
        ),
    )


def _counted(
    thresholds: Thresholds, objective: Objective, end: int, all_: float, failed: float
) -> Iterator[ExprTest]:
    period = thresholds.slo.period
    expected: tuple[tuple[Recording, float], ...] = (
        (objective.all_(period), all_),
        (objective.bad(period), failed),
    )
    for recording, value in expected:
        yield closely(end, recording, {"job": _BUSY}, value)


def _series(
    thresholds: Thresholds, objective: Objective, samples: Clock, job: str, time_series: list[Phase]
) -> tuple[Series, ...]:
    """One request a sample, of which a phase's value are bad."""
    labels = {"job": job, "instance": _INSTANCE}
    if objective.key == "error":
        return tuple(
            Series(
                selector(REQUESTS, {**labels, "status": status}),
                counter(samples, time_series, _good if status == "success" else _bad),
            )
            for status in ("success", "error")
        )
    within = (thresholds.slo.latency.within,)
    return histogram(samples, LATENCY, labels, within, time_series, lambda bad, _le: 1 - bad, 1.0)


def _good(phase: Phase) -> float:
    return phase.traffic * (1 - (phase.value or 0.0))


def _bad(phase: Phase) -> float:
    return phase.traffic * (phase.value or 0.0)
