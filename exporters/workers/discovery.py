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

from exporters.net.sockets import Socket, SocketsError, Wanted, read_sockets
from exporters.proc.parse import Denied, Identity, ProcError, Stat
from exporters.proc.root import Links, ProcRoot

SEARCH_SECONDS: Final = 10.0
_NOTHING: Final = Links(frozenset(), frozenset())


class State(StrEnum):
    """What the search came to, the label of a metric; what it means, and what to look at."""

    meaning: str
    advice: str

    def __new__(cls, value: str, meaning: str, advice: str) -> Self:
        made = str.__new__(cls, value)
        made._value_ = value
        made.meaning, made.advice = meaning, advice
        return made

    FOUND = "found", "workers are found", ""
    STARTING = (
        "starting",
        "the port has an owner, which has no worker yet or none any more",
        "the Auditor's log",
    )
    NO_LISTENER = "no_listener", "nothing listens on the port", "whether the Auditor runs; `--port`"
    NO_PROCESS = (
        "no_process",
        "no process has the pid, or matches the pattern",
        "`--pid`, `--pid-file`, `--pattern`",
    )
    HIDDEN = (
        "hidden",
        "somebody listens, but no process that can be seen does",
        "the sidecar's user and pid namespace",
    )
    DENIED = (
        "denied",
        "the socket tables cannot be read",
        "a seccomp or AppArmor profile; whether `/proc/net` is there",
    )


@dataclass(frozen=True, slots=True)
class Found:
    """`detail` is a sentence for the log: what was looked for, what was found, what would help."""

    workers: tuple[Identity, ...]
    state: State
    detail: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where to look: who listens on the port, of all processes or of those named here."""

    port: int
    pid: int | None = None
    pid_file: Path | None = None
    pattern: re.Pattern[str] | None = None

    @property
    def named(self) -> bool:
        return (self.pid, self.pid_file, self.pattern) != (None, None, None)

    def __str__(self) -> str:
        if self.pattern:
            return f"has a command line that matches {self.pattern.pattern!r}"
        return f"has the pid of {self.pid_file}" if self.pid_file else f"has the pid {self.pid}"


class Discovery:
    """Finds the workers among the processes that hold the port's listening socket.

    They form a tree. One that waits for connections on it, by epoll as every asyncio server does,
    is a worker. One that does not is the master of its children that hold the socket too
    (uvicorn's, gunicorn's); such a child is a worker that starts. A master without them, as
    gunicorn's before it forks, is none. Between fork and exec any child holds the socket, as that
    which becomes the resource tracker of Python's multiprocessing; so a process is asked again
    until it waits.

    Looking through the descriptors of all processes is dear. It is done when a root is gone or the
    listening socket is another, and every few seconds while nobody is found.
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
        self.network: int | None = None

    def find(self) -> Found:
        """Never raises, whatever it finds."""
        roots = self._named() if self._target.named else None
        if roots == set():
            return Found((), State.NO_PROCESS, f"no process {self._target}")
        self.network = self._other_network(roots)
        try:
            listeners = read_sockets(
                self._proc, self.network, Wanted(self._target.port, connections=False)
            )
        except SocketsError as error:
            return Found((), State.DENIED, f"the socket tables cannot be read: {error}")
        self._remember(frozenset(each.inode for each in listeners))
        if not listeners:
            return Found((), State.NO_LISTENER, f"nothing listens on port {self._target.port}")
        self._roots = self._search() if roots is None else roots
        return self._judge(sorted(self._below_roots()), listeners)

    def _judge(self, workers: list[Identity], listeners: list[Socket]) -> Found:
        port = self._target.port
        if workers:
            return Found(tuple(workers), State.FOUND, f"port {port} has {len(workers)} workers")
        if self._roots:
            pids = ", ".join(str(root.pid) for root in sorted(self._roots))
            return Found((), State.STARTING, f"process {pids} has no worker on port {port} yet")
        users = {each.uid for each in listeners}
        who = ", ".join(map(str, sorted(users)))
        remedy = (
            "it has a capability, or changed its user after it started, so the kernel hides it;"
            " or it is in another pid namespace"
            if users == {os.geteuid()}
            else "run the sidecar as the same user and in the same pid namespace"
        )
        return Found(
            (),
            State.HIDDEN,
            f"user {who} listens on port {port}, but no process that user {os.geteuid()} can look"
            f" into here does: {remedy}, or name the process",
        )

    def _remember(self, inodes: frozenset[int]) -> None:
        """What was learnt holds for these listening sockets alone."""
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
        """The topmost of those that match; the sidecar has the pattern as argument, but is none."""
        found: dict[int, Stat] = {}
        for pid in self._proc.pids():
            with suppress(ProcError):
                if pid != os.getpid() and pattern.search(self._proc.command(pid)):
                    found[pid] = self._proc.stat(pid)
        return {stat.identity for stat in found.values() if stat.parent not in found}

    def _other_network(self, roots: set[Identity] | None) -> int | None:
        """A process whose network namespace is not the sidecar's, if roots are named."""
        for root in sorted(roots or ()):
            with suppress(ProcError):
                if self._proc.network(root.pid) != self._proc.network("self"):
                    return root.pid
        return None

    def _search(self) -> set[Identity]:
        """The holders whose parents are none; those known, if they are all still there."""
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
            if self._proc.links(pid).sockets & self._inodes:
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
        """The workers among a process and those below it."""
        stat = self._alive(pid)
        if stat is None:
            return
        identity = stat.identity
        if identity in self._workers:
            yield identity
            return
        master = identity in self._masters
        links = _NOTHING if master else self._links(pid)
        if links is None:
            yield from self._unseen(identity, is_root)
            return
        holds = master or bool(links.sockets & self._inodes)
        if links.watched & self._inodes:
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

    def _unseen(self, identity: Identity, is_root: bool) -> Iterator[Identity]:
        """Where another user's sockets are not to be seen, the tree of processes has to do.

        The children of the process that was named are the workers, or it is one itself.
        """
        if not self._target.named:
            return
        children = self._children(identity.pid) if is_root else []
        stats = [stat for pid in children if not self._helps(pid) and (stat := self._alive(pid))]
        yield from [stat.identity for stat in stats] or (identity,)

    def _helps(self, pid: int) -> bool:
        """Whether it is the helper that Python's multiprocessing starts beside the workers."""
        try:
            return "multiprocessing.resource_tracker" in self._proc.command(pid)
        except ProcError:
            return False

    def _links(self, pid: int) -> Links | None:
        """None where they are another user's."""
        try:
            return self._proc.links(pid)
        except Denied:
            return None
        except ProcError:
            return _NOTHING

    def _children(self, pid: int) -> list[int]:
        try:
            return self._proc.children(pid)
        except ProcError:
            return []
