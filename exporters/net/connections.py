"""Connections to the API, and from the workers to the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from exporters.errors import ReportError
from exporters.net.sockets import Socket
from exporters.proc.parse import Gone, Identity, ProcError
from exporters.proc.root import ProcRoot


@dataclass(frozen=True, slots=True)
class ApiConnections:
    """Counts at one moment.

    The kernel establishes a connection before a worker accepts it. What has been sent over it until
    then counts in `queue` only: `waiting` and `queue` together are the waiting requests.
    """

    established: int
    clients: int
    waiting: int
    queue: int


def api_connections(
    sockets: Iterable[Socket], port: int, own_ports: Collection[int]
) -> ApiConnections:
    """Leaves out the sidecar's own connections, which come from `own_ports`."""
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
    """Which worker holds which connection; each is looked up once and forgotten when it is gone."""

    def __init__(self, proc: ProcRoot, ports: Collection[int]) -> None:
        self._proc = proc
        self._ports = frozenset(ports)
        self._owners: dict[int, Identity | None] = {}
        self._readable: set[Identity] = set()

    def count(
        self, sockets: Iterable[Socket], workers: Collection[Identity], report: ReportError
    ) -> dict[Identity, int]:
        """Connections by worker, without workers whose file descriptors cannot be read."""
        alive = set(workers)
        self._readable &= alive
        new = alive - self._readable
        inodes = {
            each.inode
            for each in sockets
            if not each.listening and each.inode and each.remote_port in self._ports
        }
        # A new worker may have inherited a connection that had no owner so far.
        self._owners = {
            inode: owner
            for inode, owner in self._owners.items()
            if inode in inodes and (owner in alive or (owner is None and not new))
        }
        unknown = inodes - self._owners.keys()
        self._look_up(unknown, alive if unknown else new, report)
        found = Counter(self._owners.values())
        return {worker: found[worker] for worker in self._readable}

    def _look_up(self, unknown: set[int], workers: set[Identity], report: ReportError) -> None:
        self._owners.update(dict.fromkeys(unknown))
        for worker in workers:
            try:
                held = self._proc.socket_inodes(worker.pid).open
            except Gone:
                continue
            except ProcError as error:
                self._readable.discard(worker)
                report(error.reason, str(error))
                continue
            self._readable.add(worker)
            self._owners.update(dict.fromkeys(held & unknown, worker))
