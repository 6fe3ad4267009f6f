"""Courses of hours and days: incidents that must be told of, and quiet ones that must not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from generator.alerts.context import Context
from generator.alerts.model import Alert
from generator.scenarios import (
    availability,
    budget,
    database,
    error,
    latency,
    memory,
    quality,
    saturation,
    sidecar,
    traffic,
    workers,
)
from generator.scenarios.context import ScenarioContext
from generator.scenarios.model import Scenario
from generator.thresholds.model import Thresholds

_MODULES: Final = (
    error,
    latency,
    budget,
    memory,
    saturation,
    workers,
    database,
    availability,
    sidecar,
    quality,
    traffic,
)


def all_scenarios(thresholds: Thresholds, alerts: Sequence[Alert]) -> tuple[Scenario, ...]:
    """Every scenario, in the order of the families."""
    context = ScenarioContext(Context(thresholds), {alert.key: alert for alert in alerts})
    return tuple(scenario for module in _MODULES for scenario in module.scenarios(context))
