"""Alertmanager's configuration: who is notified of which alert, and which alerts inhibit others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from generator.alerts.model import LABELS, Alert
from generator.deploy.inhibition import inhibitions
from generator.deploy.templates import document, filled
from generator.thresholds import Thresholds
from generator.yamlfile import HEADER, dump

PATH: Final = "deploy/alertmanager/alertmanager.yml"
TEXTS: Final = "deploy/alertmanager/auditor.tmpl"
WATCHDOG: Final = "AuditorWatchdog"
NOTIFICATIONS_FAILING: Final = "AuditorNotificationsFailing"
RECEIVERS: Final = {"critical": "pages", "warning": "tickets", "info": "info"}
ALL_RECEIVERS: Final = (*RECEIVERS.values(), "fallback", "watchdog")
# Labels that tell apart installations which share an Alertmanager; a missing label equals another.
INSTALLATION: Final = ("environment", "cluster")


def render(thresholds: Thresholds, alerts: Sequence[Alert]) -> dict[str, str]:
    """The configuration and the texts of notifications, by their paths."""
    configuration = document(
        "alertmanager.yml",
        thresholds,
        receivers=RECEIVERS,
        all_receivers=ALL_RECEIVERS,
        watchdog=WATCHDOG,
        notifications_failing=NOTIFICATIONS_FAILING,
        labels=LABELS,
        installation=tuple(dict.fromkeys((*INSTALLATION, *thresholds.service.labels))),
        inhibitions=list(inhibitions(alerts)),
    )
    header = HEADER.strip().replace("#", "{{/*", 1) + " */}}\n"
    return {PATH: dump(configuration), TEXTS: header + filled("auditor.tmpl", thresholds)}
