"""A simulated instance: the Auditor with its workers, and the sidecar beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from generator.scenarios.timeseries import ALWAYS, SCRAPED, ScrapeState, Span, TimeSeries, steady

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

    def quantile(self, share: float) -> float:
        """The value of a point."""
        return dict(self.points)[share]

    def times(self, factor: float, above: float = 0.0) -> Distribution:
        """Values `factor` times as large, but for the lowest `above` share of the observations."""
        return Distribution(
            tuple((share, value * (factor if share > above else 1)) for share, value in self.points)
        )

    def plus(self, more: float) -> Distribution:
        """Every value larger by this much."""
        return Distribution(tuple((share, value + more) for share, value in self.points))

    def with_quantile(self, share: float, value: float, above: float = 0.0) -> Distribution:
        """Times as large that the point of `share` has this value."""
        return self.times(value / self.quantile(share), above)


@dataclass(frozen=True)
class _Simulated:
    def during(self, span: Span, **values: Any) -> Self:
        """The same with other values for a while."""
        changed = {name: getattr(self, name).during(span, each) for name, each in values.items()}
        return replace(self, **changed)


@dataclass(frozen=True, kw_only=True)
class Worker(_Simulated):
    """The processes of one slot, one after the other; `started` is when the present one did."""

    memory: TimeSeries[float]
    threads: TimeSeries[float]
    fds: TimeSeries[float]
    db_connections: TimeSeries[float]
    cpu: TimeSeries[float]
    started: TimeSeries[float]
    alive: TimeSeries[bool] = ALWAYS

    @property
    def was_alive(self) -> TimeSeries[bool]:
        """Whether the slot has had a worker so far."""
        first = next(moment for moment, alive, _ in self.alive.points if alive)
        return steady(False).then(first, True)


@dataclass(frozen=True, kw_only=True)
class Instance(_Simulated):
    """What happens to one instance; `address` is its label.

    `requests` come a second, of which a share of `errors` fails; of the answers a share of
    `low_confidence` has a low score. `read_errors` are those of the sidecar a second. The app's
    counters restart at `app_resets`, the sidecar's at `sidecar_restarts`. `workers_visible`: the
    sidecar finds the workers; `app_metrics`: the app exposes its metrics. `scrapes` are those of
    both jobs of the sidecar, `app_scrapes` those of the app's job alone; `probes` are those of
    blackbox_exporter, which gets a response if the instance is `reachable`.
    """

    address: str
    requests: TimeSeries[float]
    errors: TimeSeries[float]
    latency: TimeSeries[Distribution]
    low_confidence: TimeSeries[float]
    workers: tuple[Worker, ...]
    memory_limit: float
    waiting: TimeSeries[float]
    accept_queue: TimeSeries[float]
    clients: TimeSeries[float]
    probe_succeeds: TimeSeries[bool]
    probe_latency: TimeSeries[Distribution]
    read_errors: TimeSeries[float]
    app_resets: tuple[float, ...] = ()
    sidecar_restarts: tuple[float, ...] = ()
    workers_visible: TimeSeries[bool] = ALWAYS
    app_metrics: TimeSeries[bool] = ALWAYS
    scrapes: TimeSeries[ScrapeState] = SCRAPED
    app_scrapes: TimeSeries[ScrapeState] = SCRAPED
    probes: TimeSeries[ScrapeState] = SCRAPED
    reachable: TimeSeries[bool] = ALWAYS

    def killed(self, span: Span) -> Instance:
        """This instance with nothing left of it for a while: neither service nor sidecar."""
        return self.during(span, scrapes="failed", reachable=False)

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
        self, span: Span, slots: Collection[int] | None = None, **values: Any
    ) -> Instance:
        """This instance with other values of its workers for a while."""
        return self.change_workers(lambda worker: worker.during(span, **values), slots)

    def starts(self, worker: Worker) -> TimeSeries[float]:
        """Starts that the sidecar has seen; when it starts itself it finds the worker anew."""
        starts = worker.started.moments

        def seen(moment: float) -> float:
            since = max((each for each in self.sidecar_restarts if each <= moment), default=0.0)
            return 1 + sum(since < each <= moment for each in starts)

        moments = sorted({*starts, *self.sidecar_restarts})
        return TimeSeries(tuple((moment, seen(moment), 0.0) for moment in moments))

    @property
    def failed_before(self) -> TimeSeries[bool]:
        """Whether any request has failed so far."""
        failed = [moment for moment, share, _ in self.errors.points if share > 0]
        return steady(False).then(failed[0], True) if failed else steady(False)
