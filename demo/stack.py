"""The parts of the stack on this machine, each on a free port of the loopback interface."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from demo import faults, injection
from demo.clients import Alertmanager, Prometheus
from demo.database import Database
from demo.grafana import grafana
from demo.processes import Part, answers, free_port
from demo.receiver import Receiver
from generator.alerts import all_alerts
from generator.alerts.model import Alert
from generator.bundle import render
from generator.config import load
from generator.deploy import alertmanager
from generator.deploy.stack import DASHBOARDS, PROMETHEUS, RULES
from generator.thresholds import Thresholds
from tests import tools

ROOT: Final = Path(__file__).resolve().parents[1]
OVERLAY: Final = ROOT / "demo" / "overlay.yaml"
# A worker's descriptors, so that a leak reaches the limit within the demo's patience.
MAX_FDS: Final = 256
STANDIN: Final = {
    "ENABLE_RATE_LIMITING": "false",
    "STANDIN_WORK_SECONDS": "0.02",
    "STANDIN_LOAD_SECONDS": "0.5",
    "STANDIN_MODEL_BYTES": str(32 << 20),
}
PROBE: Final = ("--probe-interval", "1", "--probe-timeout", "2", "--watch-interval", "0.5")


@dataclass(frozen=True)
class Options:
    """`overlays` are files beside the demo's own; `users` 0 is no traffic."""

    workers: int = 4
    users: int = 8
    prometheus: str = "prometheus-3"
    alertmanager: str = "alertmanager-0.33"
    grafana: bool = True
    overlays: tuple[Path, ...] = ()


class Stack:
    """Everything is in `folder`: configurations, data, logs; what was there before is removed."""

    def __init__(self, folder: Path, options: Options) -> None:
        """Raises tools.MissingToolError, and ConfigError for an overlay that is wrong."""
        self.folder = folder
        self.options = options
        names = ("api", "sidecar", "prometheus", "alertmanager", "grafana")
        self.ports = {name: free_port() for name in names}
        self.control = folder / "control"
        self._stack = ExitStack()
        self.receiver = Receiver()
        self.database = Database()
        self.thresholds = self._thresholds()
        self.parts = {part.name: part for part in self._parts()}

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    @property
    def prometheus(self) -> Prometheus:
        return Prometheus(self.url("prometheus"))

    @property
    def alertmanager(self) -> Alertmanager:
        return Alertmanager(self.url("alertmanager"))

    @cached_property
    def alerts(self) -> tuple[Alert, ...]:
        return all_alerts(self.thresholds)

    def start(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Until everything serves; raises FailedError."""
        self._write()
        self._stack.enter_context(self.receiver)
        self._stack.enter_context(self.database)
        for name, part in self.parts.items():
            say(f"starting {name}")
            self._stack.callback(part.end)
            part.start()
            if name not in ("auditor", "alertmanager"):  # they start beside the next
                self._await(name)

    def _await(self, name: str) -> None:
        """Prometheus looks once there is something to see, and the load comes last."""
        before = {"sidecar": ("auditor",), "prometheus": ("alertmanager",)}
        for each in (*before.get(name, ()), name):
            self.parts[each].wait()

    def end(self) -> None:
        """In the reverse order."""
        self._stack.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def restart(self, name: str) -> None:
        """End a part and start it anew, with the data that it had."""
        self.parts[name].end()
        self.parts[name].start()
        self.parts[name].wait()

    def inject(self, wanted: Sequence[str]) -> None:
        """These faults in place of those before; raises UnknownFaultError."""
        injection.write(self.control, faults.injections(wanted, time.time()))

    def _thresholds(self) -> Thresholds:
        def named(name: str) -> str:
            return f"127.0.0.1:{self.ports[name]}"

        here = {
            "service": {
                "expected_workers": self.options.workers,
                "links": {"grafana": self.url("grafana")},
            },
            "deploy": {
                "sidecars": [named("sidecar")],
                "alertmanagers": [named("alertmanager")],
                "prometheus": self.url("prometheus"),
            },
            "routing": {
                "receivers": {
                    each: self.receiver.url(each)
                    for each in ("pages", "tickets", "info", "watchdog")
                }
            },
        }
        files = (OVERLAY, *self.options.overlays)
        overlays = [(str(path), path.read_text()) for path in files]
        base = ROOT / "thresholds.yaml"
        return load(base.read_text(), str(base), [*overlays, ("this machine", json.dumps(here))])

    def _write(self) -> None:
        """The bundle as rendered, but for the folders that its configurations name."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("control", "metrics", "log"):
            (self.folder / name).mkdir(parents=True)
        places = {RULES: "alerts/*.yml", DASHBOARDS: "dashboards"}
        for path, text in render(self.thresholds).items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            for installed, here in places.items():
                text = text.replace(installed, str(self.folder / here))  # noqa: PLW2901  # step by step
            file.write_text(text)

    def _parts(self) -> list[Part]:
        parts = [
            self._auditor(),
            self._sidecar(),
            self._alertmanager(),
            self._prometheus(),
        ]
        if self.options.grafana and (found := grafana(self.folder, self.ports["grafana"])):
            parts.append(found)
        if self.options.users:
            parts.append(self._load())
        return parts

    def _log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    def _auditor(self) -> Part:
        """Its workers are found by the sidecar, so nothing here names them."""
        pool = self.thresholds.service.database_pool
        several = ["--workers", str(self.options.workers)] if self.options.workers > 1 else []
        server = [sys.executable, "-m", "uvicorn", "--factory", "demo.auditor.app:create"]
        options = ["--port", str(self.ports["api"]), "--no-access-log", "--log-level", "warning"]
        return Part(
            "auditor",
            ["prlimit", f"--nofile={MAX_FDS}:{MAX_FDS}", "--", *server, *options, *several],
            self._log("auditor"),
            answers(f"{self.url('api')}/health"),
            {
                **STANDIN,
                "PROMETHEUS_MULTIPROC_DIR": str(self.folder / "metrics"),
                "DATABASE_URL": f"sqlite:///{self.folder / 'verifications.sqlite'}",
                "DB_POOL_SIZE": str(pool.size),
                "DB_MAX_OVERFLOW": str(pool.overflow),
                "STANDIN_DATABASE": f"127.0.0.1:{self.database.port}",
                "STANDIN_CONTROL": str(self.control),
            },
            ROOT,
        )

    def _sidecar(self) -> Part:
        places = ["--port", str(self.ports["api"]), "--db-ports", str(self.database.port)]
        serve = ["--listen", f"127.0.0.1:{self.ports['sidecar']}"]
        folder = ["--app-folder", str(self.folder / "metrics")]
        return Part(
            "sidecar",
            [sys.executable, "-m", "exporters", *places, *serve, *folder, *PROBE],
            self._log("sidecar"),
            answers(f"{self.url('sidecar')}/-/ready"),
            folder=ROOT,
        )

    def _alertmanager(self) -> Part:
        return Part(
            "alertmanager",
            [
                *tools.command(self.options.alertmanager),
                f"--config.file={self.folder / alertmanager.PATH}",
                f"--storage.path={self.folder / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{self.ports['alertmanager']}",
                "--cluster.listen-address=",
            ],
            self._log("alertmanager"),
            answers(f"{self.url('alertmanager')}/-/ready"),
        )

    def _prometheus(self) -> Part:
        return Part(
            "prometheus",
            [
                *tools.command(self.options.prometheus),
                f"--config.file={self.folder / PROMETHEUS}",
                f"--storage.tsdb.path={self.folder / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{self.ports['prometheus']}",
                "--rules.alert.resend-delay=5s",
            ],
            self._log("prometheus"),
            answers(f"{self.url('prometheus')}/-/ready"),
        )

    def _load(self) -> Part:
        users = str(self.options.users)
        return Part(
            "load",
            [
                *(sys.executable, "-m", "locust", "-f", "tests/performance/locustfile.py"),
                *("--headless", "--users", users, "--spawn-rate", users),
                *("--host", self.url("api"), "--only-summary", "StandardUser"),
            ],
            self._log("load"),
            folder=ROOT,
        )
