"""What is seen of the Auditor's workers while a run lasts, and its grades."""

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
from exporters.fleet import Fleet
from exporters.proc.root import ProcRoot
from exporters.reasons import Reason
from exporters.workers.discovery import Discovery, State, Target
from generator.alerts.leak_recordings import LeakAlert
from generator.http import unreachable
from generator.thresholds import Thresholds
from generator.thresholds.levels import GrowthLevels
from tests.performance.grading import Grade, worst
from tests.performance.growth import Growth, growth

LOG: Final = logging.getLogger("workers")
TIMEOUT: Final = 5.0
# A worker that is older may have loaded its models, which the row of the initial memory leaves out.
FRESH_SECONDS: Final = 10.0
PAGE: Final = "/metrics"
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
# Of a tool that runs beside the Auditor, where the sidecar may be, too.
REMEDIES: Final = {
    State.NO_LISTENER: "start the Auditor, or name its port",
    State.HIDDEN: "run this as the Auditor's user, or name its sidecar with --sidecar",
    State.DENIED: "name its sidecar with --sidecar",
}


class WorkersError(Exception):
    """The workers cannot be seen; the text says why, and what would help."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One worker at one moment: bytes, counts and seconds; None is what could not be read.

    `at` and `started` are Unix time; `started` tells a worker from the one before in its slot.
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


class Source(Protocol):
    def read(self) -> list[Reading]:
        """All workers as they are now; raises WorkersError."""
        ...


class LocalWorkers:
    """The workers of this machine, found and read as the sidecar does it."""

    def __init__(self, port: int, pid: int | None = None) -> None:
        proc = ProcRoot(Path("/proc"))
        self._fleet = Fleet(proc, Discovery(proc, Target(port, pid)), _report)

    def read(self) -> list[Reading]:
        self._fleet.look()
        now = time.time()
        found = []
        for worker in self._fleet:
            sample = worker.reader.read(_report)
            if sample is not None:
                used = sample.user_seconds, sample.system_seconds
                found.append(
                    Reading(
                        at=now,
                        worker=str(worker.slot),
                        started=worker.reader.start_time,
                        resident=sample.resident_bytes,
                        virtual=sample.virtual_bytes,
                        threads=sample.threads,
                        fds=sample.open_fds,
                        max_fds=sample.max_fds,
                        cpu=None if used[0] is None or used[1] is None else used[0] + used[1],
                    )
                )
        if not found:
            state = self._fleet.state
            meaning = "they have just ended" if state is State.FOUND else state.meaning
            remedy = f": {remedy}" if (remedy := REMEDIES.get(state)) else ""
            raise WorkersError(f"no worker is found: {meaning}{remedy}")
        return found


def _report(reason: Reason, text: str) -> None:
    LOG.debug("%s: %s", reason, text)


class SidecarPage:
    """The workers as a running sidecar shows them, of this machine or another."""

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
        """`url` is the sidecar's address, with or without the path of its page."""
        self._url = url if urlsplit(url).path.strip("/") else url.rstrip("/") + PAGE

    def read(self) -> list[Reading]:
        try:
            answer = requests.get(self._url, timeout=TIMEOUT)
            answer.raise_for_status()
            return self._parsed(answer.text, time.time())
        except requests.HTTPError as error:
            raise WorkersError(f"{self._url} is no page of a sidecar: {error}") from error
        except requests.RequestException as error:
            said = unreachable(error, (TIMEOUT, TIMEOUT))
            raise WorkersError(f"{self._url} is no page of a sidecar: {said}") from error
        except ValueError as error:
            raise WorkersError(f"{self._url} cannot be read: {error}") from error

    def _parsed(self, page: str, now: float) -> list[Reading]:
        found: dict[str, dict[str, float]] = {}
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                name, worker = self.FIELDS.get(sample.name), sample.labels.get("worker")
                if name and worker:
                    values = found.setdefault(worker, {})
                    values[name] = values.get(name, 0.0) + sample.value
        seen = {worker: values for worker, values in found.items() if "started" in values}
        if not seen:
            raise WorkersError(f"{self._url} shows no worker")
        return [Reading(at=now, worker=worker, **values) for worker, values in seen.items()]


def hush() -> None:
    """Silence the sidecar's log in this process: what it cannot find is a WorkersError here."""
    logging.getLogger("exporters").setLevel(logging.CRITICAL)


def source(host: str, sidecar: str = "") -> Source | None:
    """The sidecar if one is named, else the processes if the host is this machine, else nothing."""
    if sidecar:
        return SidecarPage(sidecar)
    parts = urlsplit(host)
    if parts.hostname not in LOOPBACK:
        return None
    return LocalWorkers(parts.port or (443 if parts.scheme == "https" else 80))


def lives(readings: Iterable[Reading]) -> dict[tuple[str, float], list[Reading]]:
    """The readings of each process, by slot and start."""
    found: dict[tuple[str, float], list[Reading]] = {}
    for each in readings:
        found.setdefault((each.worker, each.started), []).append(each)
    return dict(sorted(found.items()))


def series(readings: Iterable[Reading], name: str) -> tuple[list[float], list[float]]:
    """Times and values of one quantity, without what could not be read."""
    pairs = [(each.at, getattr(each, name)) for each in readings]
    known = [(at, value) for at, value in pairs if value is not None]
    return [at for at, _ in known], [value for _, value in known]


def growth_of(readings: Sequence[Reading], name: str, warm_up: float = 0) -> Growth | None:
    return growth(*series(readings, name), warm_up)


def grades(
    thresholds: Thresholds,
    readings: Sequence[Reading],
    users: int | None = None,
    warm_up: float = 0,
) -> list[Grade]:
    """By row the grade of the worker that is worst; the processor's by the row of so many users.

    Of no users known, as beside a service that others use, the processor is not graded.
    """
    found = [
        grade
        for (worker, _), life in lives(readings).items()
        for grade in _grades(thresholds, life, f"worker {worker}", warm_up)
    ]
    if users is not None:
        found += _cpu(thresholds, readings, users)
    return worst((*found, *_database(thresholds, readings)))


def _grades(
    thresholds: Thresholds, life: Sequence[Reading], of: str, warm_up: float
) -> Iterator[Grade]:
    memory = thresholds.targets.memory
    _, resident = series(life, "resident")
    if resident:
        if life[0].at - life[0].started <= FRESH_SECONDS:
            yield Grade("memory.initial", resident[0], memory.initial, of)
        found = growth_of(life, "resident", warm_up)
        yield growth_grade("memory.growth", memory.growth, found, of)
        seconds = life[-1].at - life[0].at
        window = thresholds.alert("memory_leak", LeakAlert).window
        if seconds >= window + (found.warm_up if found else 0):
            yield growth_grade("memory.slow_growth", memory.slow_growth, found, of)
        row = "peak_1h" if seconds <= memory.peak_1h.within else "peak_24h"
        yield Grade(f"memory.{row}", max(resident), getattr(memory, row), of)
    used = [each.fds / each.max_fds for each in life if each.fds and each.max_fds]
    if used:
        yield Grade("worker.fds", max(used), thresholds.targets.worker.fds, of)
    _, threads = series(life, "threads")
    if threads:
        yield Grade("worker.threads", max(threads), thresholds.targets.worker.threads, of)


def growth_grade(row: str, levels: GrowthLevels, found: Growth | None, of: str = "") -> Grade:
    """What may as well be no growth is none, unless it may as well be poor: then it is unclear."""
    if found is None:
        return Grade(row, None, levels, of)
    interval = found.low, found.high
    if found.sure:
        return Grade(row, found.slope, levels, of, interval)
    unclear = found.high > levels.acceptable
    return Grade(row, None if unclear else max(0.0, found.slope), levels, of, interval)


def _cpu(thresholds: Thresholds, readings: Sequence[Reading], users: int) -> Iterator[Grade]:
    """Share of one core over the run; the rows know no more users than the last of them."""
    cpu = thresholds.targets.cpu
    bounds = {each: getattr(cpu, each).up_to_users for each in type(cpu).model_fields}
    row = next((name for name, bound in bounds.items() if bound and users <= bound), None)
    if row is None:
        return
    for (worker, _), life in lives(readings).items():
        times, used = series(life, "cpu")
        if len(times) > 1:
            share = (used[-1] - used[0]) / (times[-1] - times[0])
            yield Grade(f"cpu.{row}", share, getattr(cpu, row), f"worker {worker}")


def _database(thresholds: Thresholds, readings: Sequence[Reading]) -> Iterator[Grade]:
    """Most connections of all workers at once, and of one as a share of its pool."""
    database, pool = thresholds.targets.database, thresholds.service.database_pool
    at_once: dict[float, float] = {}
    for each in readings:
        if each.connections is not None:
            at_once[each.at] = at_once.get(each.at, 0.0) + each.connections
            share = each.connections / (pool.size + pool.overflow)
            yield Grade("database.pool_usage", share, database.pool_usage, f"worker {each.worker}")
    if at_once:
        yield Grade("database.connections", max(at_once.values()), database.connections)


def unproven(found: Iterable[Grade], problem: str = "") -> str:
    """Why the run does not tell whether memory grows; "" if it does."""
    growing = [each for each in found if each.row == "memory.growth"]
    if not growing:
        return f"no worker was seen{problem and ': '}{problem}"
    unclear = [each for each in growing if each.value is None]
    return f"{unclear[0].name} is {unclear[0].measured}: run longer" if unclear else ""
