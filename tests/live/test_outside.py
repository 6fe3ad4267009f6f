"""What is gone is noticed: the rendered configuration, a real Prometheus and blackbox_exporter.

Everything is scraped every second, and waits are seconds instead of minutes.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from generator.bundle import render
from generator.config import load
from generator.deploy.stack import BLACKBOX, PROMETHEUS, RULES
from generator.names import ALERTMANAGER, BLACKBOX_SUCCESS, UP
from generator.thresholds import Thresholds
from tests import tools
from tests.bundle import FILE, text
from tests.live.prometheus import Prometheus, free_port, running
from tests.live.target import serve
from tests.live.waiting import PATIENCE, until
from tests.tools.skipping import had

pytestmark = pytest.mark.xdist_group("outside")

# Seconds that a failure must last.
WAIT: Final = 4
WATCHDOG: Final = ("AuditorWatchdog", "info")
UNREACHABLE: Final = ("AuditorUnreachable", "critical")
INSTANCE_LOST: Final = ("AuditorInstanceLost", "critical")
SIDECAR_DOWN: Final = ("AuditorSidecarDown", "warning")
BLACKBOX_DOWN: Final = ("AuditorBlackboxDown", "warning")


class Health(BaseHTTPRequestHandler):
    """The API: nothing but its health check."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def api() -> Iterator[int]:
    """The port on which the API responds."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(PATIENCE)


@contextmanager
def blackbox(program: Path, config: Path, address: str) -> Iterator[None]:
    process = subprocess.Popen(
        [program, f"--config.file={config}", f"--web.listen-address={address}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait(PATIENCE)


@dataclass
class Stack:
    """What each part is stopped with; `firing` has the name and severity of each alert."""

    sidecar: str
    parts: dict[str, ExitStack] = field(default_factory=dict)
    prometheus: Prometheus | None = None

    def stop(self, *names: str) -> None:
        for name in names:
            self.parts[name].close()

    def query(self, expr: str) -> list[Any]:
        assert self.prometheus
        return self.prometheus.query(expr)

    def firing(self) -> set[tuple[str, str]]:
        found = (each["metric"] for each in self.query('ALERTS{alertstate="firing"}'))
        return {(each["alertname"], each["severity"]) for each in found} - {WATCHDOG}

    def has_fired(self) -> set[tuple[str, str]]:
        found = self.query('last_over_time(ALERTS{alertstate="firing"}[10m])')
        labels = (each["metric"] for each in found)
        return {(each["alertname"], each["severity"]) for each in labels} - {WATCHDOG}

    def wait_for(self, *alerts: tuple[str, str]) -> None:
        until(lambda: set(alerts) <= self.firing(), f"{alerts} fire; {self.has_fired()} did")

    def outlast(self, expr: str) -> None:
        """Until `expr` has held for three times as long as an alert waits."""
        until(lambda: self.query(f"min_over_time(({expr})[{3 * WAIT}s:1s]) == 1"), expr)


def hurried(sidecar: str, api_port: int, blackbox_at: str) -> Thresholds:
    waits = {"for": f"{WAIT}s"}
    critical = {"critical": waits, "keep_firing_for": "1s"}
    warning = {"warning": waits, "keep_firing_for": "1s"}
    overlay = {
        "service": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "deploy": {"sidecars": [sidecar], "api_port": api_port, "blackbox": blackbox_at},
        "alerts": {
            "unreachable": critical,
            "instance_lost": critical,
            "sidecar_down": warning,
            "blackbox_down": warning,
        },
    }
    return load(text(), FILE, [("hurried.json", json.dumps(overlay))])


@pytest.fixture
def stack(
    prometheus_server: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Stack]:
    """All of it, or no blackbox_exporter where the parameter says so."""
    probed = getattr(request, "param", True)
    pairs = dict(zip(tools.PROMETHEUSES, tools.BLACKBOX_EXPORTERS, strict=True))
    program = had(pairs[prometheus_server.name])
    blackbox_at = f"127.0.0.1:{free_port()}"
    with ExitStack() as everything:
        parts = {
            name: everything.enter_context(ExitStack()) for name in ("sidecar", "api", "blackbox")
        }
        api_port = parts["api"].enter_context(api())
        thresholds = load(text(), FILE)
        found = Stack(parts["sidecar"].enter_context(serve(thresholds)), parts)
        rendered = render(hurried(found.sidecar, api_port, blackbox_at))
        for path, content in rendered.items():
            if path.startswith("alerts/") or path == BLACKBOX:
                (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / path).write_text(content)
        rules = str(tmp_path / "alerts/*.yml")
        config = yaml.safe_load(rendered[PROMETHEUS].replace(RULES, rules))
        del config["alerting"]
        absent = {ALERTMANAGER} if probed else {ALERTMANAGER, thresholds.service.jobs.probe}
        jobs = config["scrape_configs"]
        config["scrape_configs"] = [each for each in jobs if each["job_name"] not in absent]
        if probed:
            parts["blackbox"].enter_context(blackbox(program, tmp_path / BLACKBOX, blackbox_at))
        found.prometheus = everything.enter_context(running(prometheus_server, config, tmp_path))
        success = f"{UP} and on (instance) {BLACKBOX_SUCCESS} == 1" if probed else UP
        until(lambda: len(found.query(f"{success} == 1")) == 2 + probed, "all of it is up")
        yield found


def test_a_host_that_is_killed_pages_as_unreachable(stack: Stack) -> None:
    stack.stop("api", "sidecar")
    stack.wait_for(UNREACHABLE, SIDECAR_DOWN)
    assert stack.has_fired() <= {UNREACHABLE, SIDECAR_DOWN, INSTANCE_LOST}
    (probe,) = stack.query(BLACKBOX_SUCCESS)
    assert probe["metric"]["instance"] == stack.sidecar


@pytest.mark.full
def test_a_sidecar_that_is_killed_alone_is_a_ticket(stack: Stack) -> None:
    stack.stop("sidecar")
    stack.outlast(f'1 - max({UP}{{job!="auditor-probe"}})')
    stack.wait_for(SIDECAR_DOWN)
    assert stack.has_fired() == {SIDECAR_DOWN}


@pytest.mark.full
def test_a_service_that_is_killed_alone_is_unreachable(stack: Stack) -> None:
    stack.stop("api")
    stack.wait_for(UNREACHABLE)
    assert stack.has_fired() == {UNREACHABLE}


@pytest.mark.full
def test_a_blackbox_exporter_that_is_killed_is_a_ticket(stack: Stack) -> None:
    stack.stop("blackbox")
    stack.outlast(f'1 - max({UP}{{job="auditor-probe"}})')
    stack.wait_for(BLACKBOX_DOWN)
    assert stack.has_fired() == {BLACKBOX_DOWN}


@pytest.mark.parametrize("stack", [False], indirect=True, ids=["without-blackbox"])
def test_without_a_view_from_outside_a_host_that_is_killed_is_lost(stack: Stack) -> None:
    stack.stop("api", "sidecar")
    stack.wait_for(INSTANCE_LOST, SIDECAR_DOWN)
    assert stack.has_fired() == {INSTANCE_LOST, SIDECAR_DOWN}
