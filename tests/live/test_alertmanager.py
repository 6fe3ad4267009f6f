"""The rendered configuration in real Alertmanagers: who is told what, and what is kept back."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from generator.alerts.model import LABELS, Alert
from generator.config import load
from generator.deploy.alertmanager import PATH, RECEIVERS, WATCHDOG, render
from generator.rules import rule_labels
from tests import tools
from tests.bundle import FILE, ROOT, alerts, text, thresholds
from tests.live.prometheus import free_port
from tests.live.waiting import HANGS, PATIENCE, until

Labels = dict[str, str]
HERE = {"job": "auditor-workers", "instance": "auditor:9105", "worker": "0"}


@dataclass
class Phone:
    """What the receivers have been told: name of the receiver and the notification."""

    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def alerts(self, status: str = "firing") -> set[tuple[str, str, str]]:
        """Receiver, alert and severity of all that was told."""
        return {
            (receiver, each["labels"]["alertname"], each["labels"]["severity"])
            for receiver, notification in list(self.told)
            for each in notification["alerts"]
            if each["status"] == status
        }


@contextmanager
def phone() -> Iterator[tuple[Phone, int]]:
    heard = Phone()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receiver = self.path.removeprefix("/")
            heard.told.append((receiver, body))
            heard.times[receiver].append(time.monotonic())
            self.send_response(200)
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


def hasty(port: int) -> str:
    """The configuration with other addresses and waits of a moment, by an overlay."""
    receivers = {
        name: f"http://127.0.0.1:{port}/{name}" for name in (*RECEIVERS.values(), "watchdog")
    }
    routing = {
        "group_wait": "200ms",
        "group_interval": "1s",
        "heartbeat": "1s",
        "receivers": receivers,
    }
    overlay = json.dumps({"routing": routing})
    return render(load(text(), FILE, [("hasty.json", overlay)]), alerts())[PATH]


class Alertmanager:
    def __init__(self, port: int, heard: Phone) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.heard = heard

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


@pytest.fixture
def alertmanager(alertmanager_server: Path, tmp_path: Path) -> Iterator[Alertmanager]:
    port = free_port()
    with phone() as (heard, receiver), (tmp_path / "log").open("w") as log:
        (tmp_path / "alertmanager.yml").write_text(hasty(receiver))
        process = subprocess.Popen(
            [
                *tools.command(alertmanager_server.name),
                f"--config.file={tmp_path / 'alertmanager.yml'}",
                f"--storage.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            running = Alertmanager(port, heard)
            until(running.ready, f"Alertmanager is ready, see {tmp_path / 'log'}")
            yield running
        finally:
            process.terminate()
            process.wait(PATIENCE)


def every_rule() -> list[tuple[Alert, Labels]]:
    """Each alert in each severity, with the labels that it fires with."""
    return [
        (
            alert,
            {
                "alertname": alert.name,
                **rule_labels(thresholds(), alert, trigger),
                **{name: HERE[name] for name in LABELS[alert.scope]},
            },
        )
        for alert in alerts()
        for trigger in alert.triggers
    ]


def labels(name: str, severity: str, **other: str) -> Labels:
    (found,) = [
        each for alert, each in every_rule() if (alert.name, each["severity"]) == (name, severity)
    ]
    return {**found, **other}


def receiver_of(each: Labels) -> str:
    return "watchdog" if each["alertname"] == WATCHDOG else RECEIVERS[each["severity"]]


def expected(*sent: Labels) -> set[tuple[str, str, str]]:
    return {(receiver_of(each), each["alertname"], each["severity"]) for each in sent}


def test_amtool_takes_the_committed_configuration(amtool: Path) -> None:
    run = subprocess.run(
        [amtool, "check-config", ROOT / PATH],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    "each",
    [each for _, each in every_rule()],
    ids=lambda each: f"{each['alertname']}-{each['severity']}",
)
def test_every_alert_has_its_receiver(amtool: Path, each: Labels) -> None:
    pairs = [f"{name}={value}" for name, value in each.items()]
    run = subprocess.run(
        [amtool, "config", "routes", "test", f"--config.file={ROOT / PATH}", *pairs],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=True,
    )
    assert run.stdout.split() == [receiver_of(each)]


def test_alerts_arrive_with_their_texts_and_are_resolved(alertmanager: Alertmanager) -> None:
    sent = [
        labels("AuditorHighErrorRate", "critical"),
        labels("AuditorMemoryLeak", "warning"),
        labels("AuditorNoTraffic", "info"),
    ]
    alertmanager.send(*sent)
    heard = alertmanager.heard
    until(lambda: heard.alerts() == expected(*sent), "all have arrived")
    summaries = {
        each["annotations"]["summary"] for _, told in heard.told for each in told["alerts"]
    }
    assert summaries == {f"{each['alertname']} is here" for each in sent}
    alertmanager.send(*sent, resolved=True)
    until(lambda: heard.alerts("resolved") == expected(*sent), "all are resolved")


def test_alerts_of_one_incident_are_one_notification(alertmanager: Alertmanager) -> None:
    sent = [
        labels(name, "critical")
        for name in ("AuditorHighLatency", "AuditorHighTailLatency", "AuditorHighMedianLatency")
    ]
    alertmanager.send(*sent)
    until(lambda: alertmanager.heard.alerts() == expected(*sent), "all have arrived")
    assert len(alertmanager.heard.times["pages"]) == 1


def test_a_critical_alert_keeps_its_own_warning_back(alertmanager: Alertmanager) -> None:
    critical = labels("AuditorHighMemory", "critical")
    other = labels("AuditorHighMemory", "warning", worker="1", instance="other:9105")
    alertmanager.send(critical)
    until(lambda: alertmanager.heard.alerts() == expected(critical), "the page has arrived")
    alertmanager.send(critical, labels("AuditorHighMemory", "warning"), other)
    until(lambda: len(alertmanager.heard.alerts()) == 2, "the other worker's has arrived")
    assert instances(alertmanager, "tickets") == {"other:9105"}
    alertmanager.send(critical, resolved=True)
    until(
        lambda: instances(alertmanager, "tickets") == {"other:9105", HERE["instance"]},
        "the warning comes when the page is resolved",
    )


def instances(alertmanager: Alertmanager, receiver: str) -> set[str]:
    """Whose alerts it was notified of as firing."""
    return {
        each["labels"]["instance"]
        for name, told in list(alertmanager.heard.told)
        for each in told["alerts"]
        if name == receiver and each["status"] == "firing"
    }


@pytest.mark.parametrize(
    ("name", "severity", "hidden", "shown"),
    [
        (
            "AuditorDown",
            "critical",
            [
                "AuditorHighErrorRate",
                "AuditorHighLatency",
                "AuditorWorkersMissing",
                "AuditorNoTraffic",
            ],
            ["AuditorSidecarErrors"],
        ),
        (
            "AuditorSidecarBlind",
            "warning",
            ["AuditorWorkersMissing", "AuditorMemoryLeak", "AuditorManyThreads"],
            ["AuditorHighErrorRate", "AuditorRequestsWaiting"],
        ),
        (
            "AuditorSidecarDown",
            "warning",
            ["AuditorWorkerCrashLoop", "AuditorFastMemoryLeak"],
            ["AuditorHighErrorRate"],
        ),
    ],
)
def test_what_explains_others_keeps_them_back(
    alertmanager: Alertmanager, name: str, severity: str, hidden: list[str], shown: list[str]
) -> None:
    """On its own instance; on another one they are heard."""
    cause = labels(name, severity)
    alertmanager.send(cause)
    until(lambda: expected(cause) <= alertmanager.heard.alerts(), "the cause has arrived")
    rules = [each for _, each in every_rule() if each["alertname"] in hidden]
    visible = [each for _, each in every_rule() if each["alertname"] in shown]
    elsewhere = [{**each, "instance": "other:9105"} for each in rules if each["severity"] != "info"]
    alertmanager.send(cause, *rules, *visible, *elsewhere)
    wanted = expected(cause, *(each for each in (*visible, *elsewhere) if not lower_severity(each)))
    until(lambda: wanted <= alertmanager.heard.alerts(), "the rest has arrived")
    told = [
        each["labels"]
        for _, notification in alertmanager.heard.told
        for each in notification["alerts"]
        if each["labels"]["instance"] == HERE["instance"]
    ]
    assert not {each["alertname"] for each in told} & set(hidden)


def lower_severity(each: Labels) -> bool:
    """Its own critical one is sent beside it."""
    severities = {
        other["severity"] for _, other in every_rule() if other["alertname"] == each["alertname"]
    }
    return each["severity"] != "critical" and "critical" in severities


def test_the_watchdog_is_heard_at_every_heartbeat(alertmanager: Alertmanager) -> None:
    once = labels("AuditorHighErrorRate", "warning")
    alertmanager.send(labels(WATCHDOG, "info"), once)
    times = alertmanager.heard.times
    until(lambda: len(times["watchdog"]) >= 4, "four heartbeats")
    # A busy machine makes some late; with every other one left out, all would be.
    assert min(after - before for before, after in pairwise(times["watchdog"])) < 1.5
    assert len(times["tickets"]) == 1
    assert not times["info"]
