"""The cases as promtool test files, one an alert, and one for what no alert asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from generator import texts
from generator.alerts import objectives
from generator.alerts.clock import Clock
from generator.alerts.context import Context
from generator.alerts.model import Alert, AlertTest, Case, ExprTest, Recording, Trigger
from generator.alerts.testcases import budgets
from generator.rules import groups, rule_annotations, rule_labels
from generator.thresholds.model import Thresholds
from generator.thresholds.units import format_duration
from generator.yamlfile import dump


def render(
    thresholds: Thresholds, alerts: Sequence[Alert], recordings: Mapping[str, Sequence[Recording]]
) -> dict[str, str]:
    """`promtool-tests/NAME.yml` for every alert, and one for the budgets, by path.

    Raises ValueError for an alert that no case makes fire.
    """
    owners = {each.name: family for family, group in recordings.items() for each in group}
    return {
        **{f"promtool-tests/{each.name}.yml": _file(thresholds, each, owners) for each in alerts},
        f"promtool-tests/{objectives.LEFT}.yml": _budget_file(thresholds),
    }


def _file(thresholds: Thresholds, alert: Alert, owners: Mapping[str, str]) -> str:
    if not any(moment.firing for case in alert.cases for moment in case.alert_tests):
        raise ValueError(f"no case makes {alert.name} fire")
    needed = {owners[each.name] for each in alert.recordings} | {alert.family}
    families = [each for each in dict.fromkeys((*owners.values(), alert.family)) if each in needed]
    clock = alert.clock or Context(thresholds).clock
    tests = [_test(thresholds, alert, clock, each) for each in alert.cases]
    return dump(document(groups(thresholds, families, "../"), clock, tests))


def _budget_file(thresholds: Thresholds) -> str:
    """What is left of the budgets: no alert asks for it."""
    clock = budgets.remaining_clock(thresholds)
    tests = [_test(thresholds, None, clock, budgets.remaining_case(thresholds))]
    return dump(document(groups(thresholds, objectives.FAMILIES, "../"), clock, tests))


def document(rule_groups: Mapping[str, str], clock: Clock, tests: list[Any]) -> dict[str, Any]:
    """A test file. `rule_groups` has the group of each rule file, in the order of evaluation."""
    return {
        "rule_files": [*rule_groups],
        "evaluation_interval": format_duration(clock.interval),
        "group_eval_order": [*rule_groups.values()],
        "tests": tests,
    }


def _test(thresholds: Thresholds, alert: Alert | None, clock: Clock, case: Case) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": case.title,
        "interval": format_duration(case.interval or clock.interval),
        "input_series": [each.written for each in case.series],
    }
    exact = [(moment, moment.value) for moment in case.alert_tests if moment.value is not None]
    if alert and exact:
        test["alert_rule_test"] = [
            {
                "eval_time": format_duration(moment.at),
                "alertname": alert.name,
                "exp_alerts": [
                    _expected(thresholds, alert, each, moment, value) for each in moment.firing
                ],
            }
            for moment, value in exact
        ]
    expr_tests = [_expr_test(each) for each in case.expr_tests]
    if alert:
        expr_tests += [_states(alert, each) for each in case.alert_tests if each.value is None]
    if expr_tests:
        test["promql_expr_test"] = expr_tests
    return test


def _states(alert: Alert, test: AlertTest) -> dict[str, Any]:
    """These severities are firing; if there are none, none is even pending."""
    state = ',alertstate="firing"' if test.firing else ""
    expr = f'count by (severity) (ALERTS{{alertname="{alert.name}"{state}}})'
    samples = [{"labels": f'{{severity="{each.severity}"}}', "value": 1} for each in test.firing]
    return {"expr": expr, "eval_time": format_duration(test.at), "exp_samples": samples}


def _expr_test(test: ExprTest) -> dict[str, Any]:
    labels = "{" + ",".join(f'{name}="{value}"' for name, value in test.labels.items()) + "}"
    samples = [] if test.value is None else [{"labels": labels, "value": test.value}]
    return {"expr": test.expr, "eval_time": format_duration(test.at), "exp_samples": samples}


def _expected(
    thresholds: Thresholds, alert: Alert, trigger: Trigger, test: AlertTest, value: float
) -> dict[str, Any]:
    return {
        "exp_labels": {**rule_labels(thresholds, alert, trigger), **test.labels},
        "exp_annotations": {
            name: texts.expand(text, value, test.labels, test.query_results)
            for name, text in rule_annotations(thresholds, alert, trigger).items()
        },
    }
