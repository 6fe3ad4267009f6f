"""Samples of the Auditor's workers during a run, and their grades."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import requests
from prometheus_client.parser import text_string_to_metric_families

from exporters import contract
from exporters.errors import ErrorReason
from exporters.proc.root import ProcRoot
from exporters.workers.discovery import Discovery, State, Target
from exporters.workers.registry import WorkerRegistry
from generator.alerts.leak_recordings import LeakAlert
from generator.http import unreachable
from generator.thresholds import Thresholds
from generator.thresholds.levels import GrowthLevels
from tests.performance.grading import Grade, worst
from tests.performance.growth import Growth, growth

LOG: Final = logging.getLogger("workers")
TIMEOUT: Final = 5.0
# An older worker may have loaded its models, which the row of the initial memory excludes.
FRESH_SECONDS: Final = 10.0
PAGE: Final = "/metrics"
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
HINTS: Final = {
    State.NO_LISTENER: "start the Auditor or set its port",
    State.HIDDEN: "run this as the Auditor's user or give its sidecar with --sidecar",
    State.DENIED: "give its sidecar with --sidecar",
}


class WorkersError(Exception):
    """The workers cannot be read; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class WorkerSample:
    """One worker at one time: bytes, counts and seconds; None if it could not be read.

    `at` and `started` are Unix time; `started` tells apart the processes of one slot.
    """

    at: float
    worker: str
    started: float
    resident: float | None = None
    virtual: float | None = None
    threads: float | None = None
    fds: float | None = None
    max_fds: float | None = None
    cpu: float | None = None
    connections: float | None = None


class WorkerSource(Protocol):
    def read(self) -> list[WorkerSample]:
        """All workers as they are now; raises WorkersError."""
        ...


class LocalWorkers:
    """The workers on this machine, found and read like the sidecar does it."""

    def __init__(self, port: int, pid: int | None = None) -> None:
        proc = ProcRoot(Path("/proc"))
        self._registry = WorkerRegistry(proc, Discovery(proc, Target(port, pid)), _report)

    def read(self) -> list[WorkerSample]:
        self._registry.refresh()
        now = time.time()
        found = []
        for worker in self._registry:
            sample = worker.reader.read(_report)
            if sample is not None:
                used = sample.user_seconds, sample.system_seconds
                found.append(
                    WorkerSample(
                        at=now,
                        worker=str(worker.slot),
                        started=sample.start_time,
                        resident=sample.resident_bytes,
                        virtual=sample.virtual_bytes,
                        threads=sample.threads,
                        fds=sample.open_fds,
                        max_fds=sample.max_fds,
                        cpu=None if used[0] is None or used[1] is None else used[0] + used[1],
                    )
                )
        if not found:
            state = self._registry.state
            meaning = "they have just exited" if state is State.FOUND else state.meaning
            hint = f"; {hint}" if (hint := HINTS.get(state)) else ""
            raise WorkersError(f"no workers found: {meaning}{hint}")
        return found


def _report(reason: ErrorReason, text: str) -> None:
    LOG.debug("%s: %s", reason, text)


class SidecarWorkers:
    """The workers as a running sidecar shows them, on this machine or another."""

    FIELDS: Final = {
        contract.START_TIME.sample: "started",
        contract.RESIDENT_MEMORY.sample: "resident",
        contract.VIRTUAL_MEMORY.sample: "virtual",
        contract.THREADS.sample: "threads",
        contract.OPEN_FDS.sample: "fds",
        contract.MAX_FDS.sample: "max_fds",
        contract.CPU_SECONDS.sample: "cpu",
        contract.DB_CONNECTIONS.sample: "connections",
    }

    def __init__(self, url: str) -> None:
        """`url` is the sidecar's address, with or without the path of its metrics."""
        self._url = url if urlsplit(url).path.strip("/") else url.rstrip("/") + PAGE

    def read(self) -> list[WorkerSample]:
        try:
            response = requests.get(self._url, timeout=TIMEOUT)
            response.raise_for_status()
            return self._parse(response.text, time.time())
        except requests.HTTPError as error:
            raise WorkersError(f"{self._url} is not a sidecar: {error}") from error
        except requests.RequestException as error:
            reason = unreachable(error, (TIMEOUT, TIMEOUT))
            raise WorkersError(f"{self._url} is not a sidecar: {reason}") from error
        except ValueError as error:
            raise WorkersError(f"{self._url} cannot be read: {error}") from error

    def _parse(self, page: str, now: float) -> list[WorkerSample]:
        found: dict[str, dict[str, float]] = {}
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                name, worker = self.FIELDS.get(sample.name), sample.labels.get("worker")
                if name and worker:
                    values = found.setdefault(worker, {})
                    values[name] = values.get(name, 0.0) + sample.value
        seen = {worker: values for worker, values in found.items() if "started" in values}
        if not seen:
            raise WorkersError(f"{self._url} shows no workers")
        return [WorkerSample(at=now, worker=worker, **values) for worker, values in seen.items()]


def worker_source(host: str, sidecar: str = "") -> WorkerSource | None:
    """The sidecar if given, else the processes if the host is this machine, else None."""
    if sidecar:
        return SidecarWorkers(sidecar)
    parts = urlsplit(host)
    if parts.hostname not in LOOPBACK:
        return None
    return LocalWorkers(parts.port or (443 if parts.scheme == "https" else 80))


def by_process(samples: Iterable[WorkerSample]) -> dict[tuple[str, float], list[WorkerSample]]:
    """The samples of each process, by slot and start time."""
    found: dict[tuple[str, float], list[WorkerSample]] = {}
    for each in samples:
        found.setdefault((each.worker, each.started), []).append(each)
    return dict(sorted(found.items()))


def time_series(samples: Iterable[WorkerSample], name: str) -> tuple[list[float], list[float]]:
    """Times and values of one quantity, without those that could not be read."""
    pairs = [(each.at, getattr(each, name)) for each in samples]
    known = [(at, value) for at, value in pairs if value is not None]
    return [at for at, _ in known], [value for _, value in known]


def growth_of(samples: Sequence[WorkerSample], name: str, warm_up: float = 0) -> Growth | None:
    return growth(*time_series(samples, name), warm_up)


def grades(
    thresholds: Thresholds,
    samples: Sequence[WorkerSample],
    users: int | None = None,
    warm_up: float = 0,
) -> list[Grade]:
    """The grade of the worst worker for each row.

    CPU time has rows by users, so it is not graded if their number is unknown.
    """
    found = [
        grade
        for (worker, _), process in by_process(samples).items()
        for grade in _process_grades(thresholds, process, f"worker {worker}", warm_up)
    ]
    if users is not None:
        found += _cpu_grades(thresholds, samples, users)
    return worst((*found, *_database_grades(thresholds, samples)))


def _process_grades(
    thresholds: Thresholds, process: Sequence[WorkerSample], subject: str, warm_up: float
) -> Iterator[Grade]:
    memory = thresholds.targets.memory
    _, resident = time_series(process, "resident")
    if resident:
        if process[0].at - process[0].started <= FRESH_SECONDS:
            yield Grade("memory.initial", resident[0], memory.initial, subject)
        found = growth_of(process, "resident", warm_up)
        yield growth_grade("memory.growth", memory.growth, found, subject)
        seconds = process[-1].at - process[0].at
        window = thresholds.alert("memory_leak", LeakAlert).window
        if seconds >= window + (found.warm_up if found else 0):
            yield growth_grade("memory.slow_growth", memory.slow_growth, found, subject)
        row = "peak_1h" if seconds <= memory.peak_1h.within else "peak_24h"
        yield Grade(f"memory.{row}", max(resident), getattr(memory, row), subject)
    used = [each.fds / each.max_fds for each in process if each.fds and each.max_fds]
    if used:
        yield Grade("worker.fds", max(used), thresholds.targets.worker.fds, subject)
    _, threads = time_series(process, "threads")
    if threads:
        yield Grade("worker.threads", max(threads), thresholds.targets.worker.threads, subject)


def growth_grade(row: str, levels: GrowthLevels, found: Growth | None, subject: str = "") -> Grade:
    """Growth that may be zero counts as such; if it may also be poor, it is unclear."""
    if found is None:
        return Grade(row, None, levels, subject)
    interval = found.low, found.high
    if found.significant:
        return Grade(row, found.slope, levels, subject, interval)
    unclear = found.high > levels.acceptable
    return Grade(row, None if unclear else max(0.0, found.slope), levels, subject, interval)


def _cpu_grades(
    thresholds: Thresholds, samples: Sequence[WorkerSample], users: int
) -> Iterator[Grade]:
    """The share of one core during the run; none for more users than the last row allows."""
    cpu = thresholds.targets.cpu
    limits = {each: getattr(cpu, each).up_to_users for each in type(cpu).model_fields}
    row = next((name for name, limit in limits.items() if limit and users <= limit), None)
    if row is None:
        return
    for (worker, _), process in by_process(samples).items():
        times, used = time_series(process, "cpu")
        if len(times) > 1:
            share = (used[-1] - used[0]) / (times[-1] - times[0])
            yield Grade(f"cpu.{row}", share, getattr(cpu, row), f"worker {worker}")


def _database_grades(thresholds: Thresholds, samples: Sequence[WorkerSample]) -> Iterator[Grade]:
    """Peak connections of all workers, and of each worker as a share of its pool."""
    database, pool = thresholds.targets.database, thresholds.service.database_pool
    totals: dict[float, float] = {}
    for each in samples:
        if each.connections is not None:
            totals[each.at] = totals.get(each.at, 0.0) + each.connections
            share = each.connections / (pool.size + pool.overflow)
            yield Grade("database.pool_usage", share, database.pool_usage, f"worker {each.worker}")
    if totals:
        yield Grade("database.connections", max(totals.values()), database.connections)


def unclear_growth(found: Iterable[Grade], problem: str = "") -> str:
    """Why the run does not show whether memory grows; "" if it does."""
    growing = [each for each in found if each.row == "memory.growth"]
    if not growing:
        return f"no worker was seen{problem and ': '}{problem}"
    unclear = [each for each in growing if each.value is None]
    return f"{unclear[0].name}: {unclear[0].measured}; run longer" if unclear else ""
