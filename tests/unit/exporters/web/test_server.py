from __future__ import annotations

import asyncio
import gzip
import logging
import select
import socket
import threading
import time

import pytest

from exporters.web.request import Request
from exporters.web.server import Limits, Response, Server
from tests.unit.exporters.web.serving import GET, LAST, echo, serving

BIG = b"auditor_worker_threads 1\n" * 40_000


async def big(_request: Request) -> Response:
    return Response(200, "text/plain", BIG)


def with_header(line: bytes) -> bytes:
    return LAST.replace(b"Host: here", b"Host: here\r\n" + line)


def test_one_connection_serves_many_requests() -> None:
    with serving() as server, server.connect() as client:
        for _ in range(3):
            client.send(GET)
            answer = client.answer()
            assert (answer.status, answer.body) == (200, b"GET /metrics\n")
            assert "connection" not in answer.headers
            assert answer.headers["x-content-type-options"] == "nosniff"
        client.send(LAST)
        assert client.answer().headers["connection"] == "close"
        assert client.closed()


def test_pipelined_requests_are_answered_in_order() -> None:
    with serving() as server, server.connect() as client:
        client.send(b"".join(GET.replace(b"metrics", b"%d" % turn) for turn in range(20)))
        assert [client.answer().body for _ in range(20)] == [b"GET /%d\n" % n for n in range(20)]


def test_a_request_that_comes_in_pieces() -> None:
    with serving() as server, server.connect() as client:
        for at in range(len(GET)):
            client.send(GET[at : at + 1])
        assert client.answer().status == 200


def test_head_has_the_same_headers_and_no_body() -> None:
    with serving(big) as server, server.connect() as client:
        client.send(GET.replace(b"GET", b"HEAD"))
        assert client.answer(head_only=True).headers["content-length"] == str(len(BIG))
        client.send(LAST)
        assert client.answer().body == BIG


def test_http_1_0_closes_unless_it_asks_to_stay() -> None:
    with serving() as server:
        with server.connect() as client:
            client.send(b"GET / HTTP/1.0\r\n\r\n")
            assert client.answer().headers["connection"] == "close"
            assert client.closed()
        with server.connect() as client:
            for _ in range(2):
                client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                assert client.answer().status == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000, 431),
        (b"x" * 300_000, 431),
    ],
)
def test_a_refusal_says_why_and_closes(head: bytes, status: int) -> None:
    with serving() as server, server.connect() as client:
        client.send(head)
        answer = client.answer()
        assert answer.status == status
        assert answer.body.endswith(b"\n")
        assert answer.headers.get("allow") == ("GET, HEAD" if status == 405 else None)
        assert answer.headers["connection"] == "close"
        assert client.closed()


@pytest.mark.parametrize(
    ("accept", "packed"),
    [
        (b"", False),
        (b"Accept-Encoding: gzip", True),
        (b"Accept-Encoding: deflate, GZIP;q=0.5", True),
        (b"Accept-Encoding: *", True),
        (b"Accept-Encoding: gzip;q=0", False),
        (b"Accept-Encoding: gzip; q=0.000, *", False),
        (b"Accept-Encoding: identity", False),
    ],
)
def test_gzip_if_the_client_accepts_it(accept: bytes, packed: bool) -> None:
    with serving(big) as server:
        answer = server.ask(with_header(accept) if accept else LAST)
    assert (answer.headers.get("content-encoding") == "gzip") == packed
    assert answer.headers["vary"] == "Accept-Encoding"
    assert (gzip.decompress(answer.body) if packed else answer.body) == BIG
    assert not packed or len(answer.body) < len(BIG) / 20


def test_a_short_body_is_not_compressed() -> None:
    with serving() as server:
        answer = server.ask(with_header(b"Accept-Encoding: gzip"))
    assert "content-encoding" not in answer.headers


def test_a_failing_handler_is_logged_and_hidden_from_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails(_request: Request) -> Response:
        raise RuntimeError("secret")

    with serving(fails) as server, server.connect() as client:
        for _ in range(2):
            client.send(GET)
            answer = client.answer()
            assert (answer.status, answer.body) == (500, b"see the sidecar's log\n")
    assert "secret" in caplog.text


def test_a_slow_head_is_cut_off_however_it_trickles() -> None:
    """If a byte extended the time limit, this client would never be refused."""
    with serving(limits=Limits(head_seconds=0.3)) as server, server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(600):
            client.send(b"a")
            if select.select([client.sock], [], [], 0.05)[0]:
                break
        assert client.answer().status == 408


def test_an_idle_connection_is_closed() -> None:
    with serving(limits=Limits(idle_seconds=0.2)) as server, server.connect() as client:
        client.send(GET)
        assert client.answer().status == 200
        assert client.closed()


def test_a_client_that_does_not_read_is_cut_off() -> None:
    limits = Limits(write_seconds=0.3)
    with serving(big, limits) as server, server.connect() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.send(GET * 20)
        end = time.monotonic() + 60
        while server.server.connections and time.monotonic() < end:
            time.sleep(0.02)
        assert server.server.connections == 0


def test_stopping_lets_an_answer_finish_and_closes_the_idle() -> None:
    began, go_on = threading.Event(), threading.Event()

    async def slow(_request: Request) -> Response:
        began.set()
        await asyncio.to_thread(go_on.wait, 60)
        return await echo(_request)

    with serving(slow) as server, server.connect() as busy, server.connect() as idle:
        busy.send(GET)
        assert began.wait(60)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert idle.closed()
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        go_on.set()
        answer = busy.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        stopping.join(60)
        assert not stopping.is_alive()


def test_stopping_does_not_wait_for_ever() -> None:
    async def never(_request: Request) -> Response:
        await asyncio.sleep(60)
        return await echo(_request)

    with serving(never) as server, server.connect() as client:
        client.send(GET)
        start = time.monotonic()
        server.stop(grace=0.2)
        assert time.monotonic() - start < 30
        assert client.closed()


def test_an_address_that_is_taken() -> None:
    async def main(port: int) -> None:
        await Server(echo).start("127.0.0.1", port)

    with serving() as server, pytest.raises(OSError, match="in use"):
        asyncio.run(main(server.port))


def test_every_address_at_once() -> None:
    async def main() -> list[int]:
        server = Server(echo)
        port = await server.start("", 0)
        statuses = []
        for host in ("127.0.0.1", "::1") if socket.has_dualstack_ipv6() else ("127.0.0.1",):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(LAST)
            statuses.append(int((await reader.read()).split()[1]))
            writer.close()
        await server.stop(1)
        return statuses

    assert set(asyncio.run(main())) == {200}


def test_out_of_file_descriptors_it_neither_spins_nor_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refused = 0
    real = socket.socket.accept

    def accept(self: socket.socket) -> object:
        nonlocal refused
        if refused < 3:
            refused += 1
            raise OSError(24, "Too many open files")
        return real(self)

    with serving() as server:
        monkeypatch.setattr(socket.socket, "accept", accept)
        start = time.monotonic()
        assert server.ask().status == 200
        assert time.monotonic() - start >= 0.25, "it pauses between attempts"
    warnings = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert [each.getMessage() for each in warnings] == [
        "cannot accept connections: Too many open files"
    ]
