"""Coalesces requests, so that collections neither overlap nor pile up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Calls `run(key)` in an executor with one thread, one call at a time.

    A result is never older than the request: a caller that comes while a call for the same key is
    running waits for the next one, which then serves everybody who is waiting.
    """

    def __init__(self, run: Callable[[K], V], executor: Executor) -> None:
        self._run = run
        self._executor = executor
        self._turn = asyncio.Lock()
        self._next: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """Raises what `run` raises. A cancelled caller does not cancel the call for the others."""
        if key not in self._next:
            self._next[key] = asyncio.create_task(self._call(key))
        return await asyncio.shield(self._next[key])

    async def _call(self, key: K) -> V:
        async with self._turn:
            del self._next[key]
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._run, key)
