"""Every alert of the bundle, with the recording rules that it uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from generator import panel_ids
from generator.alerts import objectives
from generator.alerts.context import Context
from generator.alerts.model import Alert, Recording
from generator.alerts.registry import definitions
from generator.panel_ids import PanelIds
from generator.thresholds.model import Thresholds, UnknownAlertError


def all_alerts(thresholds: Thresholds, ids: PanelIds | None = None) -> tuple[Alert, ...]:
    """Every alert with its cases, in the order of the thresholds file.

    Their panels have `ids`, by default those of the committed file. Raises UnknownAlertError if one
    refers to an alert that does not exist.
    """
    context = Context(thresholds)
    alerts = [definitions()[key].alert(context) for key in thresholds.alerts]
    ByKey(alerts).require(key for alert in alerts for key in alert.inhibits)
    ids = with_alerts(ids or panel_ids.committed(), alerts)
    return tuple(
        replace(each, panel=replace(each.panel, id=ids.panel(each.panel.dashboard, each.key)))
        for each in alerts
    )


class ByKey(dict[str, Alert]):
    """Alerts by their keys. Raises UnknownAlertError for a missing key."""

    def __init__(self, alerts: Sequence[Alert]) -> None:
        super().__init__({alert.key: alert for alert in alerts})

    def __missing__(self, key: str) -> Alert:
        raise UnknownAlertError(key)

    def require(self, keys: Iterable[str]) -> None:
        """Raise UnknownAlertError if one is missing."""
        for key in keys:
            self[key]


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

    Raises ValueError if one name has two expressions.
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
