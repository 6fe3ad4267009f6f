"""Where in the source to make a change that was made in Grafana."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from generator.alerts.model import Alert
from generator.dashboards.theme import LOGS, METRICS
from generator.grafana.diff import Change
from generator.thresholds import Thresholds
from generator.thresholds.levels import Levels
from generator.thresholds.units import Unit, format_value

THEME: Final = "generator/dashboards/theme.py"
_STEP: Final = re.compile(r"^fieldConfig\.defaults\.thresholds\.steps\b")
# Values of the dashboard itself that come from the thresholds.
_SETTINGS: Final = {
    "time.from": "dashboards.range",
    "refresh": "dashboards.refresh",
    f"templating.list[{METRICS}].current.text": "dashboards.metrics_datasource",
    f"templating.list[{METRICS}].current.value": "dashboards.metrics_datasource",
    f"templating.list[{LOGS}].current.text": "dashboards.logs_datasource",
    f"templating.list[{LOGS}].current.value": "dashboards.logs_datasource",
    "links[Runbooks].url": "service.links.runbooks",
}


@dataclass(frozen=True)
class Step:
    """A number of the thresholds that a panel draws as a threshold step."""

    path: str
    value: float
    unit: Unit


@dataclass(frozen=True)
class Source:
    """`modules` has the text of each module that builds panels or alerts, by path."""

    thresholds: Thresholds
    alerts: Sequence[Alert]
    modules: Mapping[str, str]

    def where(self, dashboard: str, change: Change) -> str:
        """The place in the source of a change to the dashboard of that name."""
        module = f"generator/dashboards/{dashboard}.py"
        if change.panel is None:
            if path := _SETTINGS.get(change.path):
                return f"{self._position(path)}: {str(change.after).removeprefix('now-')}"
            own = change.path in ("title", "description")
            return self._line(module if own else THEME, change.before)
        panel = dashboard, change.panel
        alert = next(
            (each for each in self.alerts if (each.panel.dashboard, each.panel.id) == panel), None
        )
        if _STEP.match(change.path) and (place := self._step(alert, change)):
            return place
        if not alert:
            return self._line(module, change.before)
        module, definition = next(
            (path, start)
            for path, text in self.modules.items()
            for start in (f"def {alert.key}(", f'key="{alert.key}"')
            if start in text
        )
        if change.path.endswith(".expr"):
            return f"{self._line(module, definition)}: {alert.name} uses it too"
        return self._line(module, change.before, definition)

    def _step(self, alert: Alert | None, change: Change) -> str:
        """The one number that made the step; "" if it is none or ambiguous."""
        rows = self.thresholds.rows().items()
        steps = (
            _alert_steps(alert)
            if alert
            else [step for row, levels in rows for step in _row_steps(row, levels)]
        )
        found = [step for step in steps if step.value == change.before]
        if len(found) != 1 or not isinstance(change.after, int | float):
            return ""
        return f"{self._position(found[0].path)}: {format_value(change.after, found[0].unit)}"

    def _position(self, path: str) -> str:
        """A value in the thresholds file, or what contains it if the file leaves it out."""
        while path and path not in self.thresholds.positions:
            path = path.rpartition(".")[0]
        return f"{self.thresholds.positions[path]} {path}"

    def _line(self, module: str, *texts: Any) -> str:
        """The line with the first of the texts that occurs on exactly one, else the module."""
        lines = self.modules.get(module, "").splitlines()
        for text in texts:
            if isinstance(text, str) and text:
                found = [number for number, line in enumerate(lines, 1) if text in line]
                if len(found) == 1:
                    return f"{module}:{found[0]}"
        return module


def _row_steps(row: str, levels: Levels) -> list[Step]:
    return [Step(f"targets.{row}.{name}", edge, levels.unit) for name, edge in levels.edges()]


def _alert_steps(alert: Alert) -> list[Step]:
    """The row of the lowest severity and the bounds of the others, as the panel draws them."""
    bounds = [trigger.bound for trigger in reversed(alert.triggers) if trigger.bound]
    if not bounds:
        return []
    lowest, *others = bounds
    found = _row_steps(lowest.row, lowest.levels)
    found += [Step(each.path, each.value, each.levels.unit) for each in others]
    return list(dict.fromkeys(found))
