"""An instance of the Auditor and its sidecar, as courses of a few quantities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from generator.scenarios.timeseries import ALWAYS, SCRAPED, Line, ScrapeState, Steps

MIB: Final = 2.0**20
# Descriptors that a worker may have open.
MAX_FDS: Final = 1024.0


@dataclass(frozen=True)
class Spread:
    """How values spread: (share of the observations, value that many are at or under), rising."""

    points: tuple[tuple[float, float], ...]

    def share(self, bound: float) -> float:
        """The share at or under `bound`; between two points the observations lie evenly."""
        low_share, low = 0.0, 0.0
        for share, value in self.points:
            if bound < value:
                return round(low_share + (share - low_share) * (bound - low) / (value - low), 6)
            low_share, low = share, max(low, value)
        return 1.0

    def times(self, factor: float, above: float = 0.0) -> Spread:
        """Values `factor` times as large, but for the first `above` share of the observations."""
        return Spread(
            tuple((share, value * (factor if share > above else 1)) for share, value in self.points)
        )


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One slot: its process's memory, threads, descriptors, connections, processor time, start."""

    memory: Line
    threads: Line
    fds: Line
    database: Line
    cpu: Steps[float]
    born: Steps[float]
    alive: Steps[bool] = ALWAYS


@dataclass(frozen=True, kw_only=True)
class World:
    """What happens to one instance.

    `errors` is the share of the requests that fail, `weak` that of the answers with a low score,
    `troubles` what the sidecar cannot read, a second. `restarts` are moments at which the app's
    counters begin anew, `resumes` those at which the sidecar's own do. `seen` says whether the
    sidecar finds the workers, `counted` whether the app's metrics are there; `api` and `sidecar`
    are the scrapes of the two jobs.
    """

    instance: str
    requests: Steps[float]
    errors: Steps[float]
    latency: Steps[Spread]
    weak: Steps[float]
    workers: tuple[Worker, ...]
    memory_limit: float
    waiting: Line
    queued: Line
    clients: Line
    answers: Steps[bool]
    probe: Steps[Spread]
    read_errors: Steps[float]
    restarts: tuple[float, ...] = ()
    resumes: tuple[float, ...] = ()
    seen: Steps[bool] = ALWAYS
    counted: Steps[bool] = ALWAYS
    api: Steps[ScrapeState] = SCRAPED
    sidecar: Steps[ScrapeState] = SCRAPED

    def worker(self, index: int, worker: Worker) -> World:
        """This world with another course of one worker."""
        workers = (*self.workers[:index], worker, *self.workers[index + 1 :])
        return replace(self, workers=workers)

    def scrapes(self, start: float, end: float, sight: ScrapeState) -> World:
        """Both jobs' scrapes for a while."""
        return replace(
            self,
            api=self.api.between(start, end, sight),
            sidecar=self.sidecar.between(start, end, sight),
        )

    def starts(self, moment: float) -> int:
        """Worker processes that the sidecar has seen starting; it finds all when it resumes."""
        since = max((each for each in self.resumes if each <= moment), default=0.0)
        born = (each for worker in self.workers for each in worker.born.alert_tests)
        return len(self.workers) + sum(since < each <= moment for each in born)
