"""Every alert of the bundle, one or more modules a family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from generator.alerts import (
    availability,
    budget,
    burn,
    database,
    error,
    latency,
    leaks,
    memory,
    meta,
    processor,
    quality,
    reading,
    resources,
    sidecar,
    traffic,
    waiting,
    workers,
)
from generator.alerts.build import Kit
from generator.alerts.model import Alert, Recording
from generator.thresholds.model import Thresholds

# In the order in which the rules stand in their files.
_MODULES: Final = (
    error,
    latency,
    burn,
    leaks,
    memory,
    resources,
    processor,
    waiting,
    workers,
    database,
    availability,
    sidecar,
    reading,
    quality,
    traffic,
    meta,
)


def all_alerts(thresholds: Thresholds) -> tuple[Alert, ...]:
    """Every alert with its cases, in the order of the families."""
    kit = Kit(thresholds)
    return tuple(alert for module in _MODULES for alert in module.alerts(kit))


def all_recordings(
    thresholds: Thresholds, alerts: Sequence[Alert]
) -> dict[str, tuple[Recording, ...]]:
    """Every recording rule once, by its family, in the order of evaluation.

    Raises ValueError where one name would stand for two expressions.
    """
    wanted = [each for alert in alerts for each in alert.recordings]
    found: dict[str, Recording] = {}
    for recording in (*wanted, *budget.recordings(thresholds)):
        if found.setdefault(recording.name, recording) != recording:
            raise ValueError(f"two recordings named {recording.name}")
    return {
        family: tuple(recording for recording in found.values() if recording.family == family)
        for family in dict.fromkeys(recording.family for recording in found.values())
    }
