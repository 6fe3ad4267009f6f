"""The components of the stack, each on a free port of the loopback interface."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from demo import faults, injection
from demo.clients import Alertmanager, Prometheus
from demo.database import Database
from demo.grafana import grafana
from demo.injection import Effect
from demo.processes import Component, free_port, responds
from demo.receiver import Receiver
from generator.alerts import all_alerts
from generator.alerts.model import Alert
from generator.bundle import render
from generator.config import load
from generator.deploy import alertmanager
from generator.deploy.stack import BLACKBOX, DASHBOARDS, PROMETHEUS, RULES, shortest_for
from generator.thresholds import Thresholds
from generator.thresholds.units import format_duration
from tests import tools

ROOT: Final = Path(__file__).resolve().parents[1]
OVERLAY: Final = ROOT / "demo" / "overlay.yaml"
# A low limit, so that a leak of file descriptors reaches it within seconds.
MAX_FDS: Final = 256
STANDIN: Final = {
    "ENABLE_RATE_LIMITING": "false",
    "STANDIN_WORK_SECONDS": "0.02",
    "STANDIN_LOAD_SECONDS": "0.5",
    "STANDIN_MODEL_BYTES": str(32 << 20),
}
PROBE: Final = ("--probe-interval", "1", "--probe-timeout", "2", "--watch-interval", "0.5")

# What an effect on more than the workers kills.
KILLED: Final[Mapping[Effect, tuple[str, ...]]] = {
    Effect.HOST: ("auditor", "sidecar"),
    Effect.OUTSIDE: ("blackbox",),
    Effect.FLAPPING: ("sidecar",),
}
POLL_SECONDS: Final = 0.5
# These start while the next component does.
STARTED_TOGETHER: Final = ("auditor", "blackbox", "alertmanager")


@dataclass(frozen=True)
class Options:
    """`overlays` are applied after the demo's own; 0 `users` is no traffic."""

    workers: int = 4
    users: int = 8
    prometheus: str = "prometheus-3"
    alertmanager: str = "alertmanager-0.33"
    blackbox: str = "blackbox-exporter-0.28"
    grafana: bool = True
    overlays: tuple[Path, ...] = ()


class Stack:
    """Configurations, data and logs are in `folder`, which is cleared first."""

    def __init__(self, folder: Path, options: Options) -> None:
        """Raises tools.MissingToolError, and ConfigError for an invalid overlay."""
        self.folder = folder
        self.options = options
        names = ("api", "sidecar", "blackbox", "prometheus", "alertmanager", "grafana")
        self.ports = {name: free_port() for name in names}
        self.control = folder / "control"
        self._stack = ExitStack()
        self._stopped = threading.Event()
        self.receiver = Receiver()
        self.database = Database()
        self.thresholds = self._thresholds()
        self.components = {each.name: each for each in self._components()}

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

    def start(self, log: Callable[[str], None] = lambda _: None) -> None:
        """Start everything and wait until it is ready; raises ComponentError."""
        self._write_bundle()
        self._stack.enter_context(self.receiver)
        self._stack.enter_context(self.database)
        starting = []
        for component in self.components.values():
            log(f"starting {component.name}")
            self._stack.callback(component.stop)
            component.start()
            starting.append(component)
            if component.name not in STARTED_TOGETHER:
                for each in starting:
                    each.wait_ready()
                starting.clear()
        follower = threading.Thread(target=self._follow_kills, daemon=True)
        self._stack.callback(follower.join)
        self._stack.callback(self._stopped.set)
        follower.start()

    def _follow_kills(self) -> None:
        """Kill components, or start them again, as the injected faults say."""
        killed: set[str] = set()
        while not self._stopped.wait(POLL_SECONDS):
            wanted = {
                name
                for each in injection.read(self.control)
                if each.effect is not Effect.FLAPPING
                or (time.time() - each.since) // each.amount % 2 == 0
                for name in KILLED.get(each.effect, ())
            }
            for name in wanted ^ killed:
                component = self.components[name]
                component.kill() if name in wanted else component.start()
            killed = wanted

    def stop(self) -> None:
        """In reverse order."""
        self._stack.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def restart(self, name: str) -> None:
        """Restart a component; it keeps its data."""
        component = self.components[name]
        component.stop()
        component.start()
        component.wait_ready()

    def inject(self, wanted: Sequence[str]) -> None:
        """Replace the current faults; raises UnknownFaultError."""
        injection.write(self.control, faults.injections(wanted, time.time()))

    def _thresholds(self) -> Thresholds:
        def address(name: str) -> str:
            return f"127.0.0.1:{self.ports[name]}"

        local = {
            "service": {
                "expected_workers": self.options.workers,
                "links": {"grafana": self.url("grafana")},
            },
            "deploy": {
                "sidecars": [address("sidecar")],
                "api_port": self.ports["api"],
                "blackbox": address("blackbox"),
                "alertmanagers": [address("alertmanager")],
                "prometheus": self.url("prometheus"),
            },
            "routing": {
                "receivers": {each: self.receiver.url(each) for each in alertmanager.ALL_RECEIVERS}
            },
        }
        files = (OVERLAY, *self.options.overlays)
        overlays = [(str(path), path.read_text()) for path in files]
        base = ROOT / "thresholds.yaml"
        return load(base.read_text(), str(base), [*overlays, ("this machine", json.dumps(local))])

    def _write_bundle(self) -> None:
        """Write the rendered bundle, with the paths in its configurations changed to `folder`."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("control", "metrics", "log"):
            (self.folder / name).mkdir(parents=True)
        moved = {RULES: "alerts/*.yml", DASHBOARDS: "dashboards"}
        for path, text in render(self.thresholds).items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            for installed, local in moved.items():
                text = text.replace(installed, str(self.folder / local))  # noqa: PLW2901
            file.write_text(text)

    def _components(self) -> list[Component]:
        """In starting order: Prometheus after its targets, the load last."""
        components = [
            self._auditor(),
            self._sidecar(),
            self._blackbox(),
            self._alertmanager(),
            self._prometheus(),
        ]
        if self.options.grafana and (found := grafana(self.folder, self.ports["grafana"])):
            components.append(found)
        if self.options.users:
            components.append(self._load())
        return components

    def _log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    def _auditor(self) -> Component:
        pool = self.thresholds.service.database_pool
        workers = ["--workers", str(self.options.workers)] if self.options.workers > 1 else []
        server = [sys.executable, "-m", "uvicorn", "--factory", "demo.auditor.app:create"]
        options = ["--port", str(self.ports["api"]), "--no-access-log", "--log-level", "warning"]
        return Component(
            "auditor",
            ["prlimit", f"--nofile={MAX_FDS}:{MAX_FDS}", "--", *server, *options, *workers],
            self._log("auditor"),
            responds(f"{self.url('api')}/health"),
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

    def _sidecar(self) -> Component:
        options = [
            *("--port", str(self.ports["api"]), "--db-ports", str(self.database.port)),
            *("--listen", f"127.0.0.1:{self.ports['sidecar']}"),
            *("--app-folder", str(self.folder / "metrics")),
        ]
        return Component(
            "sidecar",
            [sys.executable, "-m", "exporters", *options, *PROBE],
            self._log("sidecar"),
            responds(f"{self.url('sidecar')}/-/ready"),
            folder=ROOT,
        )

    def _blackbox(self) -> Component:
        return Component(
            "blackbox",
            [
                *tools.command(self.options.blackbox),
                f"--config.file={self.folder / BLACKBOX}",
                f"--web.listen-address=127.0.0.1:{self.ports['blackbox']}",
            ],
            self._log("blackbox"),
            responds(f"{self.url('blackbox')}/-/healthy"),
        )

    def _alertmanager(self) -> Component:
        return Component(
            "alertmanager",
            [
                *tools.command(self.options.alertmanager),
                f"--config.file={self.folder / alertmanager.PATH}",
                f"--storage.path={self.folder / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{self.ports['alertmanager']}",
                "--cluster.listen-address=",
            ],
            self._log("alertmanager"),
            responds(f"{self.url('alertmanager')}/-/ready"),
        )

    def _prometheus(self) -> Component:
        return Component(
            "prometheus",
            [
                *tools.command(self.options.prometheus),
                f"--config.file={self.folder / PROMETHEUS}",
                f"--storage.tsdb.path={self.folder / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{self.ports['prometheus']}",
                "--rules.alert.resend-delay=5s",
                f"--rules.alert.for-grace-period={format_duration(shortest_for(self.thresholds))}",
            ],
            self._log("prometheus"),
            responds(f"{self.url('prometheus')}/-/ready"),
        )

    def _load(self) -> Component:
        users = str(self.options.users)
        return Component(
            "load",
            [
                *(sys.executable, "-m", "locust", "-f", "tests/performance/locustfile.py"),
                *("--headless", "--users", users, "--spawn-rate", users),
                *("--host", self.url("api"), "--only-summary", "StandardUser"),
            ],
            self._log("load"),
            folder=ROOT,
        )
