"""Collects the scenarios from the modules of `families`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import get_args

from generator.alerts import ByKey
from generator.alerts.model import Alert, Family
from generator.scenarios import families
from generator.scenarios.context import ScenarioContext
from generator.scenarios.scenario import Events, Scenario
from generator.thresholds.model import Thresholds

# None where the numbers make no sense for the scenario.
Build = Callable[[ScenarioContext], Events | None]


@cache
def definitions() -> Mapping[str, tuple[Family, Build]]:
    """The functions by the scenario's name, sorted by family, module and line.

    Raises ValueError for a name that two of them have.
    """
    found: dict[str, tuple[Family, Build]] = {}
    for info in pkgutil.iter_modules(families.__path__):
        module = importlib.import_module(f"{families.__name__}.{info.name}")
        for function, build in vars(module).items():
            if function.startswith("_") or getattr(build, "__module__", "") != module.__name__:
                continue
            name = function.replace("_", "-")
            if name in found:
                raise ValueError(f"two scenarios named {name}")
            found[name] = module.FAMILY, build
    order = get_args(Family)
    return dict(sorted(found.items(), key=lambda each: order.index(each[1][0])))


def all_scenarios(thresholds: Thresholds, alerts: Sequence[Alert]) -> tuple[Scenario, ...]:
    """Every scenario that makes sense with these thresholds, by family."""
    context = ScenarioContext(thresholds, ByKey(alerts))
    found = []
    for name, (family, build) in definitions().items():
        story = " ".join((build.__doc__ or "").split())
        if events := build(context):
            found.append(Scenario(name=name, family=family, story=story, **vars(events)))
    return tuple(found)
