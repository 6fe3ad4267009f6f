"""Prometheus's configuration: what it scrapes, which rules it evaluates, whom it tells."""

from __future__ import annotations

from typing import Any, Final

from generator.thresholds import Thresholds
from generator.thresholds.units import format_duration
from generator.yamlfile import dump

PATH: Final = "deploy/prometheus/prometheus.yml"
RULES: Final = "/etc/prometheus/rules/*.yml"


def render(thresholds: Thresholds) -> dict[str, str]:
    """The file by its path."""
    service, deploy = thresholds.service, thresholds.deploy
    pages = {service.jobs.api: "/metrics/app", service.jobs.workers: "/metrics"}
    document: dict[str, Any] = {
        "global": {
            "scrape_interval": format_duration(service.scrape_interval),
            "evaluation_interval": format_duration(service.evaluation_interval),
        },
        "rule_files": [RULES],
        "alerting": {"alertmanagers": [_targets(deploy.alertmanagers)]},
        "scrape_configs": [
            {"job_name": job, "metrics_path": path, **_targets(deploy.sidecars)}
            for job, path in pages.items()
        ],
    }
    return {PATH: dump(document)}


def _targets(targets: tuple[str, ...]) -> dict[str, Any]:
    return {"static_configs": [{"targets": list(targets)}]}
