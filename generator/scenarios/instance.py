"""A simulated instance: the Auditor with its workers, and the sidecar beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypedDict, Unpack

from generator.scenarios.timeseries import ALWAYS, SCRAPED, Line, ScrapeState, Span, Steps

MIB: Final = 2.0**20
# File descriptors that a worker may have open.
MAX_FDS: Final = 1024.0


@dataclass(frozen=True)
class Distribution:
    """Rising points (share of the observations, value that these are at or under)."""

    points: tuple[tuple[float, float], ...]

    def share(self, bound: float) -> float:
        """The share at or under `bound`; between two points the observations lie evenly."""
        low_share, low = 0.0, 0.0
        for share, value in self.points:
            if bound < value:
                return round(low_share + (share - low_share) * (bound - low) / (value - low), 6)
            low_share, low = share, max(low, value)
        return 1.0

    def times(self, factor: float, above: float = 0.0) -> Distribution:
        """Values `factor` times as large, but for the lowest `above` share of the observations."""
        return Distribution(
            tuple((share, value * (factor if share > above else 1)) for share, value in self.points)
        )


class WorkerValues(TypedDict, total=False):
    """What may be different for a while in a worker."""

    memory: float
    threads: float
    fds: float
    db_connections: float
    cpu: float


@dataclass(frozen=True, kw_only=True)
class Worker:
    """The processes of one slot, one after the other; `started` is when the present one did."""

    memory: Line
    threads: Line
    fds: Line
    db_connections: Line
    cpu: Steps[float]
    started: Steps[float]
    alive: Steps[bool] = ALWAYS

    def during(self, span: Span, **values: Unpack[WorkerValues]) -> Worker:
        """This worker with other values for a while."""
        return replace(self, **_during(self, span, values))


class InstanceValues(TypedDict, total=False):
    """What may be different for a while in an instance."""

    requests: float
    errors: float
    latency: Distribution
    low_confidence: float
    waiting: float
    accept_queue: float
    clients: float
    probe_succeeds: bool
    probe_latency: Distribution
    read_errors: float
    workers_visible: bool
    app_metrics: bool


@dataclass(frozen=True, kw_only=True)
class Instance:
    """What happens to one instance; `address` is its label.

    `requests` come a second, of which a share of `errors` fails; of the answers a share of
    `low_confidence` has a low score. `read_errors` are those of the sidecar a second. The app's
    counters restart at `app_resets`, the sidecar's at `sidecar_restarts`. `workers_visible`: the
    sidecar finds the workers; `app_metrics`: the app exposes its metrics.
    """

    address: str
    requests: Steps[float]
    errors: Steps[float]
    latency: Steps[Distribution]
    low_confidence: Steps[float]
    workers: tuple[Worker, ...]
    memory_limit: float
    waiting: Line
    accept_queue: Line
    clients: Line
    probe_succeeds: Steps[bool]
    probe_latency: Steps[Distribution]
    read_errors: Steps[float]
    app_resets: tuple[float, ...] = ()
    sidecar_restarts: tuple[float, ...] = ()
    workers_visible: Steps[bool] = ALWAYS
    app_metrics: Steps[bool] = ALWAYS
    api_scrapes: Steps[ScrapeState] = SCRAPED
    sidecar_scrapes: Steps[ScrapeState] = SCRAPED

    def during(self, span: Span, **values: Unpack[InstanceValues]) -> Instance:
        """This instance with other values for a while."""
        return replace(self, **_during(self, span, values))

    def change_workers(
        self, change: Callable[[Worker], Worker], slots: Collection[int] | None = None
    ) -> Instance:
        """This instance with changed workers: those in `slots`, or all of them."""
        return replace(
            self,
            workers=tuple(
                change(worker) if slots is None or slot in slots else worker
                for slot, worker in enumerate(self.workers)
            ),
        )

    def workers_with(self, slots: Collection[int] | None = None, **series: Any) -> Instance:
        """This instance with other series of its workers."""
        return self.change_workers(lambda worker: replace(worker, **series), slots)

    def workers_during(
        self, span: Span, slots: Collection[int] | None = None, **values: Unpack[WorkerValues]
    ) -> Instance:
        """This instance with other values of its workers for a while."""
        return self.change_workers(lambda worker: worker.during(span, **values), slots)

    def scraped(self, span: Span, state: ScrapeState) -> Instance:
        """This instance with other results of both jobs' scrapes for a while."""
        return replace(
            self,
            api_scrapes=self.api_scrapes.during(span, state),
            sidecar_scrapes=self.sidecar_scrapes.during(span, state),
        )

    @property
    def worker_starts(self) -> Steps[float]:
        """Starts that the sidecar has seen; when it starts itself it finds all workers anew."""
        starts = [moment for worker in self.workers for moment in worker.started.moments]

        def seen(moment: float) -> float:
            since = max((each for each in self.sidecar_restarts if each <= moment), default=0.0)
            return len(self.workers) + sum(since < each <= moment for each in starts)

        moments = sorted({*starts, *self.sidecar_restarts})
        return Steps(tuple((moment, seen(moment)) for moment in moments))

    @property
    def failed_before(self) -> Steps[bool]:
        """Whether any request has failed so far."""
        first = next((moment for moment, share in self.errors.points if share > 0), None)
        return Steps(
            tuple((moment, first is not None and moment >= first) for moment in self.errors.moments)
        )


def _during(whole: Worker | Instance, span: Span, values: Mapping[str, object]) -> dict[str, Any]:
    return {name: getattr(whole, name).during(span, value) for name, value in values.items()}
