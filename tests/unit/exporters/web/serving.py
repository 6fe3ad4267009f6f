"""A real server on a free port, and clients that send exactly what a test wants."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from exporters.web.request import Request
from exporters.web.server import Guard, Limits, Response, Server, plain

GET = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n"
LAST = b"GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
Handler = Callable[[Request], Awaitable[Response]]


async def echo(request: Request) -> Response:
    return plain(200, f"{request.method} {request.path}")


@dataclass
class Running:
    """Its loop runs in a thread of its own."""

    server: Server
    port: int
    loop: asyncio.AbstractEventLoop

    def stop(self, grace: float = 5) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(grace), self.loop).result(grace + 60)

    def connect(self, context: ssl.SSLContext | None = None) -> Client:
        plain = socket.create_connection(("127.0.0.1", self.port), 60)
        if context is None:
            return Client(plain)
        try:
            return Client(context.wrap_socket(plain, server_hostname="localhost"))
        except BaseException:
            plain.close()
            raise

    def ask(self, head: bytes = LAST, context: ssl.SSLContext | None = None) -> Answer:
        """One request over a connection of its own."""
        with self.connect(context) as client:
            client.send(head)
            return client.answer()


@contextmanager
def serving(
    handler: Handler = echo, limits: Limits | None = None, guard: Guard | None = None
) -> Iterator[Running]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = Server(handler, limits, guard)
    try:
        port = asyncio.run_coroutine_threadsafe(server.start("127.0.0.1", 0), loop).result(60)
        running = Running(server, port, loop)
        yield running
        running.stop(grace=0.5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


@dataclass(frozen=True)
class Answer:
    """Header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.file = sock.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, head_only: bool = False) -> Answer:
        """The next one; raises ConnectionError where the server has closed."""
        first = self.file.readline()
        if not first:
            raise ConnectionError("closed")
        found = re.fullmatch(rb"HTTP/1\.1 (\d{3}) [^\r\n]+\r\n", first)
        assert found, first
        headers: dict[str, str] = {}
        while (line := self.file.readline()) != b"\r\n":
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = b"" if head_only else self.file.read(int(headers["content-length"]))
        return Answer(int(found[1]), headers, body)

    def closed(self) -> bool:
        """Whether the server ends the connection, within the socket's timeout."""
        try:
            return self.file.read(1) == b""
        except ConnectionError:
            return True
