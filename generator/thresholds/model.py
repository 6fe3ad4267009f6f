"""The thresholds as the renderers see them: frozen, checked, in SI base units.

The models here, in `levels` and in `settings`, and those of the families' own alerts, are the only
description of the file's form. A field's type says its unit, its description the meaning. A key of
the file is the field's name; ``for_`` stands for ``for``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
)

from generator.errors import InputError
from generator.names import LABELS
from generator.thresholds.fields import (
    Constant,
    Count,
    Line,
    Model,
    Names,
    OneOrMore,
    PositiveCount,
    PositiveRatio,
    PositiveSeconds,
    Ratio,
    Schema,
    Score,
    Text,
    Why,
    doc,
)
from generator.thresholds.levels import EDGE_BEFORE, Levels, Targets, rows_of, with_rows
from generator.thresholds.problems import Position
from generator.thresholds.settings import AlertSettings, Rows

S = TypeVar("S", bound=AlertSettings)

# Labels that the alerts and their series carry already.
OWN_LABELS: Final = frozenset(
    {"alertname", "severity", "service", "category", "job", "instance", "worker"}.union(
        *LABELS.values()
    )
)
# Prometheus looks back 5 minutes (`--query.lookback-delta`): a missed scrape must leave a sample.
LONGEST_INTERVAL: Final = 120.0
# Grafana refuses less (`min_refresh_interval`, 5s unless set otherwise).
_SHORTEST_REFRESH: Final = 5.0
LAST_PORT: Final = 65535
_LABEL: Final = "[a-zA-Z_][a-zA-Z0-9_]*"
_MATCHER: Final = rf'{_LABEL}(=|!=|=~|!~)"[^"\\\x00-\x1f]*"'
LABEL_NAME: Final = Text(
    rf"(?!__){_LABEL}", "a label name of letters, digits and _ that begins with a letter"
)
_LABEL_NAMES: Final[Schema] = {**LABEL_NAME.schema, "not": {"enum": sorted(OWN_LABELS)}}


class UnknownAlertError(InputError):
    """There is no alert of this key."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"no alert has the key {key}")


def _fits_the_lookback(interval: float) -> float:
    if interval % 1 or interval > LONGEST_INTERVAL:
        raise ValueError("whole seconds up to 2m such as 15s: Prometheus forgets a sample after 5m")
    return interval


def _is_a_port(port: int) -> int:
    if port > LAST_PORT:
        raise ValueError(f"a port, at most {LAST_PORT}")
    return port


def _leaves_a_budget(objective: float) -> float:
    """At 100% the budget is nothing, and a burn rate divides by it; at 0% nothing is kept."""
    if objective in (0, 1):
        raise ValueError("a percentage above 0% and below 100% such as 99.5%")
    return objective


def _slow_enough(refresh: float) -> float:
    if refresh < _SHORTEST_REFRESH:
        raise ValueError("at least 5s, Grafana's own minimum by default")
    return refresh


def _is_no_template(label: str) -> str:
    if "{{" in label:
        raise ValueError("a text without {{, which begins a template")
    return label


Version = Annotated[Literal[1], Constant(1)]
ServiceName = Annotated[
    str, Text("[a-z0-9][a-z0-9_-]{0,39}", "a name of a-z, 0-9, - and _ such as auditor")
]
JobName = Annotated[
    str,
    Text(
        "[a-zA-Z0-9][a-zA-Z0-9_./:-]{0,99}",
        "a name of letters, digits and -_./: such as auditor-api",
    ),
]
Address = Annotated[
    str,
    Text(
        r"https?://([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~%:@+-]+)*",
        "an address such as https://host:3000/path, without query, fragment or trailing slash",
    ),
]
Target = Annotated[
    str,
    Text(
        r"([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\]):[1-9][0-9]{0,4}",
        "a host and a port such as auditor:9105",
    ),
]
Selector = Annotated[
    str,
    Text(rf"\{{{_MATCHER}(, ?{_MATCHER})*\}}", 'a stream selector such as {app="auditor"}'),
]
Interval = Annotated[PositiveSeconds, AfterValidator(_fits_the_lookback)]
Port = Annotated[
    PositiveCount, AfterValidator(_is_a_port), Field(json_schema_extra={"maximum": LAST_PORT})
]
Objective = Annotated[Ratio, AfterValidator(_leaves_a_budget)]
Refresh = Annotated[PositiveSeconds, AfterValidator(_slow_enough)]
LabelValue = Annotated[Line, AfterValidator(_is_no_template)]
Labels = Annotated[Names[LabelValue], Field(json_schema_extra={"propertyNames": _LABEL_NAMES})]


class Jobs(Model):
    api: JobName = doc("Scrape job of the app's own metrics, summed over its workers.")
    workers: JobName = doc("Scrape job of the sidecar's worker metrics.")
    probe: JobName = doc("Scrape job of blackbox_exporter, which probes the API from outside.")

    @property
    def sidecar(self) -> str:
        """A regular expression for both jobs of the sidecar."""
        return f"{self.api}|{self.workers}"


class DatabasePool(Model):
    size: PositiveCount = doc("DB_POOL_SIZE of one worker.")
    overflow: Count = doc("DB_MAX_OVERFLOW of one worker.")
    why: Why


class Links(Model):
    runbooks: Address = doc("Address of the folder that holds the runbook pages.")
    grafana: Address = doc("Address of Grafana as a browser reaches it.")


class Service(Model):
    """The monitored service and how it is scraped."""

    name: ServiceName = doc("Value of the label `service` on every alert.")
    jobs: Jobs
    expected_workers: PositiveCount = doc(
        "Number of worker processes of one instance: Compose starts as many, and the alerts on the "
        "latency budget allow for a slow first request of each. No alert compares with it; see "
        "alerts.workers_missing.expected."
    )
    scrape_interval: Interval = doc("Prometheus's scrape interval for all jobs.")
    evaluation_interval: Interval = doc("Prometheus's evaluation interval of the rules.")
    lookback: PositiveSeconds = doc(
        "How long alerts go on with the last value while scrapes fail: at least two scrape "
        "intervals, so that a single failure goes unnoticed."
    )
    latency_buckets: OneOrMore[PositiveSeconds] = doc(
        "Finite bounds of the latency and the probe histogram."
    )
    confidence_buckets: OneOrMore[Score] = doc("Finite bounds of the confidence histogram.")
    database_pool: DatabasePool
    links: Links
    labels: Labels = doc("Labels to add to every alert, such as a team.")
    why: Why


class Availability(Model):
    objective: Objective = doc("Share of the handled requests that must succeed over the period.")
    why: Why


class Speed(Model):
    objective: Objective = doc("Share of the successful requests that must be fast enough.")
    within: PositiveSeconds = doc(
        "Longest time that is fast enough; a bucket bound of the latency histogram."
    )
    why: Why


class Burn(Model):
    """A rate at which a budget is used up, measured over two windows.

    The long one shows that it matters, the short one that it goes on.
    """

    window: PositiveSeconds = doc("Long window.")
    short_window: PositiveSeconds = doc("Short window.")
    consumes: PositiveRatio = doc("Share of the budget used up within the long window.")
    why: Why


class Burns(Model):
    """The burn rates, the fastest first."""

    fast: Burn
    steady: Burn
    slow: Burn
    creeping: Burn


class Slo(Model):
    """The objectives that the error budgets are computed from."""

    period: PositiveSeconds = doc("Rolling period that the budgets cover.")
    evaluation_interval: Interval = doc("Evaluation interval of the budgets' recording rules.")
    availability: Availability
    latency: Speed
    burn: Burns
    why: Why


class DashboardSettings(Model):
    metrics_datasource: Line = doc(
        "Name of the Prometheus data source selected at first, or `default`."
    )
    logs_datasource: Line = doc("Name of the Loki data source selected at first, or `default`.")
    log_selector: Selector = doc("LogQL stream selector of the Auditor's logs.")
    range: PositiveSeconds = doc("Time range at first load.")
    refresh: Refresh = doc("Refresh interval.")


class Repeat(Model):
    """How often a notification of each severity is sent again while the alert fires."""

    critical: PositiveSeconds = doc("Repeat interval of critical alerts.")
    warning: PositiveSeconds = doc("Repeat interval of warnings.")
    info: PositiveSeconds = doc("Repeat interval of info alerts.")


class GroupInterval(Model):
    """Wait before a group that has changed is sent again."""

    availability: PositiveSeconds = doc("Of the critical alerts on availability.")
    other: PositiveSeconds = doc("Of all other alerts.")


class Receivers(Model):
    """Addresses that Alertmanager posts notifications to."""

    pages: Address = doc("Receiver of critical alerts: pages someone.")
    tickets: Address = doc("Receiver of warnings: opens tickets.")
    info: Address = doc("Receiver of info alerts.")
    fallback: Address = doc(
        "Receiver of the alert that notifications fail; must work when `pages` does not."
    )
    watchdog: Address = doc("Receiver of the watchdog: raises the alarm when it stops arriving.")


class Routing(Model):
    """Who is notified of an alert, when, and how often."""

    group_wait: PositiveSeconds = doc(
        "Wait for more alerts of a group before its first notification."
    )
    group_interval: GroupInterval
    repeat: Repeat
    heartbeat: PositiveSeconds = doc("How often the watchdog notifies its receiver.")
    receivers: Receivers
    why: Why


class Deploy(Model):
    """Where the parts find each other, in the configurations under `deploy/`."""

    sidecars: OneOrMore[Target] = doc("Sidecars to scrape, one per Auditor.")
    api_port: Port = doc("Port of every Auditor's API, on the host of its sidecar.")
    blackbox: Target = doc("blackbox_exporter, which sends GET /health to every API.")
    probe_timeout: PositiveSeconds = doc("How long blackbox_exporter waits for an answer.")
    alertmanagers: OneOrMore[Target] = doc("Alertmanagers that Prometheus notifies.")
    prometheus: Address = doc("Address of Prometheus as Grafana reaches it.")
    loki: Address = doc("Address of Loki as Grafana reaches it.")


@dataclass(frozen=True)
class Bound:
    """A number an alert compares with: `value` in SI base units, written in the file at `path`."""

    value: float
    path: str
    row: str
    level: str
    levels: Levels


@dataclass(frozen=True)
class AlertForm:
    """The form of an alert's settings, and the rows that its `fires_at` may name, if any.

    `aims` are all ROW.LEVEL that it may name in the file that the form is of.
    """

    settings: type[AlertSettings]
    rows: Rows | None
    aims: tuple[str, ...] = ()


class Thresholds(Model):
    """The whole file but for `alerts`, whose form comes from the alerts that there are.

    `alerts` has their settings by key, in the order of the file, and `positions` says where each
    value stands, by its path (`targets.latency.p95.poor`). `forms` are the alerts that the model
    was made for, `row_forms` the rows of the targets by their paths below them.
    """

    forms: ClassVar[Mapping[str, AlertForm]] = {}
    row_forms: ClassVar[Mapping[str, type[Levels]]] = {}

    version: Version = doc("Version of the format of this file.")
    service: Service
    targets: Targets
    slo: Slo
    dashboards: DashboardSettings
    routing: Routing
    deploy: Deploy
    alerts: Mapping[str, AlertSettings]
    accepted_notes: Names[Line] = doc(
        "Notes that are known and not printed: the path of each, and why it is accepted.", {}
    )
    _positions: Mapping[str, Position] = PrivateAttr({})

    @property
    def positions(self) -> Mapping[str, Position]:
        return self._positions

    def placed(self, positions: Mapping[str, Position]) -> Self:
        """The same values, and where they stand."""
        self._positions = positions
        return self

    def alert(self, key: str, form: type[S]) -> S:
        """The settings of an alert, of a form that is known. Raises UnknownAlertError."""
        found = self.alerts.get(key)
        if found is None:
            raise UnknownAlertError(key)
        if not isinstance(found, form):
            raise TypeError(f"the settings of {key} are no {form.__name__}")
        return found

    def rows(self) -> Mapping[str, Levels]:
        """Every row of the targets by its path below `targets`, in the model's order."""
        return {path: attrgetter(path)(self.targets) for path in self.row_forms}

    def bound(self, fires_at: str) -> Bound:
        """The bound that `fires_at` (ROW.LEVEL) names; the loader refuses unknown names."""
        row, _, level = fires_at.rpartition(".")
        levels = self.rows()[row]
        value = levels.edge(EDGE_BEFORE[level])
        if value is None:
            raise LookupError(f"{fires_at}: the row has no number where {level} begins")
        return Bound(value, f"targets.{row}.{EDGE_BEFORE[level]}", row, level, levels)


def model_of(alerts: Mapping[str, AlertForm]) -> type[Thresholds]:
    """The form of a whole file, with the settings of these alerts and the rows that they add."""
    added = [each.rows for each in alerts.values() if each.rows]
    targets = with_rows({each.below: each.form for each in added if each.form})
    rows = rows_of(targets)
    placed = {
        key: replace(each, aims=each.rows.aims(rows)) if each.rows else each
        for key, each in alerts.items()
    }
    fields: dict[str, Any] = {key: (each.settings, ...) for key, each in placed.items()}
    settings: Any = create_model("Alerts", __base__=Model, **fields)
    hint: Any = Annotated[settings, WrapValidator(_in_order)]
    model = create_model(
        "Thresholds", __base__=Thresholds, targets=(targets, ...), alerts=(hint, ...)
    )
    model.forms, model.row_forms = placed, rows
    return model


def _in_order(value: object, handler: ValidatorFunctionWrapHandler) -> Mapping[str, AlertSettings]:
    """The settings by key, as they stand in the file."""
    found = dict(handler(value))
    return {key: found[key] for key in value} if isinstance(value, dict) else found
