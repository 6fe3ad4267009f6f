"""What the sidecar serves: the page of the workers, and that of the app's own metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from exporters import VERSION, contract
from exporters.app import AppMetrics
from exporters.contract import Family
from exporters.errors import Errors
from exporters.exposition import Block, Point, counter, gauge, label_set, render
from exporters.fleet import Fleet, Worker
from exporters.folding import Witness
from exporters.net.connections import DatabaseConnections, api_connections
from exporters.net.sockets import SocketsError, Wanted, read_sockets
from exporters.probe import Probe
from exporters.proc.cgroup import CgroupReader
from exporters.proc.reader import WorkerSample
from exporters.proc.root import ProcRoot
from exporters.reasons import Reason, reason_of
from exporters.settings import Settings
from exporters.workers.discovery import State

BUILD: Final = Block(contract.EXPORTER_BUILD, (("", label_set({"version": VERSION}), 1),))


class UnreadableError(Exception):
    """There is no page that would be right; the text says why."""


class AppPage:
    """`/metrics/app`, and the taking over of dead workers' files after it."""

    def __init__(
        self, proc: ProcRoot, fleet: Fleet, metrics: AppMetrics, errors: Errors, fold: bool
    ) -> None:
        self._errors = errors
        self._fleet = fleet
        self._metrics = metrics
        self._witness = Witness(proc, metrics) if fold else None
        self._folded = 0
        self._seconds = 0.0

    def text(self, openmetrics: bool) -> bytes:
        """Raises UnreadableError."""
        start = time.perf_counter()
        self._fleet.look()
        slots = {worker.inner_pid: worker.slot for worker in self._fleet}
        try:
            page = render(self._metrics.collect(slots), openmetrics)
        except OSError as error:
            text = f"the app's folder cannot be read: {error.strerror or error}"
            self._errors.report(reason_of(error), text)
            raise UnreadableError(text) from error
        self._seconds = time.perf_counter() - start
        return page

    def fold(self) -> None:
        if self._witness and self._witness.proves(worker.identity for worker in self._fleet):
            self._folded += self._metrics.fold(self._witness.is_dead)

    def close(self) -> None:
        self._metrics.close()

    def own(self) -> Iterator[Block]:
        """Of the sidecar itself, for the other page."""
        yield gauge(contract.EXPORTER_APP_FILES, self._metrics.files)
        yield counter(contract.EXPORTER_APP_FOLDED, self._folded)
        yield gauge(contract.EXPORTER_APP_DURATION, self._seconds)


class WorkersPage:
    """`/metrics`; one call at a time."""

    def __init__(
        self,
        proc: ProcRoot,
        settings: Settings,
        fleet: Fleet,
        probe: Probe | None,
        app: AppPage | None,
        errors: Errors,
    ) -> None:
        self._proc = proc
        self._settings = settings
        self._fleet = fleet
        self._database = DatabaseConnections(proc, settings.db_ports)
        self._cgroup = CgroupReader(proc)
        self._probe = probe
        self._app = app
        self._errors = errors

    def text(self, openmetrics: bool, pss: bool) -> bytes:
        return render(self._blocks(pss, time.perf_counter()), openmetrics)

    def _blocks(self, pss: bool, start: float) -> Iterator[Block]:
        """One after the other, so that the values of a thousand workers need little memory."""
        self._fleet.look()
        yield from self._workers(list(self._samples()))
        if pss:
            yield from self._shared_memory()
        yield from self._service()
        yield from self._sockets()
        if self._probe:
            yield from self._probe.blocks()
        if self._app:
            yield from self._app.own()
        yield BUILD
        yield self._discovery()
        yield self._errors.block()
        yield gauge(contract.EXPORTER_DURATION, time.perf_counter() - start)

    def _samples(self) -> Iterator[tuple[Worker, WorkerSample]]:
        """Those who have ended while they were read are left out."""
        for worker in list(self._fleet):
            sample = worker.reader.read(self._errors.report)
            if sample is None:
                self._fleet.drop(worker)
            else:
                yield worker, sample

    def _workers(self, samples: Sequence[tuple[Worker, WorkerSample]]) -> Iterator[Block]:
        for family, figure in _FIGURES:
            values = ((worker.label, figure(sample)) for worker, sample in samples)
            yield Block(
                family, [("", label, value) for label, value in values if value is not None]
            )
        cpu: list[Point] = []
        for worker, sample in samples:
            if sample.user_seconds is not None and sample.system_seconds is not None:
                cpu.append(("_total", worker.user_label, sample.user_seconds))
                cpu.append(("_total", worker.system_label, sample.system_seconds))
        yield Block(contract.CPU_SECONDS, cpu)
        workers = [worker for worker, _ in samples]
        yield Block(
            contract.START_TIME, [("", each.label, each.reader.start_time) for each in workers]
        )
        yield Block(contract.WORKER_INFO, [("", each.info_label, 1) for each in workers])

    def _shared_memory(self) -> Iterator[Block]:
        found = [
            (worker.label, worker.reader.shared_memory(self._errors.report))
            for worker in self._fleet
        ]
        for place, family in enumerate((contract.PROPORTIONAL_MEMORY, contract.UNIQUE_MEMORY)):
            yield Block(family, [("", label, both[place]) for label, both in found if both])

    def _service(self) -> Iterator[Block]:
        workers = list(self._fleet)
        yield gauge(contract.WORKERS, len(workers))
        yield counter(contract.WORKER_STARTS, self._fleet.starts)
        if workers:
            memory = self._cgroup.read(workers[0].identity, self._errors.report)
            if memory.limit is not None:
                yield gauge(contract.MEMORY_LIMIT, memory.limit)
            if memory.usage is not None:
                yield gauge(contract.MEMORY_USAGE, memory.usage)

    def _sockets(self) -> Iterator[Block]:
        settings = self._settings
        wanted = Wanted(settings.port, connected_to=settings.db_ports)
        try:
            sockets = read_sockets(self._proc, self._fleet.network, wanted)
        except SocketsError as error:
            self._errors.report(Reason.SOCKETS, str(error))
            return
        own = () if self._probe is None else self._probe.local_ports
        api = api_connections(sockets, settings.port, own)
        yield gauge(contract.API_CONNECTIONS, api.established)
        yield gauge(contract.API_CLIENTS, api.clients)
        yield gauge(contract.CONNECTIONS_WAITING, api.waiting)
        yield gauge(contract.ACCEPT_QUEUE, api.queue)
        if settings.db_ports:
            workers = {worker.identity: worker.label for worker in self._fleet}
            counts = self._database.count(sockets, workers, self._errors.report)
            points = [
                ("", label, counts[each]) for each, label in workers.items() if each in counts
            ]
            yield Block(contract.DB_CONNECTIONS, points)

    def _discovery(self) -> Block:
        return Block(
            contract.EXPORTER_DISCOVERY,
            [("", label_set({"state": state}), int(state is self._fleet.state)) for state in State],
        )


_FIGURES: Final[tuple[tuple[Family, Callable[[WorkerSample], float | None]], ...]] = (
    (contract.RESIDENT_MEMORY, lambda sample: sample.resident_bytes),
    (contract.VIRTUAL_MEMORY, lambda sample: sample.virtual_bytes),
    (contract.THREADS, lambda sample: sample.threads),
    (contract.OPEN_FDS, lambda sample: sample.open_fds),
    (contract.MAX_FDS, lambda sample: sample.max_fds),
)
