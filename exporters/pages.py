"""The two pages: the worker processes, and the app's own metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from exporters import VERSION, contract
from exporters.app import AppMetrics
from exporters.app.liveness import Liveness
from exporters.errors import ErrorCounter, ErrorReason, reason_of
from exporters.exposition import Block, block, render, single
from exporters.net.connections import DatabaseConnections, api_connections
from exporters.net.sockets import SocketFilter, SocketsError, read_sockets
from exporters.probe import Probe
from exporters.proc.cgroup import CgroupReader
from exporters.proc.reader import WorkerSample
from exporters.proc.root import ProcRoot
from exporters.settings import Settings
from exporters.workers.discovery import State
from exporters.workers.registry import WorkerRegistry


class UnreadableError(Exception):
    """Any page would be wrong; the text says why."""


class AppPage:
    """`/metrics/app`, and the merging of dead workers' files."""

    def __init__(
        self,
        proc: ProcRoot,
        registry: WorkerRegistry,
        metrics: AppMetrics,
        errors: ErrorCounter,
        merge: bool,
    ) -> None:
        self._errors = errors
        self._registry = registry
        self._metrics = metrics
        self._liveness = Liveness(proc, metrics) if merge else None
        self._merged = 0
        self._seconds = 0.0

    def text(self, openmetrics: bool) -> bytes:
        """Raises UnreadableError."""
        start = time.perf_counter()
        self._registry.refresh()
        slots = {worker.inner_pid: worker.slot for worker in self._registry}
        try:
            page = render(self._metrics.collect(slots), openmetrics)
        except OSError as error:
            text = f"cannot read the app's folder: {error.strerror or error}"
            self._errors.report(reason_of(error), text)
            raise UnreadableError(text) from error
        self._seconds = time.perf_counter() - start
        return page

    def merge(self) -> None:
        """Merge files of dead workers, if it is certain who is dead."""
        workers = (worker.identity for worker in self._registry)
        if self._liveness and self._liveness.pids_match(workers):
            self._merged += self._metrics.merge(self._liveness.is_dead)

    def close(self) -> None:
        self._metrics.close()

    def sidecar_blocks(self) -> Iterator[Block]:
        """Metrics of the sidecar itself, for the other page."""
        yield single(contract.EXPORTER_APP_FILES, self._metrics.files)
        yield single(contract.EXPORTER_APP_FOLDED, self._merged)
        yield single(contract.EXPORTER_APP_DURATION, self._seconds)


class WorkersPage:
    """`/metrics`; allows one call at a time."""

    def __init__(
        self,
        proc: ProcRoot,
        settings: Settings,
        registry: WorkerRegistry,
        probe: Probe | None,
        app: AppPage | None,
        errors: ErrorCounter,
    ) -> None:
        self._proc = proc
        self._settings = settings
        self._registry = registry
        self._database = DatabaseConnections(proc, settings.db_ports)
        self._cgroup = CgroupReader(proc)
        self._probe = probe
        self._app = app
        self._errors = errors

    def text(self, openmetrics: bool, pss: bool) -> bytes:
        return render(self._blocks(pss, time.perf_counter()), openmetrics)

    def _blocks(self, pss: bool, start: float) -> Iterator[Block]:
        """One after the other, so that the values of a thousand workers need little memory."""
        self._registry.refresh()
        samples = list(self._samples(pss))
        for metric in contract.WORKER_METRICS:
            yield _worker_block(metric, samples)
        yield from self._service()
        yield from self._sockets()
        if self._probe:
            yield from self._probe.blocks()
        if self._app:
            yield from self._app.sidecar_blocks()
        yield block(contract.EXPORTER_BUILD, [((VERSION,), 1)])
        state = self._registry.state
        yield block(contract.EXPORTER_DISCOVERY, (((each,), int(each is state)) for each in State))
        yield self._errors.block()
        yield single(contract.EXPORTER_DURATION, time.perf_counter() - start)

    def _samples(self, pss: bool) -> Iterator[tuple[str, WorkerSample]]:
        """Slots and samples of the workers, without those that died while being read."""
        for worker in list(self._registry):
            sample = worker.reader.read(self._errors.report, pss)
            if sample is None:
                self._registry.remove(worker)
            else:
                yield str(worker.slot), sample

    def _service(self) -> Iterator[Block]:
        workers = list(self._registry)
        yield single(contract.WORKERS, len(workers))
        starts = enumerate(self._registry.starts)
        yield block(contract.WORKER_STARTS, (((str(slot),), count) for slot, count in starts))
        if workers:
            memory = self._cgroup.read(workers[0].identity, self._errors.report)
            if memory.limit is not None:
                yield single(contract.MEMORY_LIMIT, memory.limit)
            if memory.usage is not None:
                yield single(contract.MEMORY_USAGE, memory.usage)

    def _sockets(self) -> Iterator[Block]:
        settings = self._settings
        wanted = SocketFilter(settings.port, connected_to=settings.db_ports)
        try:
            sockets = read_sockets(self._proc, self._registry.network_pid, wanted)
        except SocketsError as error:
            self._errors.report(ErrorReason.SOCKETS, str(error))
            return
        own_ports = self._probe.local_ports if self._probe else ()
        api = api_connections(sockets, settings.port, own_ports)
        yield single(contract.API_CONNECTIONS, api.established)
        yield single(contract.API_CLIENTS, api.clients)
        yield single(contract.CONNECTIONS_WAITING, api.waiting)
        yield single(contract.ACCEPT_QUEUE, api.queue)
        if settings.db_ports:
            slots = {worker.identity: worker.slot for worker in self._registry}
            counts = self._database.count(sockets, slots, self._errors.report)
            yield block(
                contract.DB_CONNECTIONS,
                (
                    ((str(slot),), counts[worker])
                    for worker, slot in slots.items()
                    if worker in counts
                ),
            )


def _worker_block(
    metric: contract.AnyWorkerMetric, samples: Sequence[tuple[str, WorkerSample]]
) -> Block:
    return block(
        metric,
        (
            ((slot, *labels), value)
            for slot, sample in samples
            for labels, value in metric.values(sample)
            if value is not None
        ),
    )
