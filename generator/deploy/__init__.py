"""Configurations of Prometheus, Alertmanager and Grafana, the Compose stack, and manifests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generator.alerts.model import Alert
from generator.deploy import alertmanager, kubernetes, stack
from generator.thresholds import Thresholds


def render(
    thresholds: Thresholds, alerts: Sequence[Alert], mirrored: Mapping[str, str]
) -> dict[str, str]:
    """Each file by its path; the manifests repeat the rules and dashboards of `mirrored`."""
    return {
        **stack.render(thresholds),
        **alertmanager.render(thresholds, alerts),
        **kubernetes.render(thresholds, mirrored),
    }
