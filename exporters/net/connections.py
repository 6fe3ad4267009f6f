"""Connections to the API and from the workers to the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from exporters.net.sockets import Socket
from exporters.proc.parse import Gone, Identity, ProcError
from exporters.proc.root import ProcRoot
from exporters.reasons import Report


@dataclass(frozen=True, slots=True)
class ApiConnections:
    """Counts at one moment.

    A connection that nobody has accepted is established as well, but what it has sent counts in
    the queue alone: `waiting` and `queue` together are the requests that wait.
    """

    established: int
    clients: int
    waiting: int
    queue: int


def api_connections(
    sockets: Iterable[Socket], port: int, own_ports: Collection[int]
) -> ApiConnections:
    """`own_ports` are those the sidecar itself connects from; they are left out."""
    established = waiting = queue = 0
    clients: set[bytes] = set()
    for each in sockets:
        if each.local_port != port:
            continue
        if each.listening:
            queue += each.queue
        elif each.remote_port not in own_ports:
            established += 1
            clients.add(each.remote)
            waiting += each.inode != 0 and each.queue > 0
    return ApiConnections(established, len(clients), waiting, queue)


class DatabaseConnections:
    """Which worker has which connection; each is looked up once, and forgotten when it is gone."""

    def __init__(self, proc: ProcRoot, ports: Collection[int]) -> None:
        self._proc = proc
        self._ports = frozenset(ports)
        self._owners: dict[int, Identity | None] = {}
        self._readable: set[Identity] = set()

    def count(
        self, sockets: Iterable[Socket], workers: Collection[Identity], report: Report
    ) -> dict[Identity, int]:
        """Connections of each worker; a worker whose descriptors cannot be read is left out."""
        alive = set(workers)
        self._readable &= alive
        fresh = alive - self._readable
        inodes = {
            each.inode
            for each in sockets
            if not each.listening and each.inode and each.remote_port in self._ports
        }
        # What was nobody's may be inherited by a worker that is new.
        self._owners = {
            inode: owner
            for inode, owner in self._owners.items()
            if inode in inodes and (owner in alive or (owner is None and not fresh))
        }
        unknown = inodes - self._owners.keys()
        self._look_up(unknown, alive if unknown else fresh, report)
        found = Counter(self._owners.values())
        return {worker: found[worker] for worker in self._readable}

    def _look_up(self, unknown: set[int], workers: set[Identity], report: Report) -> None:
        self._owners.update(dict.fromkeys(unknown))
        for worker in workers:
            try:
                held = self._proc.links(worker.pid).sockets
            except Gone:
                continue
            except ProcError as error:
                self._readable.discard(worker)
                report(error.reason, str(error))
                continue
            self._readable.add(worker)
            self._owners.update(dict.fromkeys(held & unknown, worker))
