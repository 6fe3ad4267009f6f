"""The thresholds as the renderers see them: frozen, checked, in SI base units.

The dataclasses below are the only description of the file's form: the loader and the JSON Schema
derive from them. A field's type says its unit, the text beside it in ``Annotated`` its meaning.
A key of the file is the field's name; ``for_`` stands for ``for``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Annotated, ClassVar, Final, Literal

from generator.thresholds.forms import POSITIVE, Address, JobName, Selector, ServiceName


class Unit(Enum):
    """What a number of the file measures, and so which spellings it takes."""

    DURATION = "duration"  # seconds: 500ms, 5m, 3h, 30d
    BYTES = "bytes"  # bytes: 500MiB, 1.5GiB
    GROWTH = "growth"  # bytes per second: 10MiB/h, 5MiB/min
    RATIO = "ratio"  # 0 to 1: 0.1%, 99.5%
    RATE = "rate"  # per second: 10/s, 3/min
    COUNT = "count"  # a whole number of things
    SCORE = "score"  # 0 to 1, written as a plain number


Seconds = Annotated[float, Unit.DURATION]
Bytes = Annotated[float, Unit.BYTES]
BytesPerSecond = Annotated[float, Unit.GROWTH]
Ratio = Annotated[float, Unit.RATIO]
PerSecond = Annotated[float, Unit.RATE]
Count = Annotated[int, Unit.COUNT]
Score = Annotated[float, Unit.SCORE]
Why = Annotated[str, "The reason or the source of the numbers beside it."]

Level = Literal["acceptable", "poor", "critical"]
Severity = Literal["critical", "warning", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "warning", "info")

# A level begins where the one before it ends.
EDGE_BEFORE: Final[Mapping[str, str]] = {
    "acceptable": "target",
    "poor": "acceptable",
    "critical": "poor",
}


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
class Levels:
    """A row of a table of targets: each number is the last value that belongs to its level."""

    unit: ClassVar[Unit]
    worse: ClassVar[Literal["above", "below"]] = "above"
    why: Why

    def edge(self, name: str) -> float | None:
        """The number written as `name`: target, acceptable or poor; None where there is none."""
        value: float | None = getattr(self, name, None)
        return value

    def start_of(self, level: str) -> float | None:
        """The bound beyond which `level` begins; None where the row does not reach that level."""
        return self.edge(EDGE_BEFORE[level])

    def edges(self) -> tuple[tuple[str, float], ...]:
        """(name, value) of every edge of the row, best first."""
        found = ((name, self.edge(name)) for name in ("target", "acceptable", "poor"))
        return tuple((name, value) for name, value in found if value is not None)


@dataclass(frozen=True, kw_only=True)
class LatencyLevels(Levels):
    unit: ClassVar = Unit.DURATION
    target: Seconds
    acceptable: Seconds
    poor: Seconds


@dataclass(frozen=True, kw_only=True)
class ThroughputLevels(Levels):
    unit: ClassVar = Unit.RATE
    worse: ClassVar = "below"
    concurrency: Annotated[Count, POSITIVE, "Requests under way at once."]
    target: PerSecond
    acceptable: PerSecond


@dataclass(frozen=True, kw_only=True)
class RatioLevels(Levels):
    unit: ClassVar = Unit.RATIO
    target: Ratio
    acceptable: Ratio
    poor: Ratio | None = None


@dataclass(frozen=True, kw_only=True)
class LoadLevels(RatioLevels):
    up_to_users: Annotated[
        Count | None, "The row holds up to this many users; none: beyond the row before."
    ] = None


@dataclass(frozen=True, kw_only=True)
class BytesLevels(Levels):
    unit: ClassVar = Unit.BYTES
    target: Bytes
    acceptable: Bytes


@dataclass(frozen=True, kw_only=True)
class PeakLevels(BytesLevels):
    within: Annotated[Seconds, POSITIVE, "Length of the run whose highest value counts."]


@dataclass(frozen=True, kw_only=True)
class GrowthLevels(Levels):
    unit: ClassVar = Unit.GROWTH
    target: BytesPerSecond
    acceptable: BytesPerSecond


@dataclass(frozen=True, kw_only=True)
class CountLevels(Levels):
    unit: ClassVar = Unit.COUNT
    target: Count
    acceptable: Count
    poor: Count | None = None


@dataclass(frozen=True, kw_only=True)
class ConfidenceLevels(RatioLevels):
    below: Annotated[
        Score, "Answers scored at or under this count as weak; a bound of the app's histogram."
    ]


@dataclass(frozen=True, kw_only=True)
class LatencyTargets:
    """Time of a verification inside the handler."""

    p50: LatencyLevels
    p95: LatencyLevels
    p99: LatencyLevels
    p999: LatencyLevels


@dataclass(frozen=True, kw_only=True)
class ThroughputTargets:
    """Answered requests a second, by requests under way at once."""

    sequential: ThroughputLevels
    low: ThroughputLevels
    medium: ThroughputLevels
    high: ThroughputLevels


@dataclass(frozen=True, kw_only=True)
class ErrorTargets:
    """Share of requests that fail, by load."""

    normal: LoadLevels
    high: LoadLevels
    stress: LoadLevels


@dataclass(frozen=True, kw_only=True)
class MemoryTargets:
    """Resident memory of one worker, and of all of them against their cgroup's limit."""

    initial: BytesLevels
    growth: GrowthLevels
    slow_growth: GrowthLevels
    peak_1h: PeakLevels
    peak_24h: PeakLevels
    cgroup: RatioLevels


@dataclass(frozen=True, kw_only=True)
class CpuTargets:
    """Share of one core a worker keeps busy, by load."""

    idle: LoadLevels
    normal: LoadLevels
    high: LoadLevels


@dataclass(frozen=True, kw_only=True)
class DatabaseTargets:
    connections: CountLevels
    pool_usage: RatioLevels
    wait: LatencyLevels


@dataclass(frozen=True, kw_only=True)
class WorkerTargets:
    fds: RatioLevels
    threads: CountLevels
    starts: CountLevels


@dataclass(frozen=True, kw_only=True)
class Targets:
    latency: LatencyTargets
    throughput: ThroughputTargets
    error_rate: ErrorTargets
    memory: MemoryTargets
    cpu: CpuTargets
    database: DatabaseTargets
    worker: WorkerTargets
    confidence: ConfidenceLevels


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
class Slo:
    """The objective that the error budget is computed from."""

    availability: Annotated[Ratio, "Share of requests that must succeed over the period."]
    period: Annotated[Seconds, POSITIVE, "Length of the sliding period of the budget."]
    evaluation_interval: Annotated[
        Seconds, POSITIVE, "Evaluation interval of the budget's recording rules."
    ]
    burn_windows: Annotated[
        tuple[Annotated[Seconds, POSITIVE], ...],
        "Ranges over which the budget's burn rate is recorded.",
    ]
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
class Trigger:
    """One severity of an alert that needs no bound."""

    for_: Annotated[Seconds, "How long the condition must hold before the alert fires."]


@dataclass(frozen=True, kw_only=True)
class Tier(Trigger):
    """One severity of an alert: where it fires, and after how long."""

    fires_at: Annotated[
        str,
        "ROW.LEVEL: fires once the row's values enter this level, such as latency.p95.critical.",
    ]


@dataclass(frozen=True, kw_only=True)
class AlertSettings:
    """What every alert has."""

    keep_firing_for: Annotated[Seconds, "How long the alert stays after the condition has ended."]
    why: Why


@dataclass(frozen=True, kw_only=True)
class BoundAlert(AlertSettings):
    """An alert on a bound; at least one severity is set."""

    critical: Tier | None = None
    warning: Tier | None = None
    info: Tier | None = None


@dataclass(frozen=True, kw_only=True)
class WindowAlert(BoundAlert):
    window: Annotated[Seconds, POSITIVE, "Range of the rate, or of the other function over time."]


@dataclass(frozen=True, kw_only=True)
class TrafficAlert(WindowAlert):
    min_requests: Annotated[Count, POSITIVE, "Requests the window must hold, fewer prove nothing."]


@dataclass(frozen=True, kw_only=True)
class LeakAlert(WindowAlert):
    envelope: Annotated[
        Seconds, POSITIVE, "Range of the minimum that hides the garbage collector's sawtooth."
    ]
    warm_up: Annotated[Seconds, "Age of a worker up to which growth is model loading, not a leak."]


@dataclass(frozen=True, kw_only=True)
class InitialAlert(BoundAlert):
    window: Annotated[
        Seconds, POSITIVE, "Age of a worker up to which its lowest value counts as the initial one."
    ]


@dataclass(frozen=True, kw_only=True)
class WaitAlert(WindowAlert):
    min_waiting: Annotated[
        Count, POSITIVE, "Requests that must wait on average, fewer prove nothing."
    ]


@dataclass(frozen=True, kw_only=True)
class ConditionAlert(AlertSettings):
    """An alert on a state instead of a bound; exactly one severity is set."""

    critical: Trigger | None = None
    warning: Trigger | None = None
    info: Trigger | None = None


@dataclass(frozen=True, kw_only=True)
class FailingAlert(ConditionAlert):
    window: Annotated[Seconds, POSITIVE, "Range over which requests are counted."]
    min_failures: Annotated[Count, POSITIVE, "Failures the window must hold."]
    min_ratio: Annotated[Ratio, POSITIVE, "Share of the window's requests that must have failed."]


@dataclass(frozen=True, kw_only=True)
class SilenceAlert(ConditionAlert):
    window: Annotated[Seconds, POSITIVE, "How long no request may have come."]
    before: Annotated[
        Seconds, POSITIVE, "Length of the time before that in which traffic must have come."
    ]
    min_requests: Annotated[Count, POSITIVE, "Requests that time must hold."]


@dataclass(frozen=True, kw_only=True)
class SidecarErrorsAlert(ConditionAlert):
    window: Annotated[Seconds, POSITIVE, "Range over which the sidecar's errors are counted."]


@dataclass(frozen=True)
class Rows:
    """The rows an alert's `fires_at` may name: those at or below a path, of one unit if given.

    `histogram`: the alert compares a quantile read from `service.latency_buckets`.
    """

    below: str
    unit: Unit | None = None
    histogram: bool = False


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """Settings of every alert; `high_error_rate` here is the alert AuditorHighErrorRate."""

    high_error_rate: Annotated[TrafficAlert, Rows("error_rate")]
    requests_failing: FailingAlert
    high_median_latency: Annotated[TrafficAlert, Rows("latency.p50", histogram=True)]
    high_latency: Annotated[TrafficAlert, Rows("latency.p95", histogram=True)]
    high_tail_latency: Annotated[TrafficAlert, Rows("latency.p99", histogram=True)]
    extreme_latency: Annotated[TrafficAlert, Rows("latency.p999", histogram=True)]
    memory_leak: Annotated[LeakAlert, Rows("memory", Unit.GROWTH)]
    fast_memory_leak: Annotated[LeakAlert, Rows("memory", Unit.GROWTH)]
    high_memory: Annotated[BoundAlert, Rows("memory", Unit.BYTES)]
    high_initial_memory: Annotated[InitialAlert, Rows("memory", Unit.BYTES)]
    memory_near_limit: Annotated[BoundAlert, Rows("memory.cgroup")]
    file_descriptors_near_limit: Annotated[BoundAlert, Rows("worker.fds")]
    many_threads: Annotated[BoundAlert, Rows("worker.threads")]
    high_cpu: Annotated[WindowAlert, Rows("cpu")]
    idle_cpu: Annotated[WindowAlert, Rows("cpu")]
    requests_waiting: Annotated[WaitAlert, Rows("latency")]
    slow_probe: Annotated[WindowAlert, Rows("latency", histogram=True)]
    workers_missing: ConditionAlert
    worker_crash_loop: Annotated[WindowAlert, Rows("worker.starts")]
    many_database_connections: Annotated[BoundAlert, Rows("database.connections")]
    database_pool_near_limit: Annotated[BoundAlert, Rows("database.pool_usage")]
    down: ConditionAlert
    unresponsive: ConditionAlert
    sidecar_down: ConditionAlert
    target_missing: ConditionAlert
    sidecar_blind: ConditionAlert
    sidecar_errors: SidecarErrorsAlert
    app_metrics_missing: ConditionAlert
    low_confidence: Annotated[TrafficAlert, Rows("confidence")]
    no_traffic: SilenceAlert
    low_throughput: Annotated[WindowAlert, Rows("throughput")]
    watchdog: ConditionAlert


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
