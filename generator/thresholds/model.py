"""The thresholds as the renderers see them: frozen, checked, in SI base units.

The dataclasses here, in `levels` and in `settings` are the only description of the file's form: the
loader and the JSON Schema derive from them. A field's type says its unit, the text beside it in
``Annotated`` its meaning. A key of the file is the field's name; ``for_`` stands for ``for``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Annotated, Literal

from generator.thresholds.forms import POSITIVE, Address, JobName, Selector, ServiceName, Target
from generator.thresholds.levels import (
    EDGE_BEFORE,
    Count,
    Levels,
    Ratio,
    Score,
    Seconds,
    Targets,
    Why,
)
from generator.thresholds.settings import Alerts


@dataclass(frozen=True)
class Position:
    """Where a value stands: a file as the user named it, line and column from 1.

    Line 0: the place in the file is not known.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, kw_only=True)
class Jobs:
    api: Annotated[JobName, "Scrape job of the app's own metrics, summed over its workers."]
    workers: Annotated[JobName, "Scrape job of the sidecar's worker metrics."]


@dataclass(frozen=True, kw_only=True)
class DatabasePool:
    size: Annotated[Count, POSITIVE, "DB_POOL_SIZE of one worker."]
    overflow: Annotated[Count, "DB_MAX_OVERFLOW of one worker."]
    why: Why


@dataclass(frozen=True, kw_only=True)
class Links:
    runbooks: Annotated[Address, "Address of the folder that holds the runbook pages."]
    grafana: Annotated[Address, "Address of Grafana as a browser reaches it."]


@dataclass(frozen=True, kw_only=True)
class Service:
    """The monitored service and how it is scraped."""

    name: Annotated[ServiceName, "Value of the label `service` of every alert."]
    jobs: Jobs
    expected_workers: Annotated[Count, POSITIVE, "WORKER_COUNT of one instance."]
    scrape_interval: Annotated[Seconds, POSITIVE, "Prometheus's scrape interval for both jobs."]
    evaluation_interval: Annotated[
        Seconds, POSITIVE, "Prometheus's evaluation interval of the rules."
    ]
    latency_buckets: Annotated[
        tuple[Annotated[Seconds, POSITIVE], ...],
        "Finite bounds of the latency and the probe histogram.",
    ]
    confidence_buckets: Annotated[tuple[Score, ...], "Finite bounds of the confidence histogram."]
    database_pool: DatabasePool
    links: Links
    labels: Annotated[
        Mapping[str, str], "Labels to add to every alert, such as the team that is paged."
    ]
    why: Why


@dataclass(frozen=True, kw_only=True)
class Availability:
    objective: Annotated[Ratio, "Share of the handled requests that must succeed over the period."]
    why: Why


@dataclass(frozen=True, kw_only=True)
class Speed:
    objective: Annotated[Ratio, "Share of the successful requests that must be fast enough."]
    within: Annotated[
        Seconds, POSITIVE, "What is fast enough; a bound of the latency histogram, so it counts."
    ]
    why: Why


@dataclass(frozen=True, kw_only=True)
class Burn:
    """A pace at which a budget is used up, told by two windows.

    The long one shows that it matters, the short one that it goes on.
    """

    window: Annotated[Seconds, POSITIVE, "The long range."]
    short_window: Annotated[Seconds, POSITIVE, "The short range."]
    consumes: Annotated[Ratio, POSITIVE, "Share of the budget used up within the long range."]
    why: Why


@dataclass(frozen=True, kw_only=True)
class Burns:
    """The paces, the fastest first."""

    fast: Burn
    steady: Burn
    slow: Burn
    creeping: Burn


@dataclass(frozen=True, kw_only=True)
class Slo:
    """The objectives that the error budgets are computed from."""

    period: Annotated[Seconds, POSITIVE, "Length of the sliding period of the budgets."]
    evaluation_interval: Annotated[
        Seconds, POSITIVE, "Evaluation interval of the budgets' recording rules."
    ]
    availability: Availability
    latency: Speed
    burn: Burns
    why: Why


@dataclass(frozen=True, kw_only=True)
class DashboardSettings:
    metrics_datasource: Annotated[
        str, "Name of the Prometheus data source chosen at first load, or `default`."
    ]
    logs_datasource: Annotated[
        str, "Name of the Loki data source chosen at first load, or `default`."
    ]
    log_selector: Annotated[Selector, "LogQL stream selector of the Auditor's logs."]
    range: Annotated[Seconds, POSITIVE, "Time range at first load."]
    refresh: Annotated[Seconds, POSITIVE, "Refresh interval."]


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """How often a notification of each severity is sent again while the alert fires."""

    critical: Annotated[Seconds, POSITIVE, "Of pages."]
    warning: Annotated[Seconds, POSITIVE, "Of tickets."]
    info: Annotated[Seconds, POSITIVE, "Of what only informs."]


@dataclass(frozen=True, kw_only=True)
class Receivers:
    """Addresses that Alertmanager posts notifications to."""

    pages: Annotated[Address, "Who is called: critical."]
    tickets: Annotated[Address, "Where tickets are made: warning."]
    info: Annotated[Address, "What only informs."]
    watchdog: Annotated[Address, "The dead man's switch: it raises the alarm if this one stops."]


@dataclass(frozen=True, kw_only=True)
class Routing:
    """Who hears of an alert, when, and how often."""

    group_wait: Annotated[Seconds, POSITIVE, "Wait for others of the group before the first word."]
    group_interval: Annotated[Seconds, POSITIVE, "Wait before the next word of a group."]
    repeat: Repeat
    heartbeat: Annotated[Seconds, POSITIVE, "How often the watchdog is sent."]
    receivers: Receivers
    why: Why


@dataclass(frozen=True, kw_only=True)
class Deploy:
    """Where the parts find each other, in the configurations under `deploy/`."""

    sidecars: Annotated[tuple[Target, ...], "Sidecars to scrape, one of each Auditor."]
    alertmanagers: Annotated[tuple[Target, ...], "Alertmanagers that Prometheus tells."]
    prometheus: Annotated[Address, "Address of Prometheus as Grafana reaches it."]
    loki: Annotated[Address, "Address of Loki as Grafana reaches it."]


@dataclass(frozen=True)
class Bound:
    """A number an alert compares with: `value` in SI base units, written in the file at `path`."""

    value: float
    path: str
    row: str
    level: str
    levels: Levels


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """The whole file.

    `positions` says where each value stands, by its path (`targets.latency.p95.poor`).
    """

    version: Annotated[Literal[1], "Form of this file."]
    service: Service
    targets: Targets
    slo: Slo
    dashboards: DashboardSettings
    routing: Routing
    deploy: Deploy
    alerts: Alerts
    positions: Mapping[str, Position] = field(default_factory=dict, compare=False, repr=False)

    def rows(self) -> Mapping[str, Levels]:
        """Every row of the targets by its path below `targets`, in the file's order."""
        return dict(_rows(self.targets, ""))

    def bound(self, fires_at: str) -> Bound:
        """The bound that `fires_at` (ROW.LEVEL) names; the loader refuses unknown names."""
        row, _, level = fires_at.rpartition(".")
        levels = self.rows()[row]
        value = levels.start_of(level)
        if value is None:
            raise LookupError(f"{fires_at}: the row has no number where {level} begins")
        return Bound(value, f"targets.{row}.{EDGE_BEFORE[level]}", row, level, levels)


def _rows(node: object, path: str) -> list[tuple[str, Levels]]:
    if isinstance(node, Levels):
        return [(path, node)]
    if not is_dataclass(node):
        return []
    inner = ((f"{path}.{item.name}".lstrip("."), getattr(node, item.name)) for item in fields(node))
    return [row for name, value in inner for row in _rows(value, name)]
