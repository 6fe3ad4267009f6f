"""Answers with low scores: many, and a few."""

from __future__ import annotations

from dataclasses import replace

from generator.scenarios import Events, ScenarioContext, steady

FAMILY = "quality"


def _too_many(context: ScenarioContext) -> float:
    """A share of low scores halfway between the bound and 1."""
    return (1 + context.bound("low_confidence")) / 2


def answers_without_sources(context: ScenarioContext) -> Events:
    """Half of the search index is missing, so most answers find no source. It is rebuilt."""
    incident = context.incident("low_confidence")
    return incident.events(context.healthy().during(incident, low_confidence=_too_many(context)))


def few_odd_questions(context: ScenarioContext) -> Events:
    """Somebody tries odd questions in the evening, and most answers score low.

    They are too few to judge.
    """
    settings = context.settings("low_confidence")
    evening = replace(
        context.idle(),
        requests=steady(0.6 * settings.min_requests / settings.window),
        errors=steady(0.0),
        low_confidence=steady(_too_many(context)),
    )
    return Events(length=3 * 3600.0, instances=(evening,))
