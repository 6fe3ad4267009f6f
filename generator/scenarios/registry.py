"""How a family's module declares its scenarios, and how they are collected."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import get_args

from generator.alerts import ByKey
from generator.alerts.model import Alert, Family
from generator.scenarios import families
from generator.scenarios.context import ScenarioContext
from generator.scenarios.scenario import Events, Scenario
from generator.thresholds.model import Thresholds

Build = Callable[[ScenarioContext], Events | None]


@dataclass(frozen=True)
class Definition:
    """A scenario before its numbers are known; `build` gives None where these make no sense.

    The scenario's name is that of the function, with hyphens; its story is the docstring.
    """

    family: Family
    build: Build

    @property
    def name(self) -> str:
        return self.build.__name__.replace("_", "-")

    def scenario(self, context: ScenarioContext) -> Scenario | None:
        events = self.build(context)
        if events is None:
            return None
        story = " ".join((inspect.getdoc(self.build) or "").split())
        return Scenario(name=self.name, family=self.family, story=story, **vars(events))


def scenarios_of(family: Family) -> Callable[[Build], Definition]:
    """A decorator for functions that build a scenario of this family."""
    return lambda build: Definition(family, build)


@cache
def definitions() -> tuple[Definition, ...]:
    """The definitions by family, then in the order of the modules' names and of their lines.

    Raises ValueError for a name that two of them have.
    """
    found: dict[str, Definition] = {}
    for module in pkgutil.iter_modules(families.__path__):
        for each in vars(importlib.import_module(f"{families.__name__}.{module.name}")).values():
            if isinstance(each, Definition) and found.setdefault(each.name, each) is not each:
                raise ValueError(f"two scenarios named {each.name}")
    order = get_args(Family)
    return tuple(sorted(found.values(), key=lambda each: order.index(each.family)))


def all_scenarios(thresholds: Thresholds, alerts: Sequence[Alert]) -> tuple[Scenario, ...]:
    """Every scenario that makes sense with these thresholds, by family."""
    context = ScenarioContext(thresholds, ByKey(alerts))
    found = (each.scenario(context) for each in definitions())
    return tuple(each for each in found if each)
