"""Alerts and recordings as Prometheus rule files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from generator.alerts import objectives
from generator.alerts.model import LABELS, Alert, Recording, Trigger
from generator.promql import plain
from generator.thresholds.model import Thresholds
from generator.thresholds.units import Unit, format_duration, format_value
from generator.yamlfile import dump

_VALUES: Final = {
    Unit.BYTES: "{{ $value | humanize1024 }}B",
    Unit.COUNT: "{{ $value }}",
    Unit.DURATION: "{{ $value | humanizeDuration }}",
    Unit.RATIO: "{{ $value | humanizePercentage }}",
}


def group_name(thresholds: Thresholds, family: str) -> str:
    return f"{thresholds.service.name}-{family}"


def groups(thresholds: Thresholds, families: Iterable[str], root: str) -> dict[str, str]:
    """The name of each family's rule group, by the path of its file; `root` ends with a slash."""
    return {f"{root}alerts/{each}.yml": group_name(thresholds, each) for each in families}


def rule_labels(thresholds: Thresholds, alert: Alert, trigger: Trigger) -> dict[str, str]:
    """The rule's own labels; those of its series come on top."""
    return {
        "severity": trigger.severity,
        "service": thresholds.service.name,
        "category": alert.family,
        **thresholds.service.labels,
    }


def rule_annotations(thresholds: Thresholds, alert: Alert, trigger: Trigger) -> dict[str, str]:
    """Texts and links of one severity, as Go templates."""
    templates = {
        "BOUND": format_value(alert.bound(trigger), alert.unit),
        "FOR": format_duration(trigger.for_),
        "INSTANCE": "{{ $labels.instance }}",
        "JOB": "{{ $labels.job }}",
        "VALUE": _VALUES.get(alert.unit, "{{ $value | humanize }}"),
        "WORKER": "Worker {{ $labels.worker }} on {{ $labels.instance }}",
    }
    placeholder = re.compile(rf"\b({'|'.join(templates)})\b")

    def filled(text: str) -> str:
        return placeholder.sub(lambda found: templates[found[0]], text)

    links = thresholds.service.links
    return {
        "summary": filled(alert.summary),
        "description": filled(alert.description),
        "runbook_url": f"{links.runbooks}/{alert.name}.md",
        "dashboard_url": dashboard_url(links.grafana, alert),
    }


def dashboard_url(grafana: str, alert: Alert) -> str:
    """The alert's panel, with the dashboard's variables set to where the alert comes from."""
    variables = [
        f"var-{label}={{{{ $labels.{label} | urlquery }}}}"
        for label in LABELS[alert.scope]
        if label != "job"
    ]
    query = "&".join([*variables, f"viewPanel={alert.panel.id}"])
    return f"{grafana}/d/auditor-{alert.panel.dashboard}?{query}"


def alert_rule(thresholds: Thresholds, alert: Alert, trigger: Trigger) -> dict[str, Any]:
    """One severity of an alert as Prometheus's rule."""
    rule: dict[str, Any] = {"alert": alert.name, "expr": alert.expr(trigger)}
    if trigger.for_:
        rule["for"] = format_duration(trigger.for_)
    if alert.keep_firing_for:
        rule["keep_firing_for"] = format_duration(alert.keep_firing_for)
    rule["labels"] = rule_labels(thresholds, alert, trigger)
    rule["annotations"] = rule_annotations(thresholds, alert, trigger)
    return rule


def render(
    thresholds: Thresholds, alerts: Sequence[Alert], recordings: Mapping[str, Sequence[Recording]]
) -> dict[str, str]:
    """`alerts/FAMILY.yml` by path: a family's recordings, then its alerts, as one group.

    Raises ValueError for a family without a rule.
    """
    rules: dict[str, list[dict[str, Any]]] = {alert.family: [] for alert in alerts}
    for family, group in recordings.items():
        rules[family] = [{"record": each.name, "expr": plain(each.expr)} for each in group]
    for alert in alerts:
        rules[alert.family] += [alert_rule(thresholds, alert, each) for each in alert.triggers]
    return {f"alerts/{family}.yml": _file(thresholds, family, rules[family]) for family in rules}


def _file(thresholds: Thresholds, family: str, rules: list[dict[str, Any]]) -> str:
    if not rules:
        raise ValueError(f"no rule in the family {family}")
    group: dict[str, Any] = {"name": group_name(thresholds, family)}
    if family in objectives.FAMILIES:
        group["interval"] = format_duration(thresholds.slo.evaluation_interval)
    return dump({"groups": [{**group, "rules": rules}]})
