"""What Grafana reads at its start: where the data is, and where the dashboards are."""

from __future__ import annotations

from typing import Any, Final

from generator.thresholds import Thresholds
from generator.thresholds.units import format_duration
from generator.yamlfile import dump

FOLDER: Final = "deploy/grafana/provisioning"
DASHBOARDS: Final = "/etc/grafana/dashboards/auditor"


def render(thresholds: Thresholds) -> dict[str, str]:
    """Each file by its path."""
    datasources: dict[str, Any] = {"apiVersion": 1, "datasources": list(_datasources(thresholds))}
    providers: dict[str, Any] = {
        "apiVersion": 1,
        "providers": [
            {
                "name": thresholds.service.name,
                "folder": thresholds.service.name.capitalize(),
                "type": "file",
                "allowUiUpdates": False,
                "options": {"path": DASHBOARDS},
            }
        ],
    }
    return {
        f"{FOLDER}/datasources/auditor.yml": dump(datasources),
        f"{FOLDER}/dashboards/auditor.yml": dump(providers),
    }


def _datasources(thresholds: Thresholds) -> list[dict[str, Any]]:
    """Named as the dashboards look for them; `default` is the one without a choice."""
    settings, deploy = thresholds.dashboards, thresholds.deploy
    metrics, logs = settings.metrics_datasource, settings.logs_datasource
    return [
        {
            "name": "Prometheus" if metrics == "default" else metrics,
            "type": "prometheus",
            "access": "proxy",
            "url": deploy.prometheus,
            "isDefault": True,
            "jsonData": {"timeInterval": format_duration(thresholds.service.scrape_interval)},
        },
        {
            "name": "Loki" if logs == "default" else logs,
            "type": "loki",
            "access": "proxy",
            "url": deploy.loki,
        },
    ]
