"""What the demo shows: the alerts' own quantities, what fires, and who was told."""

from __future__ import annotations

import time
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

# The quantities that are shown, by the alert that watches each.
SHOWN: Final = (
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
class Reading:
    """One quantity now, at the worst of its workers, and the bound of each severity."""

    title: str
    value: str
    bounds: tuple[tuple[str, str], ...]
    beyond: str


@dataclass(frozen=True)
class Status:
    """`trouble` is what of the stack itself is not well, or empty."""

    seconds: float
    links: tuple[tuple[str, str], ...]
    faults: tuple[str, ...]
    readings: tuple[Reading, ...]
    alerts: tuple[ActiveAlert, ...]
    told: tuple[Notification, ...]
    heartbeats: int
    trouble: str


def gather(stack: Stack, started: float) -> Status:
    """Ask all parts; what does not answer is said in `trouble`."""
    dead = [name for name, part in stack.parts.items() if not part.alive]
    trouble = [f"{name} has ended, see {stack.parts[name].log}" for name in dead]
    readings: tuple[Reading, ...] = ()
    active: list[ActiveAlert] = []
    try:
        by_key = {alert.key: alert for alert in stack.alerts}
        readings = tuple(_reading(stack.prometheus, by_key[key]) for key in SHOWN)
        active = [each for each in stack.prometheus.alerts() if each.name != WATCHDOG]
    except requests.RequestException as error:
        trouble.append(f"Prometheus cannot be asked: {error}")
    told = [each for each in stack.receiver.told if each.alert != WATCHDOG]
    return Status(
        seconds=time.time() - started,
        links=_links(stack),
        faults=tuple(faults.names(injection.read(stack.control))),
        readings=readings,
        alerts=tuple(sorted(active, key=lambda each: (each.state, each.since))),
        told=tuple(told),
        heartbeats=len(stack.receiver.told) - len(told),
        trouble="; ".join(trouble),
    )


def _links(stack: Stack) -> tuple[tuple[str, str], ...]:
    there = "grafana" in stack.parts
    return (
        ("Grafana", stack.url("grafana") if there else "neither on PATH nor in Docker"),
        ("Prometheus", f"{stack.url('prometheus')}/alerts"),
        ("Alertmanager", stack.url("alertmanager")),
        ("stand-in Auditor", f"{stack.url('api')}/docs"),
        ("sidecar, workers", f"{stack.url('sidecar')}/metrics"),
        ("sidecar, app", f"{stack.url('sidecar')}/metrics/app"),
    )


def _reading(prometheus: Prometheus, alert: Alert) -> Reading:
    worst = "max" if alert.op == ">" else "min"
    value = prometheus.value(f"{worst}({plain(alert.quantity)})")
    bounds = [(each.severity, alert.bound(each)) for each in alert.triggers]
    beyond = ""
    for severity, bound in reversed(bounds):  # the worst stands first
        if value is not None and (value > bound if alert.op == ">" else value < bound):
            beyond = severity
    return Reading(
        title=alert.panel.title,
        value="no data" if value is None else measured_text(value, alert.unit),
        bounds=tuple(
            (severity, f"{alert.op} {format_value(bound, alert.unit)}")
            for severity, bound in bounds
        ),
        beyond=beyond,
    )
