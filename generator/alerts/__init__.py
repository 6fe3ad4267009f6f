"""Every alert of the bundle, with what it records beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from generator.alerts import objectives
from generator.alerts.context import Context
from generator.alerts.model import Alert, Recording
from generator.alerts.registry import definitions
from generator.thresholds.model import Thresholds


def all_alerts(thresholds: Thresholds) -> tuple[Alert, ...]:
    """Every alert with its cases, in the order of the thresholds file."""
    context = Context(thresholds)
    query_results = definitions()
    return tuple(
        query_results[item.name].build(context, getattr(thresholds.alerts, item.name))
        for item in fields(thresholds.alerts)
    )


def all_recordings(
    thresholds: Thresholds, alerts: Sequence[Alert]
) -> dict[str, tuple[Recording, ...]]:
    """Every recording rule once, by its family, in the order of evaluation.

    Raises ValueError where one name would stand for two expressions.
    """
    wanted = [each for alert in alerts for each in alert.recordings]
    found: dict[str, Recording] = {}
    for recording in (*wanted, *objectives.recordings(thresholds)):
        if found.setdefault(recording.name, recording) != recording:
            raise ValueError(f"two recordings named {recording.name}")
    return {
        family: tuple(recording for recording in found.values() if recording.family == family)
        for family in dict.fromkeys(recording.family for recording in found.values())
    }
