"""The Grafana dashboards of the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from generator import panel_ids
from generator.alerts import with_alerts
from generator.alerts.model import Alert
from generator.dashboards import errors, latency, overview, system
from generator.dashboards.layout import assemble, with_alert_panels
from generator.dashboards.panels import Dashboard
from generator.dashboards.theme import dumps
from generator.panel_ids import PanelIds
from generator.thresholds.model import Thresholds

_DASHBOARDS: Final = (overview, latency, system, errors)


def render(
    thresholds: Thresholds, alerts: Sequence[Alert], ids: PanelIds | None = None
) -> dict[str, str]:
    """`dashboards/overview.json` and the others, by path, and the file of ids if one is new.

    Raises PanelIdError for a dashboard, a row or a panel that is there twice.
    """
    known = ids or panel_ids.committed()
    found = [
        with_alert_panels(thresholds, module.build(thresholds), alerts) for module in _DASHBOARDS
    ]
    panel_ids.refuse_twice("two dashboards have the same uid", (each.name for each in found))
    numbered = _numbered(with_alerts(known, alerts), found)
    files = {
        f"dashboards/{each.name}.json": dumps(assemble(thresholds, each, numbered))
        for each in found
    }
    return files if numbered == known else {**files, panel_ids.PATH: numbered.text()}


def _numbered(ids: PanelIds, dashboards: Sequence[Dashboard]) -> PanelIds:
    for each in dashboards:
        ids = ids.including(each.name, "panels", (panel.key for panel in each.panels()))
        ids = ids.including(each.name, "rows", (section.title for section in each.sections))
    return ids
