"""The rows of the targets: what is good, acceptable, poor and critical, and in which unit."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal, get_args

from pydantic import create_model

from generator.thresholds.fields import (
    Bytes,
    BytesPerSecond,
    Count,
    CountRate,
    Model,
    PositiveCount,
    PositivePerSecond,
    PositiveSeconds,
    Ratio,
    Score,
    Seconds,
    Why,
    doc,
    kind,
)
from generator.thresholds.units import Unit

Level = Literal["acceptable", "poor", "critical"]

# The numbers of a row, best first: each is the last value of its level.
EDGES: Final = ("target", "acceptable", "poor")
# A level begins where the one before it ends.
EDGE_BEFORE: Final = dict(zip(get_args(Level), EDGES, strict=True))


class Levels(Model):
    """A row of a table of targets: each number is the last value that belongs to its level."""

    unit: ClassVar[Unit]
    worse: ClassVar[Literal["above", "below"]] = "above"
    why: Why

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        cls.unit = kind(cls.model_fields["target"]).unit

    def edge(self, name: str) -> float | None:
        """The number written as `name`: target, acceptable or poor; None where there is none."""
        value: float | None = getattr(self, name, None)
        return value

    def edges(self) -> tuple[tuple[str, float], ...]:
        """(name, value) of every edge of the row, best first."""
        found = ((name, self.edge(name)) for name in EDGES)
        return tuple((name, value) for name, value in found if value is not None)


class LatencyLevels(Levels):
    target: Seconds
    acceptable: Seconds
    poor: Seconds


class ThroughputLevels(Levels):
    worse: ClassVar = "below"
    concurrency: PositiveCount = doc("Requests in progress at once.")
    target: PositivePerSecond
    acceptable: PositivePerSecond


class RatioLevels(Levels):
    target: Ratio
    acceptable: Ratio
    poor: Ratio | None = None


class LoadLevels(RatioLevels):
    up_to_users: Count | None = doc(
        "The row applies up to this many users; without it, to more than the row before.", None
    )


class BytesLevels(Levels):
    target: Bytes
    acceptable: Bytes


class PeakLevels(BytesLevels):
    within: PositiveSeconds = doc("Length of the run whose peak counts.")


class GrowthLevels(Levels):
    target: BytesPerSecond
    acceptable: BytesPerSecond


class CountRateLevels(Levels):
    target: CountRate
    acceptable: CountRate


class CountLevels(Levels):
    target: Count
    acceptable: Count
    poor: Count | None = None


class ConfidenceLevels(RatioLevels):
    below: Score = doc(
        "Answers with at most this score have low confidence; a bucket bound of the app."
    )


class LatencyTargets(Model):
    """Time of a verification inside the handler."""

    p50: LatencyLevels
    p95: LatencyLevels
    p99: LatencyLevels
    p999: LatencyLevels


class ThroughputTargets(Model):
    """Answered requests per second, by requests in progress at once."""

    sequential: ThroughputLevels
    low: ThroughputLevels
    medium: ThroughputLevels
    high: ThroughputLevels


class ErrorTargets(Model):
    """Share of requests that fail, by load."""

    normal: LoadLevels
    high: LoadLevels
    stress: LoadLevels


class MemoryTargets(Model):
    """Resident memory of one worker; memory of all workers as a share of their cgroup's limit."""

    initial: BytesLevels
    growth: GrowthLevels
    slow_growth: GrowthLevels
    peak_1h: PeakLevels
    peak_24h: PeakLevels
    cgroup: RatioLevels


class CpuTargets(Model):
    """Share of one core that a worker keeps busy, by load."""

    idle: LoadLevels
    normal: LoadLevels
    high: LoadLevels


class DatabaseTargets(Model):
    connections: CountLevels
    pool_usage: RatioLevels
    wait: LatencyLevels


class WorkerTargets(Model):
    fds: RatioLevels
    threads: CountLevels
    fd_growth: CountRateLevels
    thread_growth: CountRateLevels
    starts: CountLevels


class Targets(Model):
    latency: LatencyTargets
    throughput: ThroughputTargets
    error_rate: ErrorTargets
    memory: MemoryTargets
    cpu: CpuTargets
    database: DatabaseTargets
    worker: WorkerTargets
    confidence: ConfidenceLevels


def rows_of(model: type[Model], path: str = "") -> dict[str, type[Levels]]:
    """The form of every row by its path below `model`, that of targets or a part of them."""
    if issubclass(model, Levels):
        return {path: model}
    rows: dict[str, type[Levels]] = {}
    for key, field in model.by_key().items():
        rows |= rows_of(kind(field), f"{path}.{key}".lstrip("."))
    return rows


def with_rows(rows: Mapping[str, type[Levels]]) -> type[Targets]:
    """The targets and `rows`, TABLE.ROW each, that alerts add to them; a table may be new."""
    tables: dict[str, dict[str, Any]] = {}
    for path, form in rows.items():
        table, _, row = path.rpartition(".")
        tables.setdefault(table, {})[row] = (form, ...)
    fields: dict[str, Any] = {}
    for table, own in tables.items():
        known = Targets.model_fields.get(table)
        fields[table] = (create_model(table, __base__=kind(known) if known else Model, **own), ...)
    return create_model("Targets", __base__=Targets, **fields)
