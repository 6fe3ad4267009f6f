"""Configurations of Prometheus, blackbox_exporter, Grafana and log shipping, and their stack.

Names and ports come from `deploy` in the thresholds. The stack runs one of each: of several
sidecars or Alertmanagers, the first.
"""

from __future__ import annotations

import re
from typing import Final

from exporters.settings import MULTIPROCESS, PREFIX
from exporters.settings import load as sidecar_settings
from generator.deploy import images
from generator.deploy.templates import document, filled
from generator.names import ALERTMANAGER
from generator.thresholds import Thresholds
from generator.thresholds.settings import SEVERITIES
from generator.yamlfile import HEADER, dump

PROMETHEUS: Final = "deploy/prometheus/prometheus.yml"
BLACKBOX: Final = "deploy/blackbox/blackbox.yml"
PROVISIONING: Final = "deploy/grafana/provisioning"
COMPOSE: Final = "deploy/compose/compose.yaml"
LOGS: Final = "deploy/compose/logs.alloy"
# Paths in the containers.
RULES: Final = "/etc/prometheus/rules/*.yml"
DASHBOARDS: Final = "/etc/grafana/dashboards/auditor"
# Docker's syslog driver sends the logs, so nothing needs Docker's socket, which gives root access.
SYSLOG_PORT: Final = 1514
# The module that sends GET and expects a status of 2xx.
BLACKBOX_MODULE: Final = "http_2xx"

_TEMPLATES: Final = {
    PROMETHEUS: "prometheus.yml",
    BLACKBOX: "blackbox.yml",
    f"{PROVISIONING}/datasources/auditor.yml": "datasources.yml",
    f"{PROVISIONING}/dashboards/auditor.yml": "dashboards.yml",
    COMPOSE: "compose.yaml",
}


def render(thresholds: Thresholds) -> dict[str, str]:
    """Each file by its path."""
    values = {
        "rules": RULES,
        "dashboards_folder": DASHBOARDS,
        "syslog_port": SYSLOG_PORT,
        "blackbox_module": BLACKBOX_MODULE,
        "images": images,
        "sidecar": sidecar_settings([], {}),
        "alertmanager_job": ALERTMANAGER,
        "shortest_for": shortest_for(thresholds),
        "multiprocess_variable": MULTIPROCESS,
        "variable_prefix": PREFIX,
    }
    labels = _log_labels(thresholds)
    logs = filled("logs.alloy", thresholds, syslog_port=SYSLOG_PORT, log_labels=labels)
    return {
        **{path: dump(document(name, thresholds, **values)) for path, name in _TEMPLATES.items()},
        LOGS: HEADER.replace("#", "//", 1) + logs,
    }


def shortest_for(thresholds: Thresholds) -> float:
    """The shortest `for` of all alerts: what Prometheus needs as its `for` grace period.

    It restores, after a restart, the alerts whose `for` is at least as long.
    """
    severities = (
        getattr(settings, name, None)
        for settings in thresholds.alerts.values()
        for name in SEVERITIES
    )
    return min((each.for_ for each in severities if each and each.for_), default=0.0)


def _log_labels(thresholds: Thresholds) -> dict[str, str]:
    """The labels in the dashboards' log selector; Loki rejects a stream without any."""
    equal = re.findall(r'(\w+)="([^"]*)"', thresholds.dashboards.log_selector)
    return dict(equal) or {"app": thresholds.service.name}
