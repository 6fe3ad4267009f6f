"""Every alert of the bundle, one module a family."""

from __future__ import annotations

from collections.abc import Sequence

from generator.alerts import (
    availability,
    budget,
    database,
    error,
    latency,
    memory,
    meta,
    quality,
    saturation,
    traffic,
    workers,
)
from generator.alerts.build import Kit
from generator.alerts.model import Alert, Recording
from generator.thresholds.model import Thresholds

_FAMILIES = (error, latency, memory, saturation, workers, database, availability, quality, traffic, meta)


def all_alerts(thresholds: Thresholds) -> tuple[Alert, ...]:
    """Every alert with its cases, in the order of the families."""
    kit = Kit(thresholds)
    return tuple(alert for family in _FAMILIES for alert in family.alerts(kit))


def all_recordings(thresholds: Thresholds, alerts: Sequence[Alert]) -> dict[str, tuple[Recording, ...]]:
    """Every recording rule once, by the first family that needs it, in the order of evaluation.

    Raises ValueError where one name would stand for two expressions.
    """
    wanted = [(alert.family, each) for alert in alerts for each in alert.recordings]
    wanted += [(budget.FAMILY, each) for each in budget.recordings(thresholds)]
    found: dict[str, tuple[str, Recording]] = {}
    for family, recording in wanted:
        if found.setdefault(recording.name, (family, recording))[1].expr != recording.expr:
            raise ValueError(f"two expressions for {recording.name}")
    return {
        family: tuple(recording for owner, recording in found.values() if owner == family)
        for family in dict.fromkeys(family for family, _ in wanted)
    }
