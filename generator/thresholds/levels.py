"""The rows of the targets: what is good, acceptable, poor and critical, and in which unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, ClassVar, Final, Literal

from generator.thresholds.forms import POSITIVE


class Unit(Enum):
    """What a number of the file measures, and so which spellings it takes."""

    DURATION = "duration"  # seconds: 500ms, 5m, 3h, 30d
    BYTES = "bytes"  # bytes: 500MiB, 1.5GiB
    GROWTH = "growth"  # bytes per second: 10MiB/h, 5MiB/min
    RATIO = "ratio"  # 0 to 1: 0.1%, 99.5%
    RATE = "rate"  # per second: 10/s, 3/min
    COUNT = "count"  # a whole number of things
    SCORE = "score"  # 0 to 1, written as a plain number
    PACE = "pace"  # how fast a number grows, per second: 20/h
    FACTOR = "factor"  # a plain number


Seconds = Annotated[float, Unit.DURATION]
Bytes = Annotated[float, Unit.BYTES]
BytesPerSecond = Annotated[float, Unit.GROWTH]
Ratio = Annotated[float, Unit.RATIO]
PerSecond = Annotated[float, Unit.RATE]
Pace = Annotated[float, Unit.PACE]
Count = Annotated[int, Unit.COUNT]
Score = Annotated[float, Unit.SCORE]
Why = Annotated[str, "The reason or the source of the numbers beside it."]

Level = Literal["acceptable", "poor", "critical"]

# A level begins where the one before it ends.
EDGE_BEFORE: Final[Mapping[str, str]] = {
    "acceptable": "target",
    "poor": "acceptable",
    "critical": "poor",
}


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
class PaceLevels(Levels):
    unit: ClassVar = Unit.PACE
    target: Pace
    acceptable: Pace


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
    fd_growth: PaceLevels
    thread_growth: PaceLevels
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
