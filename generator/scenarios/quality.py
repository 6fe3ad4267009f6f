"""Answers with low scores: many, and a few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator.scenarios.book import Book
from generator.scenarios.course import steady
from generator.scenarios.model import Scenario


def scenarios(book: Book) -> Iterator[Scenario]:
    yield _weak(book)
    yield _few(book)


def _weak(book: Book) -> Scenario:
    times = book.times("low_confidence")
    world = book.world()
    share = (1 + book.bound("low_confidence")) / 2
    return Scenario(
        name="answers-lose-their-sources",
        family="quality",
        story="The search index is half empty, and most answers find no source. It is rebuilt.",
        length=times.length,
        worlds=(replace(world, weak=world.weak.between(times.start, times.end, share)),),
        must=book.must(times, "low_confidence"),
    )


def _few(book: Book) -> Scenario:
    settings = book.thresholds.alerts.low_confidence
    return Scenario(
        name="few-and-odd-questions",
        family="quality",
        story=(
            "Somebody tries odd questions in the evening, and most answers are weak. They are few."
        ),
        length=3 * 3600.0,
        worlds=(
            replace(
                book.idle(),
                requests=steady(0.6 * settings.min_requests / settings.window),
                errors=steady(0.0),
                weak=steady((1 + book.bound("low_confidence")) / 2),
            ),
        ),
    )
