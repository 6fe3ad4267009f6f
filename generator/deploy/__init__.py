"""Configurations of Prometheus, Alertmanager and Grafana, ready to be used or taken apart."""

from __future__ import annotations

from collections.abc import Sequence

from generator.alerts.model import Alert
from generator.deploy import alertmanager, grafana, prometheus
from generator.thresholds import Thresholds


def render(thresholds: Thresholds, alerts: Sequence[Alert]) -> dict[str, str]:
    """Each file by its path."""
    return {
        **prometheus.render(thresholds),
        **alertmanager.render(thresholds, alerts),
        **grafana.render(thresholds),
    }
