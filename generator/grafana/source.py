"""Where in the source something stands that a panel shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from generator.alerts.model import Alert
from generator.dashboards.theme import LOGS, METRICS
from generator.grafana.changes import Change
from generator.thresholds import Thresholds
from generator.thresholds.levels import Levels
from generator.thresholds.units import Unit, format_value

THEME: Final = "generator/dashboards/theme.py"
_STEP: Final = re.compile(r"^fieldConfig\.defaults\.thresholds\.steps\b")
# Values of the dashboard itself that the thresholds say; the last word of what is there.
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
class Line:
    """A number of the thresholds that a panel draws."""

    path: str
    value: float
    unit: Unit


@dataclass(frozen=True)
class Source:
    """`modules` are the texts of the modules that make panels and alerts, by path."""

    thresholds: Thresholds
    alerts: Sequence[Alert]
    modules: Mapping[str, str]

    def where(self, dashboard: str, change: Change) -> str:
        """Where to make a change that was made in Grafana to the dashboard of that name."""
        if change.panel is None:
            return self._of_dashboard(dashboard, change)
        alert = next(
            (
                each
                for each in self.alerts
                if (each.panel.dashboard, each.panel.id) == (dashboard, change.panel)
            ),
            None,
        )
        if _STEP.match(change.path):
            lines = _of_alert(alert) if alert else self._of_rows()
            if said := self._level(lines, change):
                return said
        if alert:
            return self._alert(alert, change)
        return self._text(f"generator/dashboards/{dashboard}.py", change.before)

    def _of_dashboard(self, dashboard: str, change: Change) -> str:
        if path := _SETTINGS.get(change.path):
            value = str(change.after).removeprefix("now-")
            return f"{self._place(path)}: {value}"
        own = change.path in ("title", "description")
        return self._text(f"generator/dashboards/{dashboard}.py" if own else THEME, change.before)

    def _alert(self, alert: Alert, change: Change) -> str:
        module, mark = next(
            (path, mark)
            for path, text in self.modules.items()
            for mark in (f"def {alert.key}(", f'key="{alert.key}"')
            if mark in text
        )
        if change.path.endswith(".expr"):
            return f"{self._text(module, mark)}: {alert.name} fires by it too"
        return self._text(module, change.before, mark)

    def _level(self, lines: Sequence[Line], change: Change) -> str:
        """The one number that made the line; "" if none or several did."""
        found = [line for line in lines if line.value == change.before]
        if len(found) != 1 or not isinstance(change.after, int | float):
            return ""
        return f"{self._place(found[0].path)}: {format_value(change.after, found[0].unit)}"

    def _of_rows(self) -> list[Line]:
        rows = self.thresholds.rows()
        return [line for row, levels in rows.items() for line in _of_row(row, levels)]

    def _place(self, path: str) -> str:
        """A value of the thresholds, or what is around it where the file leaves it out."""
        while path and path not in self.thresholds.positions:
            path = path.rpartition(".")[0]
        return f"{self.thresholds.positions[path]} {path}"

    def _text(self, module: str, *texts: Any) -> str:
        """The line on which one of the texts stands, or the module where none does on just one."""
        lines = self.modules.get(module, "").splitlines()
        for text in texts:
            if isinstance(text, str) and text:
                found = [number for number, line in enumerate(lines, 1) if text in line]
                if len(found) == 1:
                    return f"{module}:{found[0]}"
        return module


def _of_row(row: str, levels: Levels) -> list[Line]:
    return [Line(f"targets.{row}.{name}", edge, levels.unit) for name, edge in levels.edges()]


def _of_alert(alert: Alert) -> list[Line]:
    """The row of the mildest severity and the bounds of the others, as the panel draws them."""
    bounds = [trigger.bound for trigger in reversed(alert.triggers) if trigger.bound]
    if not bounds:
        return []
    mildest, *others = bounds
    found = _of_row(mildest.row, mildest.levels)
    found += [Line(each.path, each.value, each.levels.unit) for each in others]
    return list(dict.fromkeys(found))
