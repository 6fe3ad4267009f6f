"""The settings of the alerts: windows, waits, floors, and the level each severity fires at."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from generator.thresholds.forms import POSITIVE
from generator.thresholds.levels import Count, Ratio, Seconds, Unit, Why

Severity = Literal["critical", "warning", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "warning", "info")


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """One severity of an alert that needs no bound."""

    for_: Annotated[Seconds, "How long the condition must hold before the alert fires."]


@dataclass(frozen=True, kw_only=True)
class BoundTrigger(Trigger):
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

    critical: BoundTrigger | None = None
    warning: BoundTrigger | None = None
    info: BoundTrigger | None = None


@dataclass(frozen=True, kw_only=True)
class WindowAlert(BoundAlert):
    window: Annotated[Seconds, POSITIVE, "Range of the rate, or of the other function over time."]


@dataclass(frozen=True, kw_only=True)
class TrafficAlert(WindowAlert):
    min_requests: Annotated[Count, POSITIVE, "Requests the window must hold, fewer prove nothing."]


@dataclass(frozen=True, kw_only=True)
class LeakAlert(WindowAlert):
    envelope: Annotated[
        Seconds, POSITIVE, "Range of the minimum that hides what comes and goes, as a sawtooth."
    ]
    warm_up: Annotated[Seconds, "Age of a worker up to which growth is a start, not a leak."]


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
class BurnAlert(ConditionAlert):
    min_bad: Annotated[
        Count,
        POSITIVE,
        "Failed requests the long range must hold, or slow ones beyond the first of each worker.",
    ]


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
    error_budget_fast_burn: BurnAlert
    error_budget_steady_burn: BurnAlert
    error_budget_slow_burn: BurnAlert
    error_budget_creeping_burn: BurnAlert
    latency_budget_fast_burn: BurnAlert
    latency_budget_steady_burn: BurnAlert
    latency_budget_slow_burn: BurnAlert
    latency_budget_creeping_burn: BurnAlert
    memory_leak: Annotated[LeakAlert, Rows("memory", Unit.GROWTH)]
    fast_memory_leak: Annotated[LeakAlert, Rows("memory", Unit.GROWTH)]
    file_descriptor_leak: Annotated[LeakAlert, Rows("worker.fd_growth")]
    thread_leak: Annotated[LeakAlert, Rows("worker.thread_growth")]
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
