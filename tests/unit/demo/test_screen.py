from __future__ import annotations

import io
import re
import time
from dataclasses import replace
from typing import Any

from rich.console import Console

from demo.clients import ActiveAlert
from demo.receiver import Notification
from demo.screen import screen
from demo.stack import OVERLAY
from demo.status import SHOWN_ALERTS, Measurement, Status
from generator.alerts import all_alerts
from generator.config import load
from generator.measured import measured_text
from generator.thresholds.units import Unit
from tests.bundle import FILE, ROOT, text

NOW = time.time()


def shown(status: Status) -> str:
    file = io.StringIO()
    Console(width=160, file=file).print(screen(status))
    return file.getvalue()


def status(**other: Any) -> Status:
    healthy = Status(
        seconds=83.0,
        links=(("Prometheus", "http://127.0.0.1:9090/alerts"),),
        faults=(),
        measurements=(
            Measurement("p95 latency", "61ms", {"critical": "> 2s", "warning": "> 1s"}, ""),
        ),
        alerts=(),
        notifications=(),
        heartbeats=3,
        problems="",
    )
    return replace(healthy, **other)


def test_a_healthy_stack() -> None:
    text = shown(status())
    for part in ("1:23", "injected: none", "http://127.0.0.1:9090/alerts", "no active alerts"):
        assert part in text
    (row,) = [line for line in text.splitlines() if line.startswith("p95 latency")]
    assert row.split() == ["p95", "latency", "61ms", ">", "1s", ">", "2s"]


def test_a_firing_alert_and_its_notification() -> None:
    labels = {"alertname": "AuditorMemoryLeak", "severity": "warning", "worker": "2"}
    alert = ActiveAlert(
        "AuditorMemoryLeak", "warning", "firing", NOW - 40, labels, {"summary": "worker 2 grows"}
    )
    notification = Notification(NOW, "tickets", "firing", labels, {})
    text = shown(status(faults=("slow-leak",), alerts=(alert,), notifications=(notification,)))
    (row,) = [line for line in text.splitlines() if "worker 2 grows" in line]
    assert row.split()[:3] == ["AuditorMemoryLeak", "warning", "firing"]
    assert "worker 2" in row
    (row,) = [line for line in text.splitlines() if "tickets" in line]
    assert "AuditorMemoryLeak (warning)" in row
    assert "injected: slow-leak" in text


def test_problems_are_shown() -> None:
    assert "prometheus exited; see /tmp/log" in shown(
        status(problems="prometheus exited; see /tmp/log")
    )


def test_values_have_few_digits_and_a_unit() -> None:
    assert measured_text(0.123456, Unit.RATIO) == "12.3%"
    assert measured_text(0.0612, Unit.DURATION) == "61.2ms"
    assert measured_text(123456789, Unit.BYTES) == "117.3MiB"
    assert measured_text(524288, Unit.GROWTH) == "30.04MiB/min"
    assert measured_text(16.3333, Unit.RATE) == "16.3/s"
    assert measured_text(4, Unit.COUNT) == "4"


def test_the_docs_show_the_current_screen() -> None:
    """The rows and columns are compared, not the numbers, which depend on the thresholds."""
    docs = (ROOT / "docs/demo.md").read_text()
    (shot,) = re.findall(r"```text\n(auditor-monitoring demo .*?)```", docs, re.DOTALL)
    bounds = load(text(), FILE, [(str(OVERLAY), OVERLAY.read_text())])
    by_key = {alert.key: alert for alert in all_alerts(bounds)}
    rows = re.findall(r"^\S.*?  .*[<>] .*$", shot, re.MULTILINE)
    assert len(rows) == len(SHOWN_ALERTS)
    for row, key in zip(rows, SHOWN_ALERTS, strict=True):
        alert = by_key[key]
        title, *_ = re.split(r"\s{2,}", row)
        assert without_numbers(title) == without_numbers(alert.panel.title)
        assert re.findall(r"[<>](?= \S)", row) == [alert.op] * len(alert.triggers)


def without_numbers(text: str) -> str:
    """Changing thresholds and windows needs no change of the docs."""
    return re.sub(r"[\d.]+\w*", "0", text)
