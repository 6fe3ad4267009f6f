"""A running sidecar with many clients at once, some of them hostile."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.live.exporters.auditor import Auditor, request, uvicorn
from tests.live.exporters.sidecar import Sidecar, beside
from tests.live.exporters.test_workers import REQUESTS, send

MIB = 2**20
MOST_RSS = 48 * MIB


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Auditor, Sidecar]]:
    with beside(uvicorn, 2, tmp_path) as both:
        yield both
        assert "Traceback" not in (tmp_path / "log").read_text()


def rss(side: Sidecar) -> int:
    status = Path(f"/proc/{side.process.pid}/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


def test_two_hundred_scrapers_at_once(pair: tuple[Auditor, Sidecar]) -> None:
    auditor, side = pair
    send(auditor, 10)
    start, wrong = threading.Barrier(200), list[object]()

    def scrape(path: str) -> None:
        start.wait(60)
        for _ in range(5):
            status, page = request(side.port, path, seconds=60)
            if status != 200 or b"# EOF" in page or len(page) < 500:
                wrong.append((status, page))

    threads = [
        threading.Thread(target=scrape, args=(("/metrics", "/metrics/app")[number % 2],))
        for number in range(200)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert side.value(REQUESTS, "/metrics/app") == auditor.sent
    assert rss(side) < MOST_RSS


def test_slow_and_malformed_clients(pair: tuple[Auditor, Sidecar]) -> None:
    auditor, side = pair
    chance = random.Random(3)  # noqa: S311  # repeatable, not secret
    with ExitStack() as stack:
        for _ in range(600):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", side.port), 60))
            with suppress(OSError):
                slow.sendall(b"GET /met")
        send(auditor, 5)
        assert side.value(REQUESTS, "/metrics/app") == auditor.sent
        for turn in range(10_000):
            with (
                suppress(OSError),
                socket.create_connection(("127.0.0.1", side.port), 60) as client,
            ):
                client.sendall(chance.randbytes(chance.randint(1, 300)) + b"\r\n\r\n")
                client.shutdown(socket.SHUT_WR)
                client.recv(1000)
            if turn % 200 == 0:
                assert request(side.port, "/metrics")[0] == 200
    assert side.value(REQUESTS, "/metrics/app") == auditor.sent
    assert rss(side) < MOST_RSS
    assert side.stop() == 0
