"""The settings that alerts share: waits, windows, and the level each severity fires at.

What only one family's alerts have stands in the family's module.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import Field

from generator.thresholds.document import Document
from generator.thresholds.fields import (
    Line,
    Model,
    PositiveCount,
    PositiveSeconds,
    Seconds,
    Why,
    doc,
)
from generator.thresholds.levels import EDGE_BEFORE, Levels
from generator.thresholds.problems import Problem
from generator.thresholds.units import Unit

Severity = Literal["critical", "warning", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "warning", "info")


@dataclass(frozen=True)
class Rows:
    """The rows an alert's `fires_at` may name: those at or below a path, of one unit if given.

    `histogram`: the alert compares a quantile read from `service.latency_buckets`. `form`: the path
    is that of a row, TABLE.ROW, which the alert adds to the targets.
    """

    below: str
    unit: Unit | None = None
    histogram: bool = False
    form: type[Levels] | None = None

    def aims(self, rows: Mapping[str, type[Levels]]) -> tuple[str, ...]:
        """Every ROW.LEVEL of the targets' `rows` that the alert may fire at."""
        return tuple(
            f"{path}.{level}"
            for path, row in rows.items()
            if path == self.below or path.startswith(f"{self.below}.")
            if self.unit in (None, row.unit)
            for level, edge in EDGE_BEFORE.items()
            if edge in row.model_fields
        )


class ConditionSeverity(Model):
    """One severity of an alert on a state."""

    for_: Seconds = Field(
        alias="for", description="How long the condition must hold before the alert fires."
    )


class BoundSeverity(ConditionSeverity):
    """One severity of an alert on a bound: where it fires, and after how long."""

    fires_at: Line = doc(
        "ROW.LEVEL: fires once the row's values enter this level, such as latency.p95.critical."
    )


class AlertSettings(Model):
    """What every alert has."""

    keep_firing_for: Seconds = doc("How long the alert keeps firing after the condition has ended.")
    why: Why

    @classmethod
    def problems(cls, document: Document, path: str) -> Iterator[Problem]:
        """What is wrong across the fields of the settings at `path`."""
        del document, path
        yield from ()


class BoundAlert(AlertSettings):
    """An alert on a bound; at least one severity is set."""

    critical: BoundSeverity | None = None
    warning: BoundSeverity | None = None
    info: BoundSeverity | None = None


class WindowAlert(BoundAlert):
    window: PositiveSeconds = doc("Range of the rate, or of another function over time.")


class TrafficAlert(WindowAlert):
    min_requests: PositiveCount = doc("Minimum number of requests in the window.")


class ConditionAlert(AlertSettings):
    """An alert on a state instead of a bound; exactly one severity is set."""

    critical: ConditionSeverity | None = None
    warning: ConditionSeverity | None = None
    info: ConditionSeverity | None = None
