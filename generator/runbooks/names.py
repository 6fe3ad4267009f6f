"""The values that a runbook page may use, as docs/alerts.md lists them; any other is an error."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from generator import names
from generator.alerts.model import Alert
from generator.promql import plain
from generator.thresholds import Thresholds
from generator.thresholds.notes import between_buckets
from generator.thresholds.units import Unit, format_duration, format_value
from generator.values import Value


class UnknownNameError(ValueError):
    """A source names what does not exist."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        near = difflib.get_close_matches(name, [*known], n=3)
        hint = (
            f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(sorted(known))}"
        )
        super().__init__(f"no {what} is named {name}; {hint}")


class Names(dict[str, object]):
    """Values by name; `what` is what each of them is, for the message on an unknown one."""

    def __init__(self, what: str, known: Mapping[str, object]) -> None:
        super().__init__(known)
        self.what = what

    def __missing__(self, name: str) -> NoReturn:
        raise UnknownNameError(self.what, name, self)


METRICS: Final = Names(
    "metric",
    {
        key.lower(): value
        for key, value in vars(names).items()
        if isinstance(value, str) and (value in names.LABELS or f"{value}_count" in names.LABELS)
    },
)


@dataclass(frozen=True)
class Bundle:
    """What all pages are made from."""

    thresholds: Thresholds
    alerts: Sequence[Alert]
    values: Sequence[Value]
    recordings: Sequence[str]

    def recording(self, pattern: str) -> str:
        """The only recording rule whose name fits."""
        found = fnmatch.filter(self.recordings, pattern)
        if len(found) != 1:
            raise UnknownNameError("recording rule", pattern, found or self.recordings)
        return found[0]


def of_alert(bundle: Bundle, alert: Alert) -> dict[str, object]:
    """What the page of an alert may name."""
    links = {each.key: f"[{each.name}]({each.name}.md)" for each in bundle.alerts}
    paths = {each.path: each.text for each in bundle.values}
    bounds: dict[str, object] = {
        each.severity: format_value(alert.bound(each), alert.unit) for each in alert.triggers
    }
    return {
        **_settings(alert, bundle.values),
        "name": alert.name,
        "key": alert.key,
        "severities": list(bounds),
        "bound": Names("severity", bounds),
        "row": Names("severity", {t.severity: t.bound.row for t in alert.triggers if t.bound}),
        "expr": Names("severity", {each.severity: alert.expr(each) for each in alert.triggers}),
        "panel": _panel(bundle.thresholds, alert),
        "quantity": plain(alert.quantity),
        "buckets": _buckets(bundle.thresholds, alert),
        "recording": bundle.recording,
        "value": Names("value of thresholds.yaml", paths).__getitem__,
        "alert": Names("alert", {**links, alert.key: alert.name}).__getitem__,
    }


def _settings(alert: Alert, values: Sequence[Value]) -> dict[str, str]:
    found = ((each.path.removeprefix(f"{alert.settings}."), each.text) for each in values)
    return {key: text for key, text in found if "." not in key}


def _panel(thresholds: Thresholds, alert: Alert) -> Names:
    panel = alert.panel
    url = f"{thresholds.service.links.grafana}/d/auditor-{panel.dashboard}?viewPanel={panel.id}"
    dashboard = f"Auditor / {panel.dashboard.capitalize()}"
    where = f"dashboard {dashboard}, section {panel.section}"
    return Names(
        "part of a panel",
        {
            "title": panel.title,
            "section": panel.section,
            "dashboard": dashboard,
            "id": panel.id,
            "url": url,
            "link": f"Panel [{panel.title}]({url}) on the {where}.",
        },
    )


def _buckets(thresholds: Thresholds, alert: Alert) -> Names:
    buckets = thresholds.service.latency_buckets
    timed = alert.unit is Unit.DURATION
    bounds = {each.bound.value for each in alert.triggers if each.bound and timed}
    inexact = [
        {
            name: format_value(seconds, Unit.DURATION)
            for name, seconds in zip(("value", "low", "high"), (bound, *bucket), strict=True)
        }
        for bound in sorted(bounds)
        if (bucket := between_buckets(bound, buckets))
    ]
    last = format_duration(max(buckets))
    return Names("fact of the buckets", {"last": last, "inexact": inexact})
