"""A running sidecar and what it serves."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.bundle import ROOT
from tests.live.exporters.auditor import START_SECONDS, Auditor, request, running
from tests.live.exporters.kernel import Key
from tests.live.exporters.rights import ENVIRONMENT
from tests.live.prometheus import free_port
from tests.live.waiting import until

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class Sidecar:
    """`python -m exporters`, scraped like Prometheus does."""

    def __init__(
        self,
        *arguments: str,
        log: Path,
        python: str = sys.executable,
        prefix: tuple[str, ...] = (),
        **popen: Any,
    ) -> None:
        self.port = free_port()
        command = [python, "-m", "exporters", "--listen", f"127.0.0.1:{self.port}"]
        environment = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        environment |= ENVIRONMENT
        with log.open("a") as file:
            self.process = subprocess.Popen(
                [*prefix, *command, *arguments],
                **{"cwd": ROOT, "env": environment, "stderr": file, **popen},
            )

    def ready(self) -> bool:
        return request(self.port, "/-/ready")[0] == 200

    def samples(self, path: str = "/metrics") -> dict[Key, float]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Accept": OPENMETRICS})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            text = answer.read().decode()
        finally:
            connection.close()
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]  # the client has no types
            for sample in family.samples
        }

    def values(self, name: str, path: str = "/metrics") -> dict[str, float]:
        """Values of one metric by the label of its worker, status or the like; "" without one."""
        return {
            ",".join(value for _, value in labels): number
            for (each, labels), number in self.samples(path).items()
            if each == name
        }

    def value(self, name: str, path: str = "/metrics") -> float:
        (found,) = self.values(name, path).values()
        return found

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def sidecar(*arguments: str, log: Path, **popen: Any) -> Iterator[Sidecar]:
    started = Sidecar(*arguments, log=log, **popen)
    try:
        until(started.ready, f"the sidecar is ready, see {log}", START_SECONDS)
        yield started
    finally:
        started.process.kill()
        started.process.wait(60)


@contextmanager
def beside(
    serve: Callable[[int, int], list[str]], workers: int, place: Path, *arguments: str
) -> Iterator[tuple[Auditor, Sidecar]]:
    """A server with a sidecar; the log and the folder of metrics are in `place`."""
    port, folder = free_port(), place / "metrics"
    folder.mkdir()
    named = ("--port", str(port), "--app-folder", str(folder), "--watch-interval", "0.1")
    with (
        running(serve(port, workers), port, folder) as auditor,
        sidecar(*named, *arguments, log=place / "log") as side,
    ):
        yield auditor, side
