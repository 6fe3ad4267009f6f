"""The whole bundle as a pure function of the thresholds."""

from __future__ import annotations

from generator import dashboards, deploy, promtool, rules, sidecar, targets
from generator.alerts import all_alerts, all_recordings
from generator.config import model
from generator.panel_ids import PanelIds
from generator.runbooks.render import render as render_runbooks
from generator.runbooks.sources import check as check_runbooks
from generator.scenarios import all_scenarios
from generator.scenarios.render import render as render_scenarios
from generator.thresholds import Thresholds
from generator.thresholds.schema import schema_text


def render(thresholds: Thresholds, ids: PanelIds | None = None) -> dict[str, str]:
    """Every artefact by its path below the project's folder, and new ids of panels.

    `ids` are those that panels have already, the committed ones if none are given.
    Raises RunbookError, and ValueError where an artefact would be empty.
    """
    alerts = all_alerts(thresholds, ids)
    recordings = all_recordings(thresholds, alerts)
    check_runbooks([alert.key for alert in alerts])
    mirrored = {
        **rules.render(thresholds, alerts, recordings),
        **dashboards.render(thresholds, alerts, ids),
    }
    files = {
        **mirrored,
        **promtool.render(thresholds, alerts, recordings),
        **render_scenarios(thresholds, all_scenarios(thresholds, alerts), alerts, recordings),
        **render_runbooks(thresholds, alerts),
        **targets.render(thresholds, alerts),
        **sidecar.render(),
        **deploy.render(thresholds, alerts, mirrored),
        "docs/thresholds.schema.json": schema_text(model()),
    }
    for path, text in files.items():
        if not text.strip():
            raise ValueError(f"{path} would be empty")
    return files
