"""Serves requests one after the other on each connection, within limits on time and size."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Protocol

from exporters.web.request import BadRequestError, Request, parse_head

LOG: Final = logging.getLogger("exporters.web")
_CHUNK: Final = 1 << 16
_BACKLOG: Final = 1024
_MIN_GZIP_BYTES: Final = 1024
_GZIP: Final = 31  # zlib's window bits for its header and checksum
_LINGER_SECONDS: Final = 0.5
_LINGER_BYTES: Final = 1 << 18
_PAUSE_SECONDS: Final = 0.1

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    content_type: str
    body: bytes
    headers: Headers = ()


def plain(status: int, line: str, headers: Headers = ()) -> Response:
    """A response in plain text."""
    return Response(status, "text/plain; charset=utf-8", f"{line}\n".encode(), headers)


Handler = Callable[[Request], Awaitable[Response]]


class Guard(Protocol):
    """TLS, access control, and headers for every response."""

    headers: Headers

    def context(self) -> ssl.SSLContext | None: ...

    def admits_peer(self, certificate: Mapping[str, Any] | None) -> bool: ...

    async def refusal(self, request: Request) -> Response | None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds are totals: sending a byte now and then does not extend them."""

    connections: int = 512
    head_bytes: int = 8192
    head_seconds: float = 5.0
    idle_seconds: float = 120.0
    write_seconds: float = 10.0
    handshake_seconds: float = 5.0


@dataclass(eq=False, slots=True)
class Connection:
    """A client; `idle` until a complete request has arrived."""

    sock: socket.socket
    transport: asyncio.Transport | None = None
    task: asyncio.Task[None] | None = None
    idle: bool = True


class Server:
    """At the limit on connections, a new one replaces the one that has been idle longest.

    So slow clients, or clients that only hold connections open, do not lock out others.
    """

    def __init__(
        self, handler: Handler, limits: Limits | None = None, guard: Guard | None = None
    ) -> None:
        self._handler = handler
        self._limits = limits or Limits()
        self._guard = guard
        self._connections: dict[Connection, None] = {}
        self._listeners: list[socket.socket] = []
        self._stopping = self._paused = False
        self._compressed = b"", b""

    async def start(self, host: str, port: int) -> int:
        """Listen on every address of the host ("" for all addresses); returns the port.

        Raises OSError if it cannot listen on one, or if the host is unknown.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        try:
            for family, _, _, _, address in dict.fromkeys(found):
                self._listeners.append(_listener(family, (str(address[0]), port or self._port())))
        except OSError:
            for listener in self._listeners:
                listener.close()
            raise
        for listener in self._listeners:
            self._listen(listener)
        return self._port()

    def _port(self) -> int:
        """Port of the first listener, or 0."""
        return self._listeners[0].getsockname()[1] if self._listeners else 0

    @property
    def connections(self) -> int:
        """Number of open connections."""
        return len(self._connections)

    async def stop(self, grace: float) -> None:
        """Accept no more connections; responses in progress have `grace` seconds to finish."""
        self._stopping = True
        while self._listeners:
            asyncio.get_running_loop().remove_reader(self._listeners[-1])
            self._listeners.pop().close()
        for connection in self._connections:
            if connection.idle and connection.task:
                connection.task.cancel()
        tasks = [each.task for each in self._connections if each.task]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, listener: socket.socket) -> None:
        """Accept one connection; the event loop calls again if there are more."""
        try:
            sock, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            self._pause(listener, error)
            return
        self._paused = False
        sock.setblocking(False)
        if not self._make_room(self._limits.connections - 1):
            sock.close()
            return
        connection = Connection(sock)
        self._connections[connection] = None
        connection.task = asyncio.get_running_loop().create_task(self._run(connection))
        connection.task.add_done_callback(partial(self._forget, connection))

    def _pause(self, listener: socket.socket, error: OSError) -> None:
        """Usually out of file descriptors: release one, and do not spin."""
        if not self._paused:
            LOG.warning("cannot accept connections: %s", error.strerror or error)
        self._paused = True
        self._make_room(0)
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)
        loop.call_later(_PAUSE_SECONDS, self._listen, listener)

    def _listen(self, listener: socket.socket) -> None:
        if not self._stopping:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _forget(self, connection: Connection, _task: asyncio.Task[None]) -> None:
        """Clean up after a connection, whose task may have been cancelled before it began."""
        self._connections.pop(connection, None)
        if connection.transport is None:
            connection.sock.close()

    def _make_room(self, most: int) -> bool:
        """Whether `most` or fewer connections are open, if need be after closing an idle one."""
        if len(self._connections) <= most:
            return True
        for connection in self._connections:
            if connection.idle and connection.task:
                connection.task.cancel()
                del self._connections[connection]
                return True
        return False

    async def _run(self, connection: Connection) -> None:
        """Handle one connection until it ends."""
        reader = asyncio.StreamReader(limit=self._limits.head_bytes)
        protocol = asyncio.StreamReaderProtocol(reader)
        loop = asyncio.get_running_loop()
        complete = False
        try:
            context = self._guard.context() if self._guard else None
            seconds = self._limits.handshake_seconds if context else None
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, connection.sock, ssl=context, ssl_handshake_timeout=seconds
            )
            connection.transport = transport
            transport.set_write_buffer_limits(high=0)
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            peer = writer.get_extra_info("peercert")
            if self._guard is None or self._guard.admits_peer(peer):
                while await self._exchange(connection, reader, writer):
                    self._move_to_end(connection)
            complete = True
        except (OSError, EOFError, TimeoutError) as error:
            LOG.debug("connection ended: %s", error)
        finally:
            if connection.transport and complete:
                connection.transport.close()
            elif connection.transport:
                connection.transport.abort()

    def _move_to_end(self, connection: Connection) -> None:
        """Idle from now on, so others are closed before it."""
        if connection in self._connections:
            del self._connections[connection]
            self._connections[connection] = None

    async def _exchange(
        self, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Read one request and respond; returns whether another one may follow."""
        connection.idle = True
        try:
            request = await self._read(reader)
            connection.idle = False
            response = await self._respond(request)
        except BadRequestError as error:
            connection.idle = False
            await self._write(writer, _refusal(error), None, close=True)
            await _linger(reader, writer)
            return False
        close = self._stopping or not request.keep_alive
        await self._write(writer, response, request, close=close)
        return not close

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        """Raises BadRequestError, EOFError at the end, or TimeoutError if the client is idle."""
        async with asyncio.timeout(self._limits.idle_seconds):
            first = await reader.readexactly(1)
        try:
            async with asyncio.timeout(self._limits.head_seconds):
                rest = await reader.readuntil(b"\r\n\r\n")
        except TimeoutError:
            raise BadRequestError(HTTPStatus.REQUEST_TIMEOUT, "the request took too long") from None
        except asyncio.LimitOverrunError:
            raise BadRequestError(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the request is too long"
            ) from None
        return parse_head((first + rest)[:-4])

    async def _respond(self, request: Request) -> Response:
        try:
            refusal = await self._guard.refusal(request) if self._guard else None
            return refusal or await self._handler(request)
        except Exception:
            LOG.exception("%s failed", request.path)
            return plain(HTTPStatus.INTERNAL_SERVER_ERROR, "see the sidecar's log")

    async def _write(
        self,
        writer: asyncio.StreamWriter,
        response: Response,
        request: Request | None,
        *,
        close: bool,
    ) -> None:
        body, encoding = self._encoded(response.body, request)
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(body))),
            ("Vary", "Accept-Encoding"),
            ("X-Content-Type-Options", "nosniff"),
            *encoding,
            *response.headers,
            *(self._guard.headers if self._guard else ()),
            *((("Connection", "close"),) if close else ()),
        ]
        status = HTTPStatus(response.status)
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{k}: {v}" for k, v in headers)]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if request and request.method == "HEAD":
            body = b""
        async with asyncio.timeout(self._limits.write_seconds):
            writer.write(head + body[:_CHUNK])
            await writer.drain()
            for start in range(_CHUNK, len(body), _CHUNK):
                writer.write(body[start : start + _CHUNK])
                await writer.drain()

    def _encoded(self, body: bytes, request: Request | None) -> tuple[bytes, Headers]:
        """Compresses a body only once for all clients that get the same one."""
        if request is None or len(body) < _MIN_GZIP_BYTES or not _accepts_gzip(request):
            return body, ()
        if self._compressed[0] is not body:
            compressor = zlib.compressobj(1, wbits=_GZIP)
            self._compressed = body, compressor.compress(body) + compressor.flush()
        return self._compressed[1], (("Content-Encoding", "gzip"),)


def _refusal(error: BadRequestError) -> Response:
    allowed = (("Allow", "GET, HEAD"),) if error.status == HTTPStatus.METHOD_NOT_ALLOWED else ()
    return plain(error.status, str(error), allowed)


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read what is still arriving: closing with unread bytes would discard the response."""
    with suppress(OSError, TimeoutError, NotImplementedError):
        if writer.can_write_eof():
            writer.write_eof()
        async with asyncio.timeout(_LINGER_SECONDS):
            received = 0
            while received < _LINGER_BYTES and (data := await reader.read(_CHUNK)):
                received += len(data)


def _accepts_gzip(request: Request) -> bool:
    for offer in request.headers.get("accept-encoding", "").split(","):
        coding, *parameters = (part.strip().lower() for part in offer.split(";"))
        if coding in ("gzip", "*"):
            return not any(_is_zero(parameter) for parameter in parameters)
    return False


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and value.strip(" 0.") == "" and "1" not in value


def _listener(family: int, address: tuple[str, int]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
