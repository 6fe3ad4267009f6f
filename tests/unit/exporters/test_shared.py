from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor

import pytest

from exporters.shared import Shared

Check = Callable[[Shared[str, int], list[threading.Event]], Coroutine[None, None, None]]


def with_gate(check: Check) -> None:
    """Runs the check with answers 0, 1, ... that each wait for their gate."""
    gates = [threading.Event() for _ in range(3)]
    given: list[str] = []

    def run(key: str) -> int:
        turn = len(given)
        given.append(key)
        if key == "broken":
            raise ValueError(key)
        assert gates[turn].wait(5)
        return turn

    async def main() -> None:
        with ThreadPoolExecutor(1) as executor:
            await asyncio.wait_for(check(Shared(run, executor), gates), 5)

    asyncio.run(main())


def test_who_asks_before_the_call_begins_shares_its_answer() -> None:
    async def check(shared: Shared[str, int], gates: list[threading.Event]) -> None:
        asked = [asyncio.create_task(shared.get("a")) for _ in range(200)]
        gates[0].set()
        assert set(await asyncio.gather(*asked)) == {0}

    with_gate(check)


def test_who_asks_while_it_runs_waits_for_the_next() -> None:
    async def check(shared: Shared[str, int], gates: list[threading.Event]) -> None:
        first = asyncio.create_task(shared.get("a"))
        await asyncio.sleep(0.01)
        later = [asyncio.create_task(shared.get("a")) for _ in range(5)]
        await asyncio.sleep(0.01)
        gates[0].set()
        assert await first == 0
        gates[1].set()
        assert set(await asyncio.gather(*later)) == {1}

    with_gate(check)


def test_keys_have_answers_of_their_own() -> None:
    async def check(shared: Shared[str, int], gates: list[threading.Event]) -> None:
        for gate in gates:
            gate.set()
        first, second = await asyncio.gather(shared.get("a"), shared.get("b"))
        assert (first, second) == (0, 1)

    with_gate(check)


def test_an_asker_that_leaves_does_not_take_the_answer_along() -> None:
    async def check(shared: Shared[str, int], gates: list[threading.Event]) -> None:
        leaving = asyncio.create_task(shared.get("a"))
        staying = asyncio.create_task(shared.get("a"))
        await asyncio.sleep(0.01)
        leaving.cancel()
        gates[0].set()
        assert await staying == 0

    with_gate(check)


def test_a_failure_reaches_the_asker_and_no_later_one() -> None:
    async def check(shared: Shared[str, int], gates: list[threading.Event]) -> None:
        with pytest.raises(ValueError, match="broken"):
            await shared.get("broken")
        gates[1].set()
        assert await shared.get("a") == 1

    with_gate(check)
