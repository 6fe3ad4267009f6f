"""The stand-in under real uvicorn, as a test needs it: quick, small, and on a free port."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from demo.injection import Effect, Injection, write
from demo.processes import free_port
from tests.bundle import ROOT
from tests.live.waiting import PATIENCE, until

BODY = {
    "answer": "Die regelmäßige Verjährungsfrist beträgt nach § 195 BGB drei Jahre.",
    "sources": [{"text": "Die regelmäßige Verjährungsfrist beträgt drei Jahre.", "score": 0.9}],
}


@dataclass
class Standin:
    url: str
    folder: Path

    @property
    def log(self) -> str:
        return _log(self.folder).read_text()

    def verify(self, body: Any = None, **headers: str) -> requests.Response:
        return requests.post(
            f"{self.url}/verify", json=body or BODY, headers=headers, timeout=PATIENCE
        )

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=PATIENCE)

    def metric(self, name: str, **labels: str) -> float | None:
        text = self.get("/metrics").text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return None

    @property
    def served(self) -> float | None:
        """Verifications that succeeded, as it counts them itself."""
        return self.metric("auditor_verify_requests_total", status="success")

    def inject(self, effect: Effect, amount: float, worker: int | None = None) -> None:
        """In place of what was injected before."""
        write(self.folder, [Injection(effect, amount, time.time(), worker)])


def _log(folder: Path) -> Path:
    return folder / "log"


@contextmanager
def standin(folder: Path, workers: int = 1, **environment: str) -> Iterator[Standin]:
    """Without a rate limit; its control file, rows and log are in `folder`."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "demo.auditor.app:create"]
    settings = {
        "STANDIN_WORK_SECONDS": "0",
        "STANDIN_LOAD_SECONDS": "0",
        "STANDIN_MODEL_BYTES": "4096",
        "STANDIN_CONTROL": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'rows'}",
        "ENABLE_RATE_LIMITING": "false",
    }
    several = ["--workers", str(workers)] if workers > 1 else []
    with _log(folder).open("w") as file:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--log-level", "warning", *several],
            cwd=ROOT,
            env=os.environ | settings | environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        started = Standin(f"http://127.0.0.1:{port}", folder)
        until(lambda: started.get("/health").ok, f"the stand-in serves, see {_log(folder)}")
        yield started
    finally:
        process.terminate()
        process.wait(PATIENCE)
