"""Has the faults that are injected into this worker, from the moment they are until they end."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import mmap
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Generic, TypeVar

from demo.injection import FILE, Effect, Injection, parse

T = TypeVar("T")
TICK_SECONDS: Final = 0.1
CHUNK_BYTES: Final = 1 << 18
TOOTH_SECONDS: Final = 3.0
_SPARE_FDS: Final = 12  # the worker goes on accepting
_MOST_THREADS: Final = 160


@dataclass
class Pile(Generic[T]):
    """What a leak piles up, and what its end takes away."""

    add: Callable[[], T]
    drop: Callable[[T], object]
    most: int
    _items: list[T] = field(default_factory=list)

    def hold(self, count: int) -> None:
        while len(self._items) < min(count, self.most):
            self._items.append(self.add())
        while len(self._items) > count:
            self.drop(self._items.pop())


@dataclass
class Share:
    """Says yes to a share of what it is asked, evenly, and the same in every run."""

    _owed: float = 0.0

    def next(self, ratio: float) -> bool:
        self._owed += ratio
        if self._owed < 1 - 1e-9:
            return False
        self._owed -= 1
        return True


class Agent:
    """A thread that reads the control file; without a control folder there are no faults."""

    def __init__(
        self, folder: Path | None, loop: asyncio.AbstractEventLoop, pool: Callable[[int], object]
    ) -> None:
        """`pool` is asked to have so many connections to the database open."""
        self._loop = loop
        self._pool = pool
        self._started = time.time()
        self._stamp: tuple[int, int] | None = None
        self._active: dict[Effect, Injection] = {}
        self._hanging = False
        self._piles: dict[Effect, Pile[Any]] = {
            Effect.LEAK: Pile(lambda: bytearray(b"\1" * CHUNK_BYTES), bytearray.clear, 1 << 16),
            Effect.SAWTOOTH: Pile(_mapped, mmap.mmap.close, 1 << 16),
            Effect.FDS: Pile(lambda: os.open(os.devnull, os.O_RDONLY), os.close, _most_fds()),
            Effect.THREADS: Pile(_start_idle, threading.Event.set, _MOST_THREADS),
            Effect.CPU: Pile(_start_busy, threading.Event.set, 8),
        }
        if folder:
            self.number, self._claim = claim(folder)
            follow = threading.Thread(target=self._run, args=(folder / FILE,), daemon=True)
            follow.start()

    def amount(self, effect: Effect) -> float:
        """What is injected of it now; 0 for nothing."""
        found = self._active.get(effect)
        return found.amount if found else 0.0

    def _run(self, file: Path) -> None:
        while True:
            with suppress(FileNotFoundError):
                self._read(file)
            self._apply()
            time.sleep(TICK_SECONDS)

    def _read(self, file: Path) -> None:
        status = file.stat()
        stamp = (status.st_ino, status.st_mtime_ns)
        if stamp == self._stamp:
            return
        injections = parse(json.loads(file.read_text()))
        self._active = {each.effect: each for each in injections if each.meets(self.number)}
        self._stamp = stamp

    def _apply(self) -> None:
        for effect, pile in self._piles.items():
            pile.hold(self._grown(effect))
        with suppress(OSError):  # no database any more
            self._pool(1 + self._grown(Effect.CONNECTIONS))
        crash = self._active.get(Effect.CRASH)
        loop = self.amount(Effect.CRASH_AFTER)
        if (crash and crash.since > self._started) or (loop and self._age() > loop):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.amount(Effect.HANG) and not self._hanging:
            self._hanging = True
            self._loop.call_soon_threadsafe(self._hang)

    def _grown(self, effect: Effect) -> int:
        """Items by now: so many a second since the injection, or since this worker's start."""
        found = self._active.get(effect)
        if found is None:
            return 0
        if effect is Effect.CPU:
            return int(found.amount)
        seconds = time.time() - max(found.since, self._started)
        if effect is Effect.SAWTOOTH:
            seconds %= TOOTH_SECONDS
        unit = CHUNK_BYTES if effect in (Effect.LEAK, Effect.SAWTOOTH) else 1
        return int(found.amount * seconds / unit)

    def _age(self) -> float:
        return time.time() - self._started

    def _hang(self) -> None:
        """Block the event loop until the fault ends."""
        while self.amount(Effect.HANG):
            time.sleep(TICK_SECONDS)
        self._hanging = False


def _mapped() -> mmap.mmap:
    """Memory that is the kernel's again at once when it is closed."""
    chunk = mmap.mmap(-1, CHUNK_BYTES)
    chunk.write(b"\1" * CHUNK_BYTES)
    return chunk


def _most_fds() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(0, soft - len(list(Path("/proc/self/fd").iterdir())) - _SPARE_FDS)


def _start_idle() -> threading.Event:
    end = threading.Event()
    threading.Thread(target=end.wait, daemon=True).start()
    return end


def _start_busy() -> threading.Event:
    end = threading.Event()
    threading.Thread(target=_spin, args=(end,), daemon=True).start()
    return end


def _spin(end: threading.Event) -> None:
    while not end.is_set():
        hashlib.pbkdf2_hmac("sha256", b"", b"", 50_000)  # without the interpreter's lock


def claim(folder: Path) -> tuple[int, IO[str]]:
    """The lowest number that no live worker has, and its file: locked while that is open."""
    for number in range(1 << 10):
        file = (folder / f"worker-{number}").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        return number, file
    raise RuntimeError(f"{folder} has no free number")
