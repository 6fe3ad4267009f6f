"""The demo's one screen."""

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
SHOWN_NOTIFICATIONS: Final = 6


def screen(status: Status) -> RenderableType:
    """Links, faults, quantities, alerts, notifications."""
    return Group(
        _head(status),
        _links(status),
        Text(),
        _readings(status),
        Text(),
        _alerts(status),
        Text(),
        _told(status),
        Text(status.trouble, style="bold red"),
    )


def _head(status: Status) -> Text:
    minutes, seconds = divmod(int(status.seconds), 60)
    faults = ", ".join(status.faults) or "none"
    return Text.assemble(
        ("auditor-monitoring demo", "bold"),
        f"   {minutes}:{seconds:02}   injected: ",
        (faults, "bold" if status.faults else ""),
        f"   heartbeats of the watchdog: {status.heartbeats}   Ctrl-C ends everything",
    )


def _links(status: Status) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, url in status.links:
        table.add_row(name, Text(url, style=f"link {url}" if "://" in url else "dim"))
    return table


def _readings(status: Status) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("quantity, worst worker", "now", "info", "warning", "critical"):
        table.add_column(name, justify="left" if "," in name else "right")
    for each in status.readings:
        bounds = dict(each.bounds)
        columns = [bounds.get(severity, "") for severity in ("info", "warning", "critical")]
        table.add_row(each.title, Text(each.value, style=STYLES[each.beyond]), *columns)
    return table


def _alerts(status: Status) -> RenderableType:
    if not status.alerts:
        return Text("no alert is active", style="green")
    table = Table(box=None, pad_edge=False)
    for name in ("alert", "severity", "state", "for", "of", "says"):
        table.add_column(name, overflow="ellipsis", no_wrap=True)
    for each in status.alerts:
        style = STYLES[each.severity] if each.state == "firing" else "dim"
        age = f"{time.time() - each.since:.0f} s"
        table.add_row(
            Text(each.name, style=style),
            each.severity,
            each.state,
            age,
            _where(each),
            each.annotations.get("summary", ""),
        )
    return table


def _where(alert: ActiveAlert) -> str:
    worker = alert.labels.get("worker")
    return f"worker {worker}" if worker else "service"


def _told(status: Status) -> RenderableType:
    if not status.told:
        return Text("nobody has been told anything yet")
    table = Table(box=None, pad_edge=False)
    for name in ("told at", "receiver", "status", "alert"):
        table.add_column(name)
    for each in status.told[-SHOWN_NOTIFICATIONS:]:
        table.add_row(*_row(each))
    return table


def _row(told: Notification) -> tuple[str, str, str, str]:
    at = time.strftime("%H:%M:%S", time.localtime(told.at))
    return at, told.receiver, told.status, f"{told.alert} ({told.severity})"
