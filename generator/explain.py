"""Where an alert's numbers come from, and what speaks of a number."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import partial

from generator.alerts.model import Alert
from generator.errors import InputError
from generator.promql import plain
from generator.rules import dashboard_url, rule_annotations
from generator.templates import page
from generator.thresholds import Thresholds
from generator.thresholds.units import format_duration, format_value
from generator.values import values


class UnknownNameError(InputError):
    """Neither an alert nor a path of the thresholds file; the text names the nearest ones."""


def explain(thresholds: Thresholds, alerts: Sequence[Alert], name: str) -> str:
    """The explanation of an alert (``AuditorDown``) or a value (``targets.latency.p95.poor``)."""
    found = [alert for alert in alerts if name.lower() in _names(alert)]
    if found:
        return _alert(thresholds, found[0])
    if name in thresholds.positions:
        return _value(thresholds, alerts, name)
    near = difflib.get_close_matches(
        name, [*(alert.name for alert in alerts), *thresholds.positions], n=3
    )
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise UnknownNameError(f"{name} is neither an alert nor a path of the thresholds file{hint}")


def _names(alert: Alert) -> tuple[str, ...]:
    short = alert.name.lower().removeprefix("auditor")
    return alert.name.lower(), short, alert.key, alert.settings


def _alert(thresholds: Thresholds, alert: Alert) -> str:
    paths = alert.paths()
    return page(
        "generator",
        "explain_alert.txt",
        alert=alert,
        annotations=partial(rule_annotations, thresholds, alert),
        numbers=[
            each for each in values(thresholds) if any(_covers(path, each.path) for path in paths)
        ],
        url=dashboard_url(thresholds.service.links.grafana, alert),
        where=partial(_where, thresholds),
        plain=plain,
        duration=format_duration,
        value=format_value,
    )


def _value(thresholds: Thresholds, alerts: Sequence[Alert], name: str) -> str:
    return page(
        "generator",
        "explain_value.txt",
        name=name,
        values=[each for each in values(thresholds) if each.path == name],
        alerts=[each for each in alerts if any(_covers(path, name) for path in each.paths())],
        where=partial(_where, thresholds),
    )


def _covers(path: str, name: str) -> bool:
    return name == path or name.startswith(f"{path}.")


def _where(thresholds: Thresholds, path: str) -> str:
    return f"{path} at {thresholds.positions[path]}"
