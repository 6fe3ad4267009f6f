"""The demo's status screen."""

from __future__ import annotations

import time
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from demo.clients import ActiveAlert
from demo.receiver import Notification
from demo.status import Status

STYLES: Final = {"critical": "bold red", "warning": "yellow", "info": "cyan", "": ""}
MAX_NOTIFICATIONS: Final = 6


def screen(status: Status) -> RenderableType:
    return Group(
        _header(status),
        _links(status),
        Text(),
        _measurements(status),
        Text(),
        _alerts(status),
        Text(),
        _notifications(status),
        Text(status.problems, style="bold red"),
    )


def _header(status: Status) -> Text:
    minutes, seconds = divmod(int(status.seconds), 60)
    faults = ", ".join(status.faults) or "none"
    return Text.assemble(
        ("auditor-monitoring demo", "bold"),
        f"   {minutes}:{seconds:02}   injected: ",
        (faults, "bold" if status.faults else ""),
        f"   watchdog heartbeats: {status.heartbeats}   Ctrl-C to stop",
    )


def _links(status: Status) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, url in status.links:
        table.add_row(name, Text(url, style=f"link {url}" if "://" in url else "dim"))
    return table


def _measurements(status: Status) -> Table:
    """Each metric beside its bounds."""
    severities = ("info", "warning", "critical")
    table = Table(box=None, pad_edge=False)
    table.add_column("metric (worst worker)")
    for name in ("now", *severities):
        table.add_column(name, justify="right")
    for each in status.measurements:
        bounds = [each.bounds.get(severity, "") for severity in severities]
        table.add_row(each.title, Text(each.value, style=STYLES[each.severity]), *bounds)
    return table


def _alerts(status: Status) -> RenderableType:
    if not status.alerts:
        return Text("no active alerts", style="green")
    table = Table(box=None, pad_edge=False)
    for name in ("alert", "severity", "state", "for", "scope", "summary"):
        table.add_column(name, overflow="ellipsis", no_wrap=True)
    for each in status.alerts:
        table.add_row(
            Text(each.name, style=STYLES[each.severity] if each.state == "firing" else "dim"),
            each.severity,
            each.state,
            f"{time.time() - each.since:.0f} s",
            _scope(each),
            each.annotations.get("summary", ""),
        )
    return table


def _scope(alert: ActiveAlert) -> str:
    worker = alert.labels.get("worker")
    return f"worker {worker}" if worker else "service"


def _notifications(status: Status) -> RenderableType:
    if not status.notifications:
        return Text("no notifications yet")
    table = Table(box=None, pad_edge=False)
    for name in ("notified at", "receiver", "status", "alert"):
        table.add_column(name)
    for each in status.notifications[-MAX_NOTIFICATIONS:]:
        table.add_row(*_notification(each))
    return table


def _notification(each: Notification) -> tuple[str, str, str, str]:
    at = time.strftime("%H:%M:%S", time.localtime(each.at))
    return at, each.receiver, each.status, f"{each.alert} ({each.severity})"
