"""The probe against servers that respond in every way, or not at all."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from exporters import contract
from exporters.exposition import render
from exporters.probe import Probe, next_start
from tests.bundle import thresholds

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def answers(*parts: bytes, pause: float = 0, before: float = 0) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(before)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return behave


@asynccontextmanager
async def served(behave: Behaviour, host: str = "127.0.0.1") -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            with suppress(OSError, EOFError, asyncio.CancelledError):
                await behave(reader, writer)
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(serve, host, 0)
    except OSError as error:
        pytest.skip(f"no {host} here: {error}")
    async with server:
        yield server.sockets[0].getsockname()[1]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def probe(port: int, host: str = "127.0.0.1", scheme: str = "http", timeout: float = 60) -> Probe:
    return Probe(f"{scheme}://{host}:{port}/health?deep=1", 5, timeout)


def samples(tried: Probe) -> dict[str, float]:
    lines = render(tried.blocks(), openmetrics=False).decode().splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if not line.startswith("#")}


async def send(behave: Behaviour, host: str = "127.0.0.1", timeout: float = 60) -> dict[str, float]:
    async with served(behave, host) as port:
        tried = probe(port, f"[{host}]" if ":" in host else host, timeout=timeout)
        await tried.send()
        assert tried.local_ports == frozenset()
        return samples(tried)


SUCCESS, COUNT = contract.PROBE_SUCCESS.name, f"{contract.PROBE_DURATION.name}_count"


@pytest.mark.parametrize(
    ("behave", "success", "count"),
    [
        (answers(OK), 1, 1),
        (answers(OK[:7], OK[7:30], OK[30:], pause=0.01), 1, 1),
        (answers(b"HTTP/1.0 200 \r\n\r\n"), 1, 1),
        (answers(b"HTTP/1.1 503 Busy\r\n\r\nlong" * 1000), 0, 1),
        (answers(b"HTTP/1.1 301 Moved\r\n\r\n"), 0, 1),
        (answers(), 0, 0),
        (answers(b"SSH-2.0-OpenSSH\r\n"), 0, 0),
        (answers(b"HTTP/1.1 yes\r\n"), 0, 0),
        (answers(b"x" * 100_000), 0, 0),
    ],
)
def test_responses(behave: Behaviour, success: float, count: float) -> None:
    found = asyncio.run(send(behave))
    assert (found[SUCCESS], found[COUNT]) == (success, count)


@pytest.mark.parametrize(
    "behave",
    [answers(OK, before=60), answers(*(OK[at : at + 1] for at in range(len(OK))), pause=0.1)],
    ids=["silent", "byte by byte"],
)
def test_the_timeout_is_for_the_whole_response(behave: Behaviour) -> None:
    found = asyncio.run(send(behave, timeout=0.3))
    assert (found[SUCCESS], found[COUNT]) == (0, 0)


def test_ipv6() -> None:
    assert asyncio.run(send(answers(OK), "::1"))[SUCCESS] == 1


def test_nothing_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        tried = probe(taken.getsockname()[1])
        assert SUCCESS not in samples(tried), "unknown before the first probe"
        asyncio.run(tried.send())
    assert (samples(tried)[SUCCESS], samples(tried)[COUNT]) == (0, 0)


def test_a_server_that_does_not_speak_tls(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> Probe:
        async with served(answers(OK)) as port:
            tried = probe(port, scheme="https", timeout=0.3)
            await tried.send()
            return tried

    assert samples(asyncio.run(main()))[SUCCESS] == 0
    assert "Traceback" not in caplog.text


def test_it_sends_what_a_client_would() -> None:
    async def main() -> bytes:
        heads: list[bytes] = []

        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(OK)

        async with served(behave) as port:
            await probe(port).send()
            return heads[0].replace(str(port).encode(), b"PORT")

    lines = asyncio.run(main()).split(b"\r\n")
    assert lines[0] == b"GET /health?deep=1 HTTP/1.1"
    assert b"Host: 127.0.0.1:PORT" in lines


def test_its_own_connection_is_known_while_it_lasts() -> None:
    async def main() -> None:
        seen: list[tuple[int, frozenset[int]]] = []

        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            seen.append((writer.get_extra_info("peername")[1], tried.local_ports))
            writer.write(OK)

        async with served(behave) as port:
            tried = probe(port)
            await tried.send()
        ((peer, ports),) = seen
        assert ports == {peer}

    asyncio.run(main())


def test_a_change_of_the_outcome_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        replies = [OK, OK, b"HTTP/1.1 503 Busy\r\n\r\n", b"HTTP/1.1 503 Busy\r\n\r\n", OK]

        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await answers(replies.pop(0))(reader, writer)

        async with served(behave) as port:
            tried = probe(port)
            for _ in range(5):
                await tried.send()

    asyncio.run(main())
    outcomes = [
        record.message.rsplit(" ", 1)[1] for record in caplog.records if "health" in record.message
    ]
    assert outcomes == ["200", "503", "200"]


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [(0, 0.1, 5), (0, 4.9, 5), (5, 5, 10), (5, 10, 10), (5, 10.1, 15), (5, 31, 35)],
)
def test_probes_do_not_drift(last: float, now: float, expected: float) -> None:
    """A slow probe replaces those that it delays past their start."""
    assert next_start(last, now, 5) == expected


def test_probes_follow_one_another() -> None:
    async def main() -> int:
        open_now, most = 0, 0
        enough = asyncio.Event()
        count = itertools.count(1)

        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal open_now, most
            open_now += 1
            most = max(most, open_now)
            await answers(OK, before=0.03)(reader, writer)
            open_now -= 1
            if next(count) == 5:
                enough.set()

        async with served(behave) as port:
            running = asyncio.create_task(Probe(f"http://127.0.0.1:{port}/", 0.01, 60).run())
            await asyncio.wait_for(enough.wait(), 60)
            running.cancel()
        return most

    assert asyncio.run(main()) == 1, "they never overlap"


def test_its_buckets_are_those_of_the_apps_latency() -> None:
    found = samples(Probe("http://127.0.0.1:1/", 1, 1))
    bounds = [name.split('"')[1] for name in found if "_bucket" in name]
    expected = thresholds().service.latency_buckets
    assert [float(bound) for bound in bounds] == [*expected, float("inf")]
