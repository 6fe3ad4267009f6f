"""What an alert is: one value with everything that is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from generator.promql import number, plain
from generator.thresholds.model import Bound, Severity, Unit

Family = Literal[
    "error",
    "latency",
    "memory",
    "saturation",
    "workers",
    "database",
    "availability",
    "quality",
    "traffic",
    "meta",
]
Dashboard = Literal["overview", "latency", "system", "errors"]
Place = Literal["bundle", "job", "instance", "worker"]

# The labels that tell the alerts of one rule apart, by the place they speak of.
LABELS: Final[Mapping[Place, tuple[str, ...]]] = {
    "bundle": (),
    "job": ("job",),
    "instance": ("job", "instance"),
    "worker": ("job", "instance", "worker"),
}


@dataclass(frozen=True)
class Recording:
    """A recording rule; `name` is level:metric:operation, `expr` has braces at every selector."""

    name: str
    expr: str

    @property
    def query(self) -> str:
        return f"{self.name}{{}}"


@dataclass(frozen=True)
class Panel:
    """Where an alert's quantity is plotted; `id` is unique in the dashboard and never changes."""

    dashboard: Dashboard
    section: str
    id: int
    title: str
    legend: str


@dataclass(frozen=True)
class Cause:
    """A likely cause and what helps: prose, and the settings or commands to use as they are."""

    title: str
    remedy: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Runbook:
    meaning: str
    impact: str
    causes: tuple[Cause, ...]
    escalate: str
    queries: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Trigger:
    """One severity of an alert: its bound if it has one, and how long the condition must hold (seconds)."""

    severity: Severity
    for_: float
    bound: Bound | None = None
    guard: str = ""


@dataclass(frozen=True)
class Series:
    """An input series of a promtool test: selector with labels, values in promtool's notation."""

    series: str
    values: str


@dataclass(frozen=True)
class Firing:
    """An alert that must be firing: the value in its texts, its labels, and results of its template queries."""

    severity: Severity
    value: float
    labels: Mapping[str, str]
    known: Mapping[str, str]


@dataclass(frozen=True)
class Moment:
    """What must be firing `at` seconds after the start, and nothing else of the alert."""

    at: float
    firing: tuple[Firing, ...]


@dataclass(frozen=True)
class Case:
    """A promtool test of one alert."""

    title: str
    series: tuple[Series, ...]
    moments: tuple[Moment, ...]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert rule of one or more severities.

    `quantity` is PromQL with braces at every selector; the rule is `quantity op bound` and the trigger's guard.
    `settings` is its path in the thresholds file; `summary` and `description` are Go templates in which ``BOUND``
    stands for the bound of the severity at hand.
    """

    name: str
    settings: str
    family: Family
    place: Place
    quantity: str
    op: Literal[">", "<", "=="]
    unit: Unit
    triggers: tuple[Trigger, ...]
    keep_firing_for: float
    summary: str
    description: str
    panel: Panel
    runbook: Runbook = Runbook("", "", (), "")
    cases: tuple[Case, ...] = ()
    recordings: tuple[Recording, ...] = ()
    constant: float = 0.0
    origins: tuple[str, ...] = ()

    def bound(self, trigger: Trigger) -> float:
        """The number a severity compares with; `constant` where no row of the targets gives one."""
        return trigger.bound.value if trigger.bound else self.constant

    def expr(self, trigger: Trigger) -> str:
        """The rule's expression."""
        guard = f"\n{trigger.guard}" if trigger.guard else ""
        return plain(f"{self.quantity} {self.op} {number(self.bound(trigger))}{guard}")

    def paths(self) -> tuple[str, ...]:
        """Paths of every value of the thresholds file that the alert's rule, tests or texts derive from."""
        bounds = (trigger.bound.path for trigger in self.triggers if trigger.bound)
        return (self.settings, *dict.fromkeys((*bounds, *self.origins)))
