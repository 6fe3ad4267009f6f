"""Places the panels of a dashboard's sections in Grafana's grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from generator.alerts.model import Alert
from generator.dashboards import theme
from generator.dashboards.alert_panels import alert_panel
from generator.dashboards.corrections import Json
from generator.dashboards.panels import Dashboard, Panel, Section
from generator.panel_ids import PanelIds
from generator.thresholds.model import Thresholds

COLUMNS: Final = 24
HEIGHT: Final = 8
_WIDEST_LINE: Final = 3


def with_alert_panels(
    thresholds: Thresholds, dashboard: Dashboard, alerts: Sequence[Alert]
) -> Dashboard:
    """With the panels of its alerts; sections that only alerts name come last."""
    sections = {section.title: section for section in dashboard.sections}
    for alert in (each for each in alerts if each.panel.dashboard == dashboard.name):
        section = sections.get(alert.panel.section, Section(alert.panel.section))
        panels = (*section.panels, alert_panel(thresholds, alert))
        sections[section.title] = replace(section, panels=panels)
    return replace(dashboard, sections=tuple(sections.values()))


def assemble(thresholds: Thresholds, dashboard: Dashboard, ids: PanelIds) -> Json:
    """The dashboard's JSON: the row of each section, its lines of panels below."""
    panels: list[Json] = []
    y = 0
    for section in dashboard.sections:
        panels.append(theme.row(ids.row(dashboard.name, section.title), section.title, y))
        y += 1
        lines = [*section.lines, *((HEIGHT, line) for line in _lines(section.panels))]
        for height, line in lines:
            edges = [COLUMNS * index // len(line) for index in range(len(line) + 1)]
            for panel, (left, right) in zip(line, pairwise(edges), strict=True):
                place = {"h": height, "w": right - left, "x": left, "y": y}
                panels.append(theme.panel(panel, ids.panel(dashboard.name, panel.key), place))
            y += height
    return theme.dashboard(thresholds, dashboard, panels)


def _lines(panels: Sequence[Panel]) -> Iterable[tuple[Panel, ...]]:
    """As few lines as hold all panels, as even as can be: 4 are 2 and 2, 5 are 2 and 3."""
    lines = -(-len(panels) // _WIDEST_LINE)
    for index in range(lines):
        yield tuple(panels[len(panels) * index // lines : len(panels) * (index + 1) // lines])
