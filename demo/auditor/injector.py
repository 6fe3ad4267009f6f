"""Applies the injected faults to this worker for as long as they are active."""

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
POLL_SECONDS: Final = 0.1
CHUNK_BYTES: Final = 1 << 18
SAWTOOTH_SECONDS: Final = 3.0
_SPARE_FDS: Final = 12  # so that the worker can still accept connections
_MAX_CHUNKS: Final = 1 << 16
_MAX_THREADS: Final = 160
_MAX_BUSY_THREADS: Final = 8


@dataclass
class Leak(Generic[T]):
    """Resources that a fault holds, and releases when it ends."""

    allocate: Callable[[], T]
    release: Callable[[T], object]
    limit: int
    _held: list[T] = field(default_factory=list)

    def resize(self, count: int) -> None:
        while len(self._held) < min(count, self.limit):
            self._held.append(self.allocate())
        while len(self._held) > count:
            self.release(self._held.pop())


@dataclass
class Sampler:
    """Selects a ratio of all calls, evenly spread and the same in every run."""

    _due: float = 0.0

    def select(self, ratio: float) -> bool:
        self._due += ratio
        if self._due < 1 - 1e-9:
            return False
        self._due -= 1
        return True


class FaultInjector:
    """A thread that follows the control file. Without a control folder there are no faults."""

    def __init__(
        self,
        folder: Path | None,
        loop: asyncio.AbstractEventLoop,
        resize_pool: Callable[[int], object],
    ) -> None:
        """`resize_pool` opens or closes database connections until there are that many."""
        self._loop = loop
        self._resize_pool = resize_pool
        self._started = time.time()
        self._file_version: tuple[int, int] | None = None
        self._active: dict[Effect, Injection] = {}
        self._hanging = False
        self._leaks: dict[Effect, Leak[Any]] = {
            Effect.LEAK: Leak(lambda: bytearray(b"\1" * CHUNK_BYTES), bytearray.clear, _MAX_CHUNKS),
            Effect.SAWTOOTH: Leak(_map_chunk, mmap.mmap.close, _MAX_CHUNKS),
            Effect.FDS: Leak(lambda: os.open(os.devnull, os.O_RDONLY), os.close, _max_fds()),
            Effect.THREADS: Leak(_start_idle_thread, threading.Event.set, _MAX_THREADS),
            Effect.CPU: Leak(_start_busy_thread, threading.Event.set, _MAX_BUSY_THREADS),
        }
        if folder:
            self.slot, self._slot_file = claim_slot(folder)
            threading.Thread(target=self._run, args=(folder / FILE,), daemon=True).start()

    def amount(self, effect: Effect) -> float:
        """The amount injected now; 0 if there is none."""
        injection = self._active.get(effect)
        return injection.amount if injection else 0.0

    def _run(self, file: Path) -> None:
        while True:
            with suppress(FileNotFoundError):
                self._read(file)
            self._apply()
            time.sleep(POLL_SECONDS)

    def _read(self, file: Path) -> None:
        status = file.stat()
        version = (status.st_ino, status.st_mtime_ns)
        if version == self._file_version:
            return
        injections = parse(json.loads(file.read_text()))
        self._active = {each.effect: each for each in injections if each.applies_to(self.slot)}
        self._file_version = version

    def _apply(self) -> None:
        for effect, leak in self._leaks.items():
            leak.resize(self._count(effect))
        with suppress(OSError):  # the database has stopped
            self._resize_pool(1 + self._count(Effect.CONNECTIONS))
        crash = self._active.get(Effect.CRASH)
        crash_after = self.amount(Effect.CRASH_AFTER)
        age = time.time() - self._started
        if (crash and crash.since > self._started) or (crash_after and age > crash_after):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.amount(Effect.HANG) and not self._hanging:
            self._hanging = True
            self._loop.call_soon_threadsafe(self._hang)

    def _count(self, effect: Effect) -> int:
        """How many items a leak has reached since it was injected or this worker started."""
        injection = self._active.get(effect)
        if injection is None:
            return 0
        if effect is Effect.CPU:
            return int(injection.amount)
        seconds = time.time() - max(injection.since, self._started)
        if effect is Effect.SAWTOOTH:
            seconds %= SAWTOOTH_SECONDS
        unit = CHUNK_BYTES if effect in (Effect.LEAK, Effect.SAWTOOTH) else 1
        return int(injection.amount * seconds / unit)

    def _hang(self) -> None:
        """Block the event loop until the fault ends."""
        while self.amount(Effect.HANG):
            time.sleep(POLL_SECONDS)
        self._hanging = False


def _map_chunk() -> mmap.mmap:
    """Memory that goes back to the kernel as soon as it is closed."""
    chunk = mmap.mmap(-1, CHUNK_BYTES)
    chunk.write(b"\1" * CHUNK_BYTES)
    return chunk


def _max_fds() -> int:
    soft_limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(0, soft_limit - len(list(Path("/proc/self/fd").iterdir())) - _SPARE_FDS)


def _start_idle_thread() -> threading.Event:
    stop = threading.Event()
    threading.Thread(target=stop.wait, daemon=True).start()
    return stop


def _start_busy_thread() -> threading.Event:
    stop = threading.Event()
    threading.Thread(target=_spin, args=(stop,), daemon=True).start()
    return stop


def _spin(stop: threading.Event) -> None:
    while not stop.is_set():
        hashlib.pbkdf2_hmac("sha256", b"", b"", 50_000)  # releases the GIL


def claim_slot(folder: Path) -> tuple[int, IO[str]]:
    """The lowest slot that no live worker has. It stays claimed while the returned file is open."""
    for slot in range(1 << 10):
        file = (folder / f"worker-{slot}").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        return slot, file
    raise RuntimeError(f"no free worker slot in {folder}")
