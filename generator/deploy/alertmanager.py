"""Alertmanager's configuration: who is notified of which alert, and which alerts inhibit others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from generator.alerts.model import LABELS, Alert
from generator.thresholds import Thresholds
from generator.thresholds.units import format_duration
from generator.yamlfile import dump

PATH: Final = "deploy/alertmanager/alertmanager.yml"
WATCHDOG: Final = "AuditorWatchdog"
RECEIVERS: Final = {"critical": "pages", "warning": "tickets", "info": "info"}
# The lower severities, which add nothing while the same alert fires at a higher one.
LOWER: Final = {"critical": ("warning", "info"), "warning": ("info",)}
# Families whose alerts are not symptoms of a service that is down.
NO_SYMPTOMS: Final = ("availability", "meta")
# Families whose alerts use the workers' metrics.
WORKER_FAMILIES: Final = ("workers", "memory", "database")


def render(thresholds: Thresholds, alerts: Sequence[Alert]) -> dict[str, str]:
    """The file by its path."""
    document = {
        "route": _route(thresholds),
        "inhibit_rules": [*_by_severity(thresholds), *_by_alert(thresholds, alerts)],
        "receivers": _receivers(thresholds),
    }
    return {PATH: dump(document)}


def _route(thresholds: Thresholds) -> dict[str, Any]:
    """The routes by severity; an alert that matches none becomes a ticket."""
    routing = thresholds.routing
    return {
        "receiver": RECEIVERS["warning"],
        "group_by": ["service", "instance", "category"],
        "group_wait": format_duration(routing.group_wait),
        "group_interval": format_duration(routing.group_interval),
        "repeat_interval": format_duration(routing.repeat.warning),
        "routes": [
            {
                "receiver": "watchdog",
                "matchers": [_is("alertname", WATCHDOG)],
                "group_wait": "0s",
                # Shorter than the group interval: a repetition that is due just after a flush
                # waits for the next one, so with equal intervals every other is left out.
                "group_interval": format_duration(routing.heartbeat),
                "repeat_interval": format_duration(routing.heartbeat / 2),
            },
            *(
                {
                    "receiver": receiver,
                    "matchers": [_of(thresholds), _is("severity", severity)],
                    "repeat_interval": format_duration(getattr(routing.repeat, severity)),
                }
                for severity, receiver in RECEIVERS.items()
            ),
        ],
    }


def _by_severity(thresholds: Thresholds) -> list[dict[str, Any]]:
    """A warning adds nothing while the same alert is critical for the same worker."""
    return [
        {
            "source_matchers": [_of(thresholds), _is("severity", severity)],
            "target_matchers": [_of(thresholds), _among("severity", lower)],
            "equal": ["alertname", *LABELS["worker"]],
        }
        for severity, lower in LOWER.items()
    ]


def _by_alert(thresholds: Thresholds, alerts: Sequence[Alert]) -> list[dict[str, Any]]:
    """The alerts that are inhibited while another one on the same instance explains them."""
    return [
        {
            "source_matchers": [_of(thresholds), _is("alertname", alert.name)],
            "target_matchers": [
                _of(thresholds),
                _among("alertname", [each.name for each in alerts if _inhibits(alert, each)]),
            ],
            "equal": ["instance" if "instance" in LABELS[alert.scope] else "job"],
        }
        for alert in alerts
        if alert.inhibits
    ]


def _inhibits(source: Alert, alert: Alert) -> bool:
    if isinstance(source.inhibits, tuple):
        return alert.key in source.inhibits
    if "instance" not in LABELS[alert.scope]:
        return False
    if source.inhibits == "symptoms":
        return alert.family not in NO_SYMPTOMS
    return alert.scope == "worker" or alert.family in WORKER_FAMILIES


def _receivers(thresholds: Thresholds) -> list[dict[str, Any]]:
    """The webhooks, without tokens; these belong in files."""
    addresses = thresholds.routing.receivers
    return [
        {
            "name": name,
            "webhook_configs": [
                {"url": getattr(addresses, name), "send_resolved": name != "watchdog"}
            ],
        }
        for name in (*RECEIVERS.values(), "watchdog")
    ]


def _of(thresholds: Thresholds) -> str:
    return _is("service", thresholds.service.name)


def _is(label: str, value: str) -> str:
    return f'{label}="{value}"'


def _among(label: str, values: Sequence[str]) -> str:
    return f'{label}=~"{"|".join(values)}"'
