"""Alertmanager's configuration: who is notified of which alert, and which alerts inhibit others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from generator.alerts.model import LABELS, Alert
from generator.deploy.templates import document
from generator.thresholds import Thresholds
from generator.yamlfile import dump

PATH: Final = "deploy/alertmanager/alertmanager.yml"
WATCHDOG: Final = "AuditorWatchdog"
RECEIVERS: Final = {"critical": "pages", "warning": "tickets", "info": "info"}
# Families whose alerts are not symptoms of a service that is down.
NO_SYMPTOMS: Final = ("availability", "meta")
# Families whose alerts use the workers' metrics.
WORKER_FAMILIES: Final = ("workers", "memory", "database")


def render(thresholds: Thresholds, alerts: Sequence[Alert]) -> dict[str, str]:
    """The file by its path."""
    inhibitions = [
        (alert, [each.name for each in alerts if _inhibits(alert, each)])
        for alert in alerts
        if alert.inhibits
    ]
    values = {"receivers": RECEIVERS, "watchdog": WATCHDOG, "labels": LABELS}
    return {PATH: dump(document("alertmanager.yml", thresholds, inhibitions=inhibitions, **values))}


def _inhibits(source: Alert, alert: Alert) -> bool:
    if isinstance(source.inhibits, tuple):
        return alert.key in source.inhibits
    if "instance" not in LABELS[alert.scope]:
        return False
    if source.inhibits == "symptoms":
        return alert.family not in NO_SYMPTOMS
    return alert.scope == "worker" or alert.family in WORKER_FAMILIES
