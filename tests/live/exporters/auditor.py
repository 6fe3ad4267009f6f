"""Starts real uvicorn and gunicorn servers with the app in this folder, and sends requests."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tests.bundle import ROOT
from tests.live.exporters.rights import ENVIRONMENT
from tests.live.waiting import until

APP: Final = "tests.live.exporters.app:app"
# For sixteen workers to start on a busy machine.
START_SECONDS: Final = 120


def uvicorn(port: int, workers: int, python: str = sys.executable) -> list[str]:
    several = ["--workers", str(workers)] if workers > 1 else []
    options = ["--port", str(port), "--log-level", "warning", *several]
    return [python, "-m", "uvicorn", APP, *options]


def gunicorn(port: int, workers: int) -> list[str]:
    worker = "uvicorn_worker.UvicornWorker"
    options = ["-b", f"127.0.0.1:{port}", "-w", str(workers), "-k", worker]
    return [sys.executable, "-m", "gunicorn", APP, *options, "--log-level", "warning"]


def request(port: int, path: str, method: str = "GET", seconds: float = 60) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Auditor:
    """A running server with its folder of metrics; `sent` counts the successful requests."""

    def __init__(self, command: list[str], port: int, folder: Path, **popen: Any) -> None:
        self.command = command
        self.popen = popen
        self.port = port
        self.folder = folder
        self.sent = 0
        self.start()

    def start(self) -> None:
        environment = os.environ | ENVIRONMENT | {"PROMETHEUS_MULTIPROC_DIR": str(self.folder)}
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, **self.popen
        )

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        workers = self.children()
        with suppress(ProcessLookupError):
            self.process.send_signal(sign)
        try:
            self.process.wait(60)
        finally:
            for pid in workers:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait(60)

    def children(self) -> list[int]:
        """Live children except the resource tracker."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        with suppress(OSError):
            found = [int(pid) for task in tasks for pid in task.read_text().split()]
            return [pid for pid in found if b"resource_tracker" not in command(pid)]
        return []

    def verify(self, query: str = "") -> int:
        """Send a request that succeeds; returns the pid of the worker that served it."""
        status, body = request(self.port, f"/verify{query}", "POST")
        assert status == 200
        self.sent += 1
        pid: int = json.loads(body)["pid"]
        return pid

    def connect_to_database(self, port: int) -> int:
        """Let one worker open a connection; returns its pid."""
        status, body = request(self.port, f"/database?port={port}", "POST")
        assert status == 200
        pid: int = json.loads(body)["pid"]
        return pid

    def serves(self) -> bool:
        return request(self.port, "/health")[0] == 200


def command(pid: int) -> bytes:
    """Empty for a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextmanager
def running(command: list[str], port: int, folder: Path, **popen: Any) -> Iterator[Auditor]:
    auditor = Auditor(command, port, folder, **popen)
    try:
        until(auditor.serves, "the app serves", START_SECONDS)
        yield auditor
    finally:
        auditor.stop()
