"""Requests a little worse than promised, for as long as it takes to matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from generator.alerts.burn import burn_of, faster_than
from generator.scenarios.book import SPARE, Book
from generator.scenarios.model import Demand, May, Scenario
from generator.scenarios.world import Spread, World

# So many times as bad as the bound of the pace.
_BAD = 2.0
_ALSO = May(
    reason="the same requests are more than is acceptable within minutes",
    families=("error", "latency"),
)
_COURSES: Final = (
    (
        "fast",
        "a-part-of-the-answers-is-broken",
        "A release breaks some questions and slows others. It is rolled back within the hour.",
    ),
    (
        "steady",
        "a-part-of-the-answers-stays-broken",
        "A broken source of texts fails some questions and slows others. It is mended in the end.",
    ),
    (
        "slow",
        "a-few-answers-are-broken-all-day",
        "One kind of question fails or is slow. Too few people ask it for anyone to complain.",
    ),
    (
        "creeping",
        "a-few-answers-are-broken-for-days",
        "Slightly more answers than promised fail or are slow. It goes on through the night.",
    ),
)


def scenarios(book: Book) -> Iterator[Scenario]:
    for pace, name, story in _COURSES:
        yield _both(book, pace, name, story)


def _both(book: Book, pace: str, name: str, story: str) -> Scenario:
    """Of both objectives."""
    keys = (f"error_budget_{pace}_burn", f"latency_budget_{pace}_burn")
    windows = burn_of(book.thresholds, keys[0])
    start = max(900.0, windows.short_window)
    failed, slow = (min(0.9, _BAD * book.alerts[key].constant * allowed(book, key)) for key in keys)
    due = max(
        _due(book, key, start, share) for key, share in zip(keys, (failed, slow), strict=True)
    )
    end = due + SPARE
    gone = end + windows.short_window + max(book.alerts[key].keep_firing_for for key in keys)
    world = _worse(book, start, end, failed, slow)
    return Scenario(
        name=name,
        family="error",
        story=story,
        length=gone + SPARE,
        worlds=(world,),
        must=tuple(
            Demand(book.alerts[key], book.trigger(key), world.instance, start, due, gone)
            for key in keys
        ),
        may=(_ALSO,),
    )


def allowed(book: Book, key: str) -> float:
    """The share that the objective of an alert leaves."""
    slo = book.thresholds.slo
    objective = slo.availability if key.startswith("error") else slo.latency
    return 1 - objective.objective


def _due(book: Book, key: str, start: float, share: float) -> float:
    """When the share of all requests so far is beyond the bound, as far as the window is full.

    What is summed by the hour is late by an hour, and no pace is judged before its window is
    longer than that of the one before it.
    """
    alert = book.alerts[key]
    windows = burn_of(book.thresholds, key)
    times = share / (alert.constant * allowed(book, key))
    worse = start + min(windows.window / times, start / (times - 1))
    tile = book.thresholds.slo.burn.fast.window
    late = tile if windows.window > tile else 0.0
    return max(worse, faster_than(book.thresholds, key)) + late + book.trigger(key).for_ + 300.0


def _worse(book: Book, start: float, end: float, failed: float, slow: float) -> World:
    """An instance of which so many requests fail, and so many of the rest are slow."""
    world = book.world()
    within = book.thresholds.slo.latency.within
    spread = Spread(((1 - slow, within / 2), (1.0, 20 * within)))
    return replace(
        world,
        errors=world.errors.between(start, end, failed),
        latency=world.latency.between(start, end, spread),
    )
