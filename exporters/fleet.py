"""The workers as they are now: found, numbered by slot, each with its open files."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from exporters.exposition import label_set
from exporters.proc.parse import Identity, ProcError
from exporters.proc.reader import WorkerReader
from exporters.proc.root import ProcRoot
from exporters.reasons import Report
from exporters.workers.discovery import Found, State
from exporters.workers.slots import Slots

LOG: Final = logging.getLogger("exporters")


class Finder(Protocol):
    """What `Discovery` offers."""

    network: int | None

    def find(self) -> Found: ...


@dataclass(frozen=True, slots=True)
class Worker:
    """A live worker with its label sets as text; `inner_pid` is the one that it knows itself by."""

    slot: int
    identity: Identity
    inner_pid: int
    reader: WorkerReader
    label: str
    user_label: str
    system_label: str
    info_label: str


class Fleet:
    """Keeps slots and readers from one look at the machine to the next."""

    def __init__(self, proc: ProcRoot, finder: Finder, report: Report) -> None:
        self._proc = proc
        self._finder = finder
        self._report = report
        self._slots = Slots()
        self._workers: dict[Identity, Worker] = {}
        self._said: State | None = None
        self.state = State.NO_LISTENER

    @property
    def network(self) -> int | None:
        """A process in the workers' network namespace, if that is not the sidecar's."""
        return self._finder.network

    @property
    def starts(self) -> int:
        """Worker processes seen starting since the sidecar began."""
        return self._slots.starts

    def __iter__(self) -> Iterator[Worker]:
        return iter(sorted(self._workers.values(), key=lambda worker: worker.slot))

    def look(self) -> None:
        """Find the workers anew; say so in the log when what is found changes in kind."""
        found = self._finder.find()
        self.state = found.state
        if found.state is not self._said:
            self._said = found.state
            LOG.log(
                logging.INFO if found.state is State.FOUND else logging.WARNING, "%s", found.detail
            )
        slots = self._slots.update(found.workers)
        for identity in self._workers.keys() - slots.keys():
            self._workers.pop(identity).reader.close()
        for identity in slots.keys() - self._workers.keys():
            self._open(identity, slots[identity])

    def drop(self, worker: Worker) -> None:
        """Forget a worker that turned out to have ended."""
        worker.reader.close()
        del self._workers[worker.identity]

    def close(self) -> None:
        for worker in self._workers.values():
            worker.reader.close()
        self._workers.clear()

    def _open(self, identity: Identity, slot: int) -> None:
        try:
            reader = WorkerReader(self._proc, identity)
            inner = self._proc.namespace_pids(identity.pid)
        except ProcError as error:
            self._report(error.reason, str(error))
            return
        name, pid = str(slot), str(identity.pid)
        self._workers[identity] = Worker(
            slot=slot,
            identity=identity,
            inner_pid=inner[-1] if inner else identity.pid,
            reader=reader,
            label=label_set({"worker": name}),
            user_label=label_set({"worker": name, "mode": "user"}),
            system_label=label_set({"worker": name, "mode": "system"}),
            info_label=label_set({"worker": name, "pid": pid}),
        )
