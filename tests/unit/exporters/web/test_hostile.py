"""Many, slow, malformed or vanishing clients: others are still served."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from exporters.web.server import Limits
from tests.unit.exporters.web.serving import GET, LAST, Running, serving

MALFORMED = 10_000
MOST_GROWTH = 20 << 20


def rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_fds() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def malformed(chance: random.Random) -> bytes:
    """A request with an error, or something else."""
    kinds = [
        lambda: chance.randbytes(chance.randint(1, 200)) + b"\r\n\r\n",
        lambda: GET.replace(b"GET", chance.choice([b"G\0T", b"", b"PUT", b" GET", b"GET\t"])),
        lambda: GET.replace(b"HTTP/1.1", chance.choice([b"HTTP/9", b"", b"HTTP/1.1x", b"HTP/1.1"])),
        lambda: GET.replace(
            b"Host", chance.choice([b"", b"Ho st", b" Host", b"H\xffst", b"Host\0"])
        ),
        lambda: GET.replace(b"/metrics", chance.choice([b"metrics", b"/%zz%ff", b"/\xff", b"//["])),
        lambda: GET.replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n123456789"),
        lambda: (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(100) + b"\r\n\r\n"
        ),
        lambda: b"A" * chance.choice([8192, 9000, 20000]),
    ]
    return chance.choice(kinds)()


def throw(server: Running, data: bytes) -> None:
    """Send it, shut down, and read the response as far as the server allows."""
    with suppress(OSError), server.connect() as client:
        client.send(data)
        client.sock.shutdown(socket.SHUT_WR)
        client.file.read()


def test_ten_thousand_malformed_requests() -> None:
    chance = random.Random(11)  # noqa: S311  # repeatable, not secret
    with serving() as server:
        for _ in range(300):
            throw(server, malformed(chance))
        settle(server)
        memory, files = rss(), open_fds()
        for turn in range(MALFORMED):
            throw(server, malformed(chance))
            if turn % 50 == 0:
                assert server.ask().status == 200
        settle(server)
        assert open_fds() <= files
        assert rss() - memory < MOST_GROWTH


def settle(server: Running) -> None:
    """Wait for the last connections to be gone."""
    end = time.monotonic() + 60
    while server.server.connections and time.monotonic() < end:
        time.sleep(0.01)
    assert server.server.connections == 0


def test_two_hundred_at_once_are_all_served() -> None:
    start, statuses = threading.Barrier(200), list[int]()

    def scrape(server: Running) -> None:
        start.wait(60)
        for _ in range(5):
            statuses.append(server.ask().status)

    with serving() as server:
        threads = [threading.Thread(target=scrape, args=(server,)) for _ in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert statuses == [200] * 1000


def test_slow_clients_do_not_lock_out_others() -> None:
    """Three hundred that send a byte now and then, with a limit of 64 connections."""
    with serving(limits=Limits(connections=64, head_seconds=30)) as server, ExitStack() as stack:
        slow = []
        for turn in range(300):
            client = stack.enter_context(server.connect())
            client.send(GET[:3])
            slow.append(client)
            if turn % 10 == 0:
                assert server.ask().status == 200
                assert server.server.connections <= 64
        longest = 0.0
        for turn in range(len(GET)):
            for client in slow[-60:]:
                with suppress(OSError):
                    client.send(GET[3 + turn % 20 : 4 + turn % 20])
            start = time.monotonic()
            assert server.ask().status == 200
            longest = max(longest, time.monotonic() - start)
        assert longest < 15, "half of what the server allows for a head"


def test_clients_that_read_nothing_do_not_lock_out_others() -> None:
    limits = Limits(connections=64, write_seconds=1)
    with serving(limits=limits) as server, ExitStack() as stack:
        for _ in range(100):
            client = stack.enter_context(server.connect())
            with suppress(OSError):
                client.send(GET * 50)
        assert server.ask().status == 200


def test_clients_that_vanish_leave_nothing_open() -> None:
    with serving() as server:
        assert server.ask().status == 200
        settle(server)
        files = open_fds()
        for data in (b"", GET[:10], GET, LAST):
            for _ in range(100):
                with server.connect() as client:
                    client.send(data)
        settle(server)
        assert server.ask().status == 200
        settle(server)
        assert open_fds() <= files
