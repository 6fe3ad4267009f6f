"""A real Prometheus, started with a configuration and asked over its HTTP API."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from generator.thresholds.model import Jobs
from tests.live.waiting import PATIENCE


class Prometheus:
    """A running server, asked over its HTTP API."""

    def __init__(self, address: str) -> None:
        self.address = address

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(
            f"http://{self.address}{path}", timeout=PATIENCE
        ) as answer:  # loopback
            return json.load(answer)["data"]

    def query(self, expr: str) -> list[Any]:
        found: list[Any] = self.get(f"/api/v1/query?query={quote(expr)}")["result"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.get("/api/v1/rules")["groups"] for rule in group["rules"]]


@contextmanager
def running(
    program: Path, config: dict[str, Any], folder: Path, *flags: str
) -> Iterator[Prometheus]:
    """Its configuration, data and log are in the folder."""
    address = f"127.0.0.1:{free_port()}"
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
                *flags,
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Prometheus(address)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def scrape_configs(jobs: Jobs, target: str) -> list[dict[str, Any]]:
    """The two jobs that the rules expect, of one sidecar."""
    paths = {jobs.api: "/metrics/app", jobs.workers: "/metrics"}
    return [
        {"job_name": job, "metrics_path": path, "static_configs": [{"targets": [target]}]}
        for job, path in paths.items()
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
