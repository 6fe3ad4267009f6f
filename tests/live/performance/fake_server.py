"""A server that is no Auditor: it gives the same response to every request, or none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from tests.live.waiting import PATIENCE


@contextmanager
def fake_server(status: int, body: Any, *, silent_after: int | None = None) -> Iterator[str]:
    """The address of a server for POST requests, which hangs after `silent_after` of them."""
    received = 0
    stop = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond(200, {})

        def do_POST(self) -> None:
            nonlocal received
            self.rfile.read(int(self.headers["Content-Length"]))
            received += 1
            if silent_after is not None and received > silent_after:
                stop.wait()
                return
            self._respond(status, body)

        def _respond(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE)
