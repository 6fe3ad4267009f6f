"""The workers as they are now: found, numbered by slot, each with its open files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from exporters.errors import ReportError
from exporters.proc.parse import Identity, ProcError
from exporters.proc.reader import WorkerReader
from exporters.proc.root import ProcRoot
from exporters.workers.discovery import Discovery, Found, State
from exporters.workers.slots import Slots


@dataclass(frozen=True, slots=True)
class Worker:
    """A live worker; `inner_pid` is its pid in its own pid namespace."""

    slot: int
    identity: Identity
    inner_pid: int
    reader: WorkerReader


def _ignore(_found: Found) -> None:
    pass


class WorkerRegistry:
    """Keeps slots and readers from one refresh to the next."""

    def __init__(
        self,
        proc: ProcRoot,
        discovery: Discovery,
        report: ReportError,
        on_change: Callable[[Found], None] = _ignore,
    ) -> None:
        """`on_change` is called whenever the state of the discovery changes."""
        self._proc = proc
        self._discovery = discovery
        self._report = report
        self._on_change = on_change
        self._slots = Slots()
        self._workers: dict[Identity, Worker] = {}
        self._last_state: State | None = None

    @property
    def state(self) -> State:
        """Outcome of the last refresh."""
        return self._last_state or State.NO_LISTENER

    @property
    def network_pid(self) -> int | None:
        """A process in the workers' network namespace, if that is not the sidecar's."""
        return self._discovery.network_pid

    @property
    def starts(self) -> Sequence[int]:
        """Worker processes found in each slot since the sidecar started."""
        return self._slots.starts

    def __iter__(self) -> Iterator[Worker]:
        return iter(sorted(self._workers.values(), key=lambda worker: worker.slot))

    def refresh(self) -> None:
        """Search again; open the files of new workers and close those of dead ones."""
        found = self._discovery.find()
        if found.state is not self._last_state:
            self._last_state = found.state
            self._on_change(found)
        slots = self._slots.update(found.workers)
        for identity in self._workers.keys() - slots.keys():
            self._workers.pop(identity).reader.close()
        for identity in slots.keys() - self._workers.keys():
            self._open(identity, slots[identity])

    def remove(self, worker: Worker) -> None:
        """Drop a worker that turned out to be dead."""
        worker.reader.close()
        del self._workers[worker.identity]

    def close(self) -> None:
        for worker in self._workers.values():
            worker.reader.close()
        self._workers.clear()

    def _open(self, identity: Identity, slot: int) -> None:
        try:
            reader = WorkerReader(self._proc, identity)
            pids = self._proc.namespace_pids(identity.pid)
        except ProcError as error:
            self._report(error.reason, str(error))
            return
        inner_pid = pids[-1] if pids else identity.pid
        self._workers[identity] = Worker(slot, identity, inner_pid, reader)
