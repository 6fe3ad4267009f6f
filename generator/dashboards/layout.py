"""Places the panels of a dashboard's sections in Grafana's grid."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Final

from generator.alerts.model import Alert
from generator.dashboards import theme
from generator.dashboards.alertpanels import alert_panel
from generator.dashboards.correct import Json
from generator.dashboards.panels import Dashboard, Panel, Section
from generator.thresholds.model import Thresholds

COLUMNS: Final = 24
HEIGHT: Final = 8
_WIDEST_LINE: Final = 3


def assemble(thresholds: Thresholds, dashboard: Dashboard, alerts: Sequence[Alert]) -> Json:
    """The dashboard with the panels of its alerts; sections that only alerts name come last."""
    here = [alert for alert in alerts if alert.panel.dashboard == dashboard.name]
    known = {section.title for section in dashboard.sections}
    others = dict.fromkeys(
        alert.panel.section for alert in here if alert.panel.section not in known
    )
    panels: list[Json] = []
    y = 0
    for section in (*dashboard.sections, *(Section(title) for title in others)):
        of_alerts = [
            alert_panel(thresholds, each) for each in here if each.panel.section == section.title
        ]
        own = (*section.panels, *of_alerts)
        lines = [*section.lines, *((HEIGHT, line) for line in _lines(own))]
        panels.append(theme.row(_row_id(section.title), section.title, y))
        y += 1
        for height, line in lines:
            panels += _place(line, y, height)
            y += height
    return theme.dashboard(thresholds, dashboard, panels)


def _row_id(title: str) -> int:
    """An id that a row keeps whatever comes before it, beyond those of all panels."""
    return 1000 + zlib.crc32(title.encode()) % 1_000_000


def _lines(panels: Sequence[Panel]) -> Iterable[tuple[Panel, ...]]:
    """As few lines as hold all panels, as even as can be: 4 are 2 and 2, 5 are 2 and 3."""
    lines = -(-len(panels) // _WIDEST_LINE)
    for index in range(lines):
        yield tuple(panels[len(panels) * index // lines : len(panels) * (index + 1) // lines])


def _place(line: Sequence[Panel], y: int, height: int) -> list[Json]:
    """The panels of a line side by side, the grid's columns shared evenly."""
    edges = [COLUMNS * index // len(line) for index in range(len(line) + 1)]
    return [
        theme.panel(each, edges[index], y, edges[index + 1] - edges[index], height)
        for index, each in enumerate(line)
    ]
