"""An alert as one value, with everything that is known about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from generator.alerts.clock import Clock
from generator.promql import number, plain, selector
from generator.thresholds.model import Bound
from generator.thresholds.settings import Severity
from generator.thresholds.units import Unit

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
Scope = Literal["bundle", "job", "instance", "worker"]

# What a fault does, as the metrics show it, in a few words such as "failed requests". Alerts that
# detect the same effect may fire together; scenarios name the other effects that their faults have.
Effect = str

# What an alert explains: every symptom on its instance, only those in its job's metrics, or the
# alerts on the instance's workers.
Explained = Literal["instance", "job", "workers"]

# The labels that distinguish the alerts of one rule, by their scope.
LABELS: Final[Mapping[Scope, tuple[str, ...]]] = {
    "bundle": (),
    "job": ("job",),
    "instance": ("job", "instance"),
    "worker": ("job", "instance", "worker"),
}
_LEGENDS: Final[Mapping[Scope, str]] = {
    "bundle": "",
    "job": "{{job}}",
    "instance": "{{instance}}",
    "worker": "{{instance}} worker {{worker}}",
}


@dataclass(frozen=True)
class Recording:
    """A recording rule; `name` is level:metric:operation, `expr` has braces at every selector.

    `family` names its rule file, whichever alerts need it. `has_gaps`: it has no value where a
    scrape fails, as it does not read a range.
    """

    family: str
    name: str
    expr: str
    has_gaps: bool = False

    @property
    def query(self) -> str:
        return f"{self.name}{{}}"


@dataclass(frozen=True)
class Panel:
    """Where an alert's quantity is plotted.

    `legend` is that of the alert's scope if it is empty. The dashboard's variables do not filter an
    `unfiltered` quantity. `id` comes from the committed ids once all alerts are known.
    """

    dashboard: Dashboard
    section: str
    title: str
    legend: str = ""
    unfiltered: bool = False
    id: int = 0


@dataclass(frozen=True)
class Trigger:
    """One severity of an alert: its bound if it has one, and how long the condition must hold.

    It is silent while there are more than `up_to_users`; `guard` says so, too.
    """

    severity: Severity
    for_: float
    keep_firing_for: float
    bound: Bound | None = None
    guard: str = ""
    up_to_users: int | None = None


@dataclass(frozen=True)
class Series:
    """An input series of a promtool test, with its values in promtool's notation."""

    metric: str
    labels: Mapping[str, str]
    values: str

    @property
    def written(self) -> dict[str, str]:
        """As a test file has it."""
        return {"series": selector(self.metric, self.labels), "values": self.values}


@dataclass(frozen=True)
class AlertTest:
    """What of the alert is firing `at` seconds after the start: these triggers and no others.

    `value` is the one in their texts, `query_results` are the results of the queries in them. If it
    is None, the texts do not matter, and an alert that does not fire must not even be pending.
    """

    at: float
    firing: tuple[Trigger, ...] = ()
    value: float | None = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    query_results: Mapping[str, str] = field(default_factory=dict)


def silent(*times: float) -> tuple[AlertTest, ...]:
    """The alert does not fire at any of these times."""
    return tuple(map(AlertTest, times))


@dataclass(frozen=True)
class ExprTest:
    """What `expr` must read `at` seconds after the start: one sample, or none if it is None.

    Prometheus 3 excludes the first instant of a range and earlier versions include it, so a value
    that changes within a range is compared with a tolerance in `expr` itself.
    """

    at: float
    expr: str
    labels: Mapping[str, str]
    value: float | None


@dataclass(frozen=True)
class Case:
    """A promtool test of one alert and the recordings that it uses.

    `interval` is the sample interval in seconds if it is not that of the alert's clock.
    """

    title: str
    series: Sequence[Series]
    alert_tests: Sequence[AlertTest] = ()
    expr_tests: Sequence[ExprTest] = ()
    interval: int | None = None


def alert_name(key: str) -> str:
    """AuditorHighMemory for the settings `alerts.high_memory`."""
    return "Auditor" + "".join(word.capitalize() for word in key.split("_"))


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert rule of one or more severities.

    `quantity` is PromQL with braces at every selector; the rule is `quantity op bound` and the
    trigger's guard. The bound is `constant`, in `constant_unit`, unless a row of the targets gives
    one. `key` names its settings in the thresholds file and comes from its definition.
    `summary` and `description` are Go templates in which ``BOUND`` stands for the bound of a
    severity, ``FOR`` for its `for`, ``VALUE`` for the quantity in its unit, and ``INSTANCE``,
    ``JOB`` and ``WORKER`` for where the alert fires. `clock` is the clock of its cases if it is not
    the service's own: windows of hours need no sample every few seconds. `inhibits` are the keys of
    alerts with the same cause that say less than this one, and so are those that they inhibit.
    `explains` are the alerts that mean nothing while it fires. `detects` is None for the alert that
    always fires.
    """

    family: Family
    detects: Effect | None
    quantity: str
    scope: Scope = "instance"
    op: Literal[">", "<"] = ">"
    triggers: tuple[Trigger, ...]
    summary: str
    description: str
    panel: Panel
    cases: tuple[Case, ...] = ()
    recordings: tuple[Recording, ...] = ()
    constant: float = 0.0
    constant_unit: Unit = Unit.COUNT
    clock: Clock | None = None
    origins: tuple[str, ...] = ()
    inhibits: tuple[str, ...] = ()
    explains: Explained | None = None
    key: str = ""

    @property
    def name(self) -> str:
        return alert_name(self.key)

    @property
    def settings(self) -> str:
        """Path of its settings in the thresholds file."""
        return f"alerts.{self.key}"

    @property
    def legend(self) -> str:
        """The legend of its panel."""
        return self.panel.legend or _LEGENDS[self.scope]

    @property
    def unit(self) -> Unit:
        """The unit of the quantity."""
        bound = self.triggers[0].bound
        return bound.levels.unit if bound else self.constant_unit

    @property
    def keep_firing_for(self) -> float:
        return self.triggers[0].keep_firing_for

    @property
    def longest_for(self) -> float:
        return max(trigger.for_ for trigger in self.triggers)

    def bound(self, trigger: Trigger) -> float:
        """The number a severity compares with."""
        return trigger.bound.value if trigger.bound else self.constant

    def firing(
        self,
        at: float,
        value: float,
        labels: Mapping[str, str],
        query_results: Mapping[str, str] | None = None,
    ) -> AlertTest:
        """Every severity is firing."""
        return AlertTest(at, self.triggers, value, labels, query_results or {})

    def is_firing(self, at: float) -> AlertTest:
        """Every severity is firing, whatever the texts say."""
        return AlertTest(at, self.triggers, None)

    def expr(self, trigger: Trigger) -> str:
        """The rule's expression."""
        guard = f"\n{trigger.guard}" if trigger.guard else ""
        return plain(f"{self.quantity} {self.op} {number(self.bound(trigger))}{guard}")

    def paths(self) -> tuple[str, ...]:
        """Paths of the values in the thresholds file that rule, tests and texts derive from."""
        bounds = [trigger.bound.path for trigger in self.triggers if trigger.bound]
        users = [
            f"targets.{trigger.bound.row}.up_to_users"
            for trigger in self.triggers
            if trigger.bound and trigger.up_to_users is not None
        ]
        return (self.settings, *dict.fromkeys((*bounds, *users, *self.origins)))
