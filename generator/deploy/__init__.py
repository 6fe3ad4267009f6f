"""Configurations of Prometheus, Alertmanager and Grafana, and of the stack they make with Compose.

Each is ready to be used or taken apart. The manifests are apart, in `kubernetes`: they mirror other
parts of the bundle.
"""

from __future__ import annotations

from collections.abc import Sequence

from generator.alerts.model import Alert
from generator.deploy import alertmanager, compose, grafana, logs, prometheus
from generator.thresholds import Thresholds


def render(thresholds: Thresholds, alerts: Sequence[Alert]) -> dict[str, str]:
    """Each file by its path."""
    return {
        **prometheus.render(thresholds),
        **alertmanager.render(thresholds, alerts),
        **grafana.render(thresholds),
        **logs.render(thresholds),
        **compose.render(thresholds),
    }
