"""Every alert of the bundle, with what it records beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from generator import panel_ids
from generator.alerts import objectives
from generator.alerts.context import Context
from generator.alerts.model import Alert, Recording
from generator.alerts.registry import definitions
from generator.panel_ids import PanelIds
from generator.thresholds.model import Thresholds


def all_alerts(thresholds: Thresholds, ids: PanelIds | None = None) -> tuple[Alert, ...]:
    """Every alert with its cases, in the order of the thresholds file.

    Their panels have `ids`, those of the committed file if none are given.
    """
    context = Context(thresholds)
    query_results = definitions()
    alerts = [
        query_results[item.name].build(context, getattr(thresholds.alerts, item.name))
        for item in fields(thresholds.alerts)
    ]
    ids = with_alerts(ids or panel_ids.committed(), alerts)
    return tuple(
        replace(each, panel=replace(each.panel, id=ids.panel(each.panel.dashboard, each.key)))
        for each in alerts
    )


def with_alerts(ids: PanelIds, alerts: Sequence[Alert]) -> PanelIds:
    """The ids with those of the alerts' panels."""
    for dashboard in dict.fromkeys(alert.panel.dashboard for alert in alerts):
        keys = [alert.key for alert in alerts if alert.panel.dashboard == dashboard]
        ids = ids.including(dashboard, "panels", keys)
    return ids


def all_recordings(
    thresholds: Thresholds, alerts: Sequence[Alert]
) -> dict[str, tuple[Recording, ...]]:
    """Every recording rule once, by its family, in the order of evaluation.

    Raises ValueError where one name would stand for two expressions.
    """
    wanted = [each for alert in alerts for each in alert.recordings]
    found: dict[str, Recording] = {}
    for recording in (*wanted, *objectives.recordings(thresholds)):
        if found.setdefault(recording.name, recording) != recording:
            raise ValueError(f"two recordings named {recording.name}")
    return {
        family: tuple(recording for recording in found.values() if recording.family == family)
        for family in dict.fromkeys(recording.family for recording in found.values())
    }
