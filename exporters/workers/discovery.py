"""Which processes are the Auditor's workers."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from exporters.net.sockets import Socket, SocketFilter, SocketsError, read_sockets
from exporters.proc.parse import Denied, Identity, ProcError, Stat
from exporters.proc.root import ProcRoot, SocketInodes

SEARCH_SECONDS: Final = 10.0
_NONE: Final = SocketInodes(frozenset(), frozenset())


class State(StrEnum):
    """Outcome of the search, a label of a metric; with what it means, and what to check."""

    meaning: str
    advice: str

    def __new__(cls, value: str, meaning: str, advice: str) -> Self:
        state = str.__new__(cls, value)
        state._value_ = value
        state.meaning, state.advice = meaning, advice
        return state

    FOUND = "found", "the workers were found", ""
    STARTING = (
        "starting",
        "a process listens on the port, but has no workers: not yet, or no longer",
        "the Auditor's log",
    )
    NO_LISTENER = (
        "no_listener",
        "nothing listens on the port",
        "whether the Auditor is running; `--port`",
    )
    NO_PROCESS = (
        "no_process",
        "no process has the pid or matches the pattern",
        "`--pid`, `--pid-file`, `--pattern`",
    )
    HIDDEN = (
        "hidden",
        "the process that listens on the port is not visible to the sidecar",
        "the sidecar's user and pid namespace",
    )
    DENIED = (
        "denied",
        "the socket tables cannot be read",
        "the seccomp or AppArmor profile; whether `/proc/net` exists",
    )


@dataclass(frozen=True, slots=True)
class Found:
    """`detail` is for the log: what was searched for, what was found, what would help."""

    workers: tuple[Identity, ...]
    state: State
    detail: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where to search: the listeners on the port, among all processes or those named here."""

    port: int
    pid: int | None = None
    pid_file: Path | None = None
    pattern: re.Pattern[str] | None = None

    @property
    def named(self) -> bool:
        return (self.pid, self.pid_file, self.pattern) != (None, None, None)

    def __str__(self) -> str:
        if self.pattern:
            return f"has a command line matching {self.pattern.pattern!r}"
        return f"has the pid in {self.pid_file}" if self.pid_file else f"has the pid {self.pid}"


class Discovery:
    """Finds the workers among the processes that hold the port's listening socket.

    They form a tree. A process that polls the socket with epoll, as every asyncio server does, is a
    worker. One that does not is the master of those of its children that hold the socket too
    (uvicorn, gunicorn); such a child is a worker that is starting. A master without such children,
    like gunicorn's before it forks, is not a worker. Between fork and exec every child holds the
    socket, even the one that becomes the resource tracker of Python's multiprocessing; so a process
    is checked again until it polls.

    Scanning the file descriptors of all processes is expensive. It is done when a root is gone or
    the listening socket has changed, and every few seconds while nothing is found.
    """

    def __init__(
        self, proc: ProcRoot, target: Target, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._proc = proc
        self._target = target
        self._clock = clock
        self._inodes: frozenset[int] = frozenset()
        self._roots: set[Identity] = set()
        self._workers: set[Identity] = set()
        self._masters: set[Identity] = set()
        self._searched: set[int] = set()
        self._search_again = 0.0
        self.network_pid: int | None = None

    def find(self) -> Found:
        """Never raises."""
        roots = self._named() if self._target.named else None
        if roots == set():
            return Found((), State.NO_PROCESS, f"no process {self._target}")
        self.network_pid = self._other_network(roots)
        try:
            listeners = read_sockets(
                self._proc, self.network_pid, SocketFilter(self._target.port, connections=False)
            )
        except SocketsError as error:
            return Found((), State.DENIED, f"the socket tables cannot be read: {error}")
        self._forget_unless(frozenset(each.inode for each in listeners))
        if not listeners:
            return Found((), State.NO_LISTENER, f"nothing listens on port {self._target.port}")
        self._roots = self._search() if roots is None else roots
        return self._result(sorted(self._below_roots()), listeners)

    def _result(self, workers: list[Identity], listeners: list[Socket]) -> Found:
        port = self._target.port
        if workers:
            noun = "worker" if len(workers) == 1 else "workers"
            return Found(tuple(workers), State.FOUND, f"found {len(workers)} {noun} on port {port}")
        if self._roots:
            pids = ", ".join(str(root.pid) for root in sorted(self._roots))
            return Found((), State.STARTING, f"process {pids} has no workers on port {port} yet")
        users = {each.uid for each in listeners}
        advice = (
            "it has a capability, has changed its user, or is in another pid namespace; fix that"
            if users == {os.geteuid()}
            else "run the sidecar as the same user in the same pid namespace"
        )
        return Found(
            (),
            State.HIDDEN,
            f"user {', '.join(map(str, sorted(users)))} listens on port {port}, but user"
            f" {os.geteuid()} cannot inspect the process: {advice}, or set --pid",
        )

    def _forget_unless(self, inodes: frozenset[int]) -> None:
        """What was learned is only valid for the same listening sockets."""
        if inodes != self._inodes:
            self._inodes = inodes
            self._workers.clear()
            self._masters.clear()
            self._roots.clear()
            self._searched.clear()

    def _named(self) -> set[Identity]:
        if self._target.pattern:
            return self._matching(self._target.pattern)
        pid = self._target.pid
        if self._target.pid_file:
            with suppress(OSError, ValueError):
                pid = int(self._target.pid_file.read_text())
        found = self._alive(pid) if pid else None
        return {found.identity} if found else set()

    def _matching(self, pattern: re.Pattern[str]) -> set[Identity]:
        """The topmost matches, without the sidecar, which has the pattern among its arguments."""
        found: dict[int, Stat] = {}
        for pid in self._proc.pids():
            with suppress(ProcError):
                if pid != os.getpid() and pattern.search(self._proc.command_line(pid)):
                    found[pid] = self._proc.stat(pid)
        return {stat.identity for stat in found.values() if stat.parent not in found}

    def _other_network(self, roots: set[Identity] | None) -> int | None:
        """A named root whose network namespace is not the sidecar's."""
        for root in sorted(roots or ()):
            with suppress(ProcError):
                if self._proc.network_namespace(root.pid) != self._proc.network_namespace("self"):
                    return root.pid
        return None

    def _search(self) -> set[Identity]:
        """Processes that hold the socket while their parents do not; cached while all live."""
        known = {stat.identity for root in self._roots if (stat := self._alive(root.pid))}
        if self._roots and known == self._roots:
            return known
        now = self._clock()
        if now >= self._search_again or self._roots:
            self._searched.clear()
            self._search_again = now + SEARCH_SECONDS
        holders: dict[int, Stat] = {}
        for pid in self._proc.pids():
            if pid not in self._searched and (stat := self._holds(pid)):
                holders[pid] = stat
            self._searched.add(pid)
        return {stat.identity for stat in holders.values() if stat.parent not in holders}

    def _holds(self, pid: int) -> Stat | None:
        try:
            if self._proc.socket_inodes(pid).open & self._inodes:
                return self._alive(pid)
        except ProcError:
            pass
        return None

    def _alive(self, pid: int) -> Stat | None:
        try:
            stat = self._proc.stat(pid)
        except ProcError:
            return None
        return stat if stat.alive else None

    def _below_roots(self) -> set[Identity]:
        found = {worker for root in self._roots for worker in self._below(root.pid, is_root=True)}
        self._workers &= found
        return found

    def _below(self, pid: int, is_root: bool = False) -> Iterator[Identity]:
        """The workers among a process and its descendants."""
        stat = self._alive(pid)
        if stat is None:
            return
        identity = stat.identity
        if identity in self._workers:
            yield identity
            return
        master = identity in self._masters
        sockets = _NONE if master else self._sockets(pid)
        if sockets is None:
            yield from self._by_tree(identity, is_root)
            return
        holds = master or bool(sockets.open & self._inodes)
        if sockets.polled & self._inodes:
            self._workers.add(identity)
            yield identity
        elif holds:
            below = [worker for child in self._children(pid) for worker in self._below(child)]
            if below and is_root:
                self._masters.add(identity)
            yield from below if below or is_root else (identity,)
        elif is_root and self._target.named:
            for child in self._children(pid):
                yield from self._below(child, is_root=True)

    def _by_tree(self, identity: Identity, is_root: bool) -> Iterator[Identity]:
        """Workers by the tree of processes, as another user's sockets are not readable.

        The children of the named process are the workers; without children it is one itself.
        """
        if not self._target.named:
            return
        children = self._children(identity.pid) if is_root else []
        stats = [
            stat for pid in children if not self._is_tracker(pid) and (stat := self._alive(pid))
        ]
        yield from [stat.identity for stat in stats] or (identity,)

    def _is_tracker(self, pid: int) -> bool:
        """Whether it is the resource tracker that Python's multiprocessing starts."""
        try:
            return "multiprocessing.resource_tracker" in self._proc.command_line(pid)
        except ProcError:
            return False

    def _sockets(self, pid: int) -> SocketInodes | None:
        """None if the process is another user's."""
        try:
            return self._proc.socket_inodes(pid)
        except Denied:
            return None
        except ProcError:
            return _NONE

    def _children(self, pid: int) -> list[int]:
        try:
            return self._proc.children(pid)
        except ProcError:
            return []
