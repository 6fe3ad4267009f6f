"""Many askers, one answer at a time: collections never overlap, and never pile up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Shared(Generic[K, V]):
    """Calls `run(key)` in the executor, which has one thread.

    An answer is never older than the question: who asks while a call for the same key runs waits
    for the next one, which then serves everybody who waits.
    """

    def __init__(self, run: Callable[[K], V], executor: Executor) -> None:
        self._run = run
        self._executor = executor
        self._turn = asyncio.Lock()
        self._next: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """Raises what `run` raises. A cancelled asker does not take the answer from the others."""
        if key not in self._next:
            self._next[key] = asyncio.create_task(self._answer(key))
        return await asyncio.shield(self._next[key])

    async def _answer(self, key: K) -> V:
        async with self._turn:
            del self._next[key]
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._run, key)
