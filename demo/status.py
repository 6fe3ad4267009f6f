"""What the demo's screen shows: metrics, active alerts and notifications."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import requests

from demo import faults, injection
from demo.clients import ActiveAlert, Prometheus
from demo.receiver import Notification
from demo.stack import Stack
from generator.alerts.model import Alert
from generator.measured import measured_text
from generator.promql import plain
from generator.thresholds.units import format_value

# The alerts whose metrics are shown.
SHOWN_ALERTS: Final = (
    "high_error_rate",
    "high_latency",
    "requests_waiting",
    "low_throughput",
    "low_confidence",
    "high_memory",
    "memory_leak",
    "file_descriptors_near_limit",
    "many_threads",
    "high_cpu",
    "many_database_connections",
    "worker_crash_loop",
)
WATCHDOG: Final = "AuditorWatchdog"


@dataclass(frozen=True)
class Measurement:
    """The metric of an alert for the worst worker.

    `bounds` are by severity; `severity` is the worst whose bound the value exceeds, or "".
    """

    title: str
    value: str
    bounds: Mapping[str, str]
    severity: str


@dataclass(frozen=True)
class Status:
    """`problems` says what is wrong with the stack itself, or is ""."""

    seconds: float
    links: tuple[tuple[str, str], ...]
    faults: tuple[str, ...]
    measurements: tuple[Measurement, ...]
    alerts: tuple[ActiveAlert, ...]
    notifications: tuple[Notification, ...]
    heartbeats: int
    problems: str


def collect(stack: Stack, started: float) -> Status:
    dead = [component for component in stack.components.values() if not component.alive]
    problems = [f"{each.name} exited; see {each.log}" for each in dead]
    measurements: tuple[Measurement, ...] = ()
    active: list[ActiveAlert] = []
    try:
        by_key = {alert.key: alert for alert in stack.alerts}
        measurements = tuple(_measure(stack.prometheus, by_key[key]) for key in SHOWN_ALERTS)
        active = [each for each in stack.prometheus.alerts() if each.name != WATCHDOG]
    except requests.RequestException as error:
        problems.append(f"Prometheus does not answer: {error}")
    received = list(stack.receiver.notifications)
    notifications = [each for each in received if each.alert != WATCHDOG]
    return Status(
        seconds=time.time() - started,
        links=_links(stack),
        faults=tuple(faults.names(injection.read(stack.control))),
        measurements=measurements,
        alerts=tuple(sorted(active, key=lambda each: (each.state, each.since))),
        notifications=tuple(notifications),
        heartbeats=len(received) - len(notifications),
        problems="; ".join(problems),
    )


def _links(stack: Stack) -> tuple[tuple[str, str], ...]:
    running = "grafana" in stack.components
    return (
        ("Grafana", stack.url("grafana") if running else "not found on PATH or in Docker"),
        ("Prometheus", f"{stack.url('prometheus')}/alerts"),
        ("Alertmanager", stack.url("alertmanager")),
        ("stand-in Auditor", f"{stack.url('api')}/docs"),
        ("sidecar: workers", f"{stack.url('sidecar')}/metrics"),
        ("sidecar: app", f"{stack.url('sidecar')}/metrics/app"),
    )


def _measure(prometheus: Prometheus, alert: Alert) -> Measurement:
    aggregation = "max" if alert.op == ">" else "min"
    value = prometheus.value(f"{aggregation}({plain(alert.quantity)})")
    bounds = {each.severity: alert.bound(each) for each in alert.triggers}  # the worst comes first
    exceeded = [
        severity
        for severity, bound in bounds.items()
        if value is not None and (value > bound if alert.op == ">" else value < bound)
    ]
    return Measurement(
        title=alert.panel.title,
        value="no data" if value is None else measured_text(value, alert.unit),
        bounds={
            severity: f"{alert.op} {format_value(bound, alert.unit)}"
            for severity, bound in bounds.items()
        },
        severity=exceeded[0] if exceeded else "",
    )
