"""The alerts' cases as promtool test files, one an alert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from generator import texts
from generator.alerts.build import Kit
from generator.alerts.clock import Clock
from generator.alerts.model import Alert, Case, Firing, Moment, Reading, Recording
from generator.rules import group_name, rule_annotations, rule_labels
from generator.thresholds.model import Thresholds
from generator.thresholds.units import format_duration
from generator.yamlfile import dump


def render(
    thresholds: Thresholds, alerts: Sequence[Alert], recordings: Mapping[str, Sequence[Recording]]
) -> dict[str, str]:
    """`promtool-tests/NAME.yml` for every alert, by path.

    Raises ValueError for an alert that no case makes fire.
    """
    owners = {each.name: family for family, group in recordings.items() for each in group}
    return {
        f"promtool-tests/{alert.name}.yml": _file(thresholds, alert, owners) for alert in alerts
    }


def _file(thresholds: Thresholds, alert: Alert, owners: Mapping[str, str]) -> str:
    if not any(moment.firing for case in alert.cases for moment in case.moments):
        raise ValueError(f"no case makes {alert.name} fire")
    needed = {owners[each.name] for each in alert.recordings} | {alert.family}
    clock = alert.clock or Kit(thresholds).clock
    families = [
        family for family in dict.fromkeys((*owners.values(), alert.family)) if family in needed
    ]
    return dump(
        {
            "rule_files": [f"../alerts/{family}.yml" for family in families],
            "evaluation_interval": format_duration(clock.interval),
            "group_eval_order": [group_name(thresholds, family) for family in families],
            "tests": [_test(thresholds, alert, clock, case) for case in alert.cases],
        }
    )


def _test(thresholds: Thresholds, alert: Alert, clock: Clock, case: Case) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": case.title,
        "interval": format_duration(case.interval or clock.interval),
        "input_series": [{"series": each.series, "values": each.values} for each in case.series],
    }
    if case.moments:
        test["alert_rule_test"] = [_moment(thresholds, alert, each) for each in case.moments]
    if case.readings:
        test["promql_expr_test"] = [_reading(each) for each in case.readings]
    return test


def _reading(reading: Reading) -> dict[str, Any]:
    labels = "{" + ",".join(f'{name}="{value}"' for name, value in reading.labels.items()) + "}"
    samples = [] if reading.value is None else [{"labels": labels, "value": reading.value}]
    return {
        "expr": reading.expr,
        "eval_time": format_duration(reading.at),
        "exp_samples": samples,
    }


def _moment(thresholds: Thresholds, alert: Alert, moment: Moment) -> dict[str, Any]:
    return {
        "eval_time": format_duration(moment.at),
        "alertname": alert.name,
        "exp_alerts": [_expected(thresholds, alert, firing) for firing in moment.firing],
    }


def _expected(thresholds: Thresholds, alert: Alert, firing: Firing) -> dict[str, Any]:
    trigger = next(each for each in alert.triggers if each.severity == firing.severity)
    return {
        "exp_labels": {**rule_labels(thresholds, alert, trigger), **firing.labels},
        "exp_annotations": {
            name: texts.expand(text, firing.value, firing.labels, firing.known)
            for name, text in rule_annotations(thresholds, alert, trigger).items()
        },
    }
