from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor

import pytest

from exporters.singleflight import SingleFlight

Check = Callable[[SingleFlight[str, int], list[threading.Event]], Coroutine[None, None, None]]


def with_gate(check: Check) -> None:
    """Run the check; call number n waits for gate n and returns n."""
    gates = [threading.Event() for _ in range(3)]
    given: list[str] = []

    def run(key: str) -> int:
        turn = len(given)
        given.append(key)
        if key == "broken":
            raise ValueError(key)
        assert gates[turn].wait(60)
        return turn

    async def main() -> None:
        with ThreadPoolExecutor(1) as executor:
            await asyncio.wait_for(check(SingleFlight(run, executor), gates), 60)

    asyncio.run(main())


def test_callers_before_the_call_starts_share_its_result() -> None:
    async def check(flight: SingleFlight[str, int], gates: list[threading.Event]) -> None:
        asked = [asyncio.create_task(flight.get("a")) for _ in range(200)]
        gates[0].set()
        assert set(await asyncio.gather(*asked)) == {0}

    with_gate(check)


def test_callers_during_a_call_share_the_next_one() -> None:
    async def check(flight: SingleFlight[str, int], gates: list[threading.Event]) -> None:
        first = asyncio.create_task(flight.get("a"))
        await asyncio.sleep(0.01)
        later = [asyncio.create_task(flight.get("a")) for _ in range(5)]
        await asyncio.sleep(0.01)
        gates[0].set()
        assert await first == 0
        gates[1].set()
        assert set(await asyncio.gather(*later)) == {1}

    with_gate(check)


def test_keys_are_independent() -> None:
    async def check(flight: SingleFlight[str, int], gates: list[threading.Event]) -> None:
        for gate in gates:
            gate.set()
        first, second = await asyncio.gather(flight.get("a"), flight.get("b"))
        assert (first, second) == (0, 1)

    with_gate(check)


def test_a_cancelled_caller_does_not_cancel_the_call() -> None:
    async def check(flight: SingleFlight[str, int], gates: list[threading.Event]) -> None:
        leaving = asyncio.create_task(flight.get("a"))
        staying = asyncio.create_task(flight.get("a"))
        await asyncio.sleep(0.01)
        leaving.cancel()
        gates[0].set()
        assert await staying == 0

    with_gate(check)


def test_a_failure_reaches_its_caller_and_no_later_one() -> None:
    async def check(flight: SingleFlight[str, int], gates: list[threading.Event]) -> None:
        with pytest.raises(ValueError, match="broken"):
            await flight.get("broken")
        gates[1].set()
        assert await flight.get("a") == 1

    with_gate(check)
