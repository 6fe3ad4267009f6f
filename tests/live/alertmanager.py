"""A real Alertmanager with the rendered configuration, and a webhook for all of its receivers."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from generator.alerts.model import Alert
from generator.config import load
from generator.deploy.alertmanager import ALL_RECEIVERS, RECEIVERS, WATCHDOG, render
from generator.rules import rule_labels
from tests import tools
from tests.bundle import FILE, alerts, text, thresholds
from tests.live.prometheus import free_port
from tests.live.waiting import PATIENCE, until

Labels = dict[str, str]


@dataclass
class Phone:
    """What the receivers got: the path that was called and the body, and when."""

    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    # Paths that answer 503 so many times before they accept.
    failures: dict[str, int] = field(default_factory=dict)
    # Seconds that an answer takes.
    delay: float = 0.0

    def alerts(self, status: str = "firing") -> set[tuple[str, str, str]]:
        """Receiver, alert and severity of every alert that was notified of."""
        return {
            (receiver, each["labels"]["alertname"], each["labels"]["severity"])
            for receiver, notification in list(self.told)
            for each in notification["alerts"]
            if each["status"] == status
        }

    def notifications(self, receiver: str) -> list[dict[str, Any]]:
        return [body for name, body in list(self.told) if name == receiver]


@contextmanager
def phone() -> Iterator[tuple[Phone, int]]:
    """A webhook, and its port."""
    heard = Phone()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receiver = self.path.removeprefix("/")
            fails = heard.failures.get(receiver, 0) > 0
            if fails:
                heard.failures[receiver] -= 1
            else:
                heard.told.append((receiver, body))
                heard.times[receiver].append(time.monotonic())
            time.sleep(heard.delay)
            self.send_response(503 if fails else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield heard, server.server_address[1]
        finally:
            server.shutdown()
            thread.join(PATIENCE)


def configuration(port: int, routing: Mapping[str, Any]) -> dict[str, str]:
    """The rendered files by name, with the receivers at `port` and other values of `routing`."""
    receivers = {name: f"http://127.0.0.1:{port}/{name}" for name in ALL_RECEIVERS}
    overlay = json.dumps({"routing": {"receivers": receivers, **routing}})
    rendered = render(load(text(), FILE, [("routing.json", overlay)]), alerts())
    return {Path(path).name: content for path, content in rendered.items()}


HASTY = {
    "group_wait": "200ms",
    "group_interval": {"availability": "1s", "other": "1s"},
    "heartbeat": "1s",
}


class Alertmanager:
    def __init__(self, port: int) -> None:
        self.target = f"127.0.0.1:{port}"
        self.address = f"http://{self.target}"

    def ready(self) -> bool:
        return requests.get(f"{self.address}/-/ready", timeout=PATIENCE).ok

    def send(self, *labels: Labels, resolved: bool = False) -> None:
        """As Prometheus sends alerts, which carry their texts."""
        now = datetime.now(UTC)
        ends = now if resolved else now + timedelta(minutes=5)
        body = [
            {
                "labels": each,
                "annotations": {"summary": f"{each['alertname']} is here"},
                "startsAt": (now - timedelta(seconds=resolved)).isoformat(),
                "endsAt": ends.isoformat(),
            }
            for each in labels
        ]
        requests.post(
            f"{self.address}/api/v2/alerts", json=body, timeout=PATIENCE
        ).raise_for_status()

    def states(self) -> dict[frozenset[tuple[str, str]], bool]:
        """Whether each alert is inhibited, by its labels."""
        found = requests.get(f"{self.address}/api/v2/alerts", timeout=PATIENCE).json()
        return {
            frozenset(each["labels"].items()): bool(each["status"]["inhibitedBy"]) for each in found
        }


@contextmanager
def running(server: str, folder: Path, files: Mapping[str, str]) -> Iterator[Alertmanager]:
    """With these files by name; its data and log are in the folder, too."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                *tools.command(server),
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            started = Alertmanager(port)
            until(started.ready, f"Alertmanager is ready, see {folder / 'log'}")
            yield started
        finally:
            process.terminate()
            process.wait(PATIENCE)


def every_rule(which: Sequence[Alert] = ()) -> list[tuple[Alert, Labels]]:
    """Each alert in each severity, with the labels that its first firing test has."""
    found = []
    for alert in which or alerts():
        tests = (each for case in alert.cases for each in case.alert_tests if each.firing)
        own = next(tests).labels
        found += [
            (
                alert,
                {"alertname": alert.name, **rule_labels(thresholds(), alert, trigger), **own},
            )
            for trigger in alert.triggers
        ]
    return found


def labels(name: str, severity: str, **other: str) -> Labels:
    (found,) = [
        each for alert, each in every_rule() if (alert.name, each["severity"]) == (name, severity)
    ]
    return {**found, **other}


def receiver_of(each: Labels) -> str:
    special = {WATCHDOG: "watchdog", "AuditorNotificationsFailing": "fallback"}
    return special.get(each["alertname"], RECEIVERS[each["severity"]])
