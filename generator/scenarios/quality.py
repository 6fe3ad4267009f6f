"""Answers with low scores: many, and a few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator.scenarios.context import ScenarioContext
from generator.scenarios.model import Scenario
from generator.scenarios.timeseries import steady


def scenarios(context: ScenarioContext) -> Iterator[Scenario]:
    yield _weak(context)
    yield _few(context)


def _weak(context: ScenarioContext) -> Scenario:
    times = context.times("low_confidence")
    world = context.world()
    share = (1 + context.bound("low_confidence")) / 2
    return Scenario(
        name="answers-lose-their-sources",
        family="quality",
        story="The search index is half empty, and most answers find no source. It is rebuilt.",
        length=times.length,
        worlds=(replace(world, weak=world.weak.between(times.start, times.end, share)),),
        must=context.must(times, "low_confidence"),
    )


def _few(context: ScenarioContext) -> Scenario:
    settings = context.thresholds.alerts.low_confidence
    return Scenario(
        name="few-and-odd-questions",
        family="quality",
        story=(
            "Somebody tries odd questions in the evening, and most answers are weak. They are few."
        ),
        length=3 * 3600.0,
        worlds=(
            replace(
                context.idle(),
                requests=steady(0.6 * settings.min_requests / settings.window),
                errors=steady(0.0),
                weak=steady((1 + context.bound("low_confidence")) / 2),
            ),
        ),
    )
