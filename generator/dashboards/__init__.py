"""The Grafana dashboards of the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from generator.alerts.model import Alert
from generator.dashboards import errors, latency, overview, system
from generator.dashboards.layout import assemble
from generator.dashboards.theme import dumps
from generator.thresholds.model import Thresholds

_DASHBOARDS: Final = (overview, latency, system, errors)


def render(thresholds: Thresholds, alerts: Sequence[Alert]) -> dict[str, str]:
    """`dashboards/overview.json` and the others, by path."""
    found = [module.build(thresholds) for module in _DASHBOARDS]
    return {
        f"dashboards/{each.name}.json": dumps(assemble(thresholds, each, alerts)) for each in found
    }
