"""Where an alert's numbers come from, and what speaks of a number."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from textwrap import indent

from generator.alerts.model import Alert
from generator.errors import InputError
from generator.promql import plain
from generator.rules import dashboard_url, rule_annotations
from generator.thresholds import Thresholds
from generator.thresholds.units import format_duration, format_value
from generator.values import values


class UnknownNameError(InputError):
    """Neither an alert nor a path of the thresholds file; the text names the nearest ones."""


def explain(thresholds: Thresholds, alerts: Sequence[Alert], name: str) -> str:
    """The explanation of an alert (``AuditorDown``) or a value (``targets.latency.p95.poor``)."""
    found = [alert for alert in alerts if name.lower() in _names(alert)]
    if found:
        return "\n".join(_alert(thresholds, found[0])) + "\n"
    if name in thresholds.positions:
        return "\n".join(_value(thresholds, alerts, name)) + "\n"
    near = difflib.get_close_matches(
        name, [*(alert.name for alert in alerts), *thresholds.positions], n=3
    )
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise UnknownNameError(f"{name} is neither an alert nor a path of the thresholds file{hint}")


def _names(alert: Alert) -> tuple[str, ...]:
    short = alert.name.lower().removeprefix("auditor")
    return alert.name.lower(), short, alert.key, alert.settings


def _alert(thresholds: Thresholds, alert: Alert) -> Iterator[str]:
    yield f"{alert.name} ({alert.family}, of one {alert.scope})"
    for trigger in alert.triggers:
        bound = trigger.bound
        yield f"\n{trigger.severity}, after {format_duration(trigger.for_)}"
        if bound:
            value = format_value(bound.value, bound.levels.unit)
            where = _where(thresholds, bound.path)
            yield f"  bound    {value}: {bound.row} is {bound.level}, {where}"
            yield f"  why      {bound.levels.why}"
        yield f"  expr\n{indent(alert.expr(trigger), '    ')}"
        yield f"  summary  {rule_annotations(thresholds, alert, trigger)['summary']}"
    if alert.recordings:
        yield "\nrecordings"
        for recording in alert.recordings:
            yield f"  {recording.name}\n{indent(plain(recording.expr), '    ')}"
    yield "\nnumbers"
    yield from (
        f"  {value.text:<28}{_where(thresholds, value.path)}"
        for value in values(thresholds)
        if any(_covers(path, value.path) for path in alert.paths())
    )
    panel = alert.panel
    yield f"\npanel    {panel.title}, dashboard {panel.dashboard}, section {panel.section}"
    yield f"         {dashboard_url(thresholds.service.links.grafana, alert)}"
    yield f"runbook  docs/runbooks/{alert.name}.md"
    yield f"tests    promtool-tests/{alert.name}.yml"
    for case in alert.cases:
        yield f"         - {case.title}"


def _value(thresholds: Thresholds, alerts: Sequence[Alert], name: str) -> Iterator[str]:
    yield _where(thresholds, name)
    for value in values(thresholds):
        if value.path == name:
            yield f"  {value.text}: {value.meaning or 'the last value of its level'}"
            yield f"  why: {value.why}"
    using = [alert for alert in alerts if any(_covers(path, name) for path in alert.paths())]
    if not using:
        yield "no alert depends on it alone; see docs/targets.md and the dashboards"
    for alert in using:
        files = f"alerts/{alert.family}.yml", f"promtool-tests/{alert.name}.yml"
        yield f"  {alert.name}: {', '.join(files)}, docs/runbooks/{alert.name}.md"


def _covers(path: str, name: str) -> bool:
    return name == path or name.startswith(f"{path}.")


def _where(thresholds: Thresholds, path: str) -> str:
    return f"{path} at {thresholds.positions[path]}"
