"""The webhook receiver for everything that Alertmanager sends."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Notification:
    """One alert of a webhook call; `at` is Unix time, `status` is firing or resolved."""

    at: float
    receiver: str
    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def alert(self) -> str:
        return self.labels["alertname"]

    @property
    def severity(self) -> str:
        return self.labels["severity"]


@dataclass(frozen=True)
class Call:
    """A webhook call: its group of alerts, which is resolved once none of them fires."""

    receiver: str
    group: str
    status: str


class Receiver:
    """A web server on the loopback interface. The path of a call is the receiver's name.

    `calls` has every call, `notifications` every alert in them.
    """

    def __init__(self, port: int = 0) -> None:
        self.calls: list[Call] = []
        self.notifications: list[Notification] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    def url(self, receiver: str) -> str:
        return f"http://127.0.0.1:{self.port}/{receiver}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def record(self, receiver: str, body: Mapping[str, Any]) -> None:
        self.notifications += [
            Notification(time.time(), receiver, each["status"], each["labels"], each["annotations"])
            for each in body["alerts"]
        ]
        self.calls.append(Call(receiver, body["groupKey"], body["status"]))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        record = self.record

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                record(self.path.removeprefix("/"), body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing: the demo shows the notifications."""

        return Handler
