"""Which rules an assertion can be touched by, and what is left of the files for it."""

from __future__ import annotations

from pathlib import Path

import yaml

from generator.mutation.reach import InputLabels, Reach
from generator.mutation.scaffold import Scaffold, Workshop
from generator.mutation.suite import Suite
from generator.mutation.tree import Selector
from tests.unit.mutation.suites import suite

RULES = """
    groups:
    - name: ratios
      interval: 30s
      limit: 10
      rules:
      - {record: a:total, expr: sum(x)}
      - {record: a:errors, expr: 'sum(x{status="error"})'}
      - {record: a:ratio, expr: a:errors / a:total}
      - {record: a:other, expr: sum(y)}
      - {alert: Errors, expr: a:ratio > 1}
      - alert: Slow
        expr: y > 1
        annotations: {text: '{{ with query "a:other" }}{{ end }}'}
    """
MORE = """
    groups:
    - name: more
      rules:
      - {alert: Both, expr: 'ALERTS{alertname="Slow"} and a:total'}
      - {alert: Any, expr: 'ALERTS_FOR_STATE > 0'}
      - {alert: Unknown, expr: '{__name__=~"a:.*"} > 0'}
    """
TESTS = """
    evaluation_interval: 1m
    tests:
    - input_series:
      - {series: 'x{status="error",job="j"}', values: 0x40}
      - {series: 'y{instance="i"}', values: 1 2}
      alert_rule_test:
      - {eval_time: 1m, alertname: Errors, exp_alerts: []}
      - {eval_time: 1m, alertname: Slow}
      promql_expr_test:
      - {expr: a:other, eval_time: 1m, exp_samples: [{labels: '{}', value: 1e3}]}
      - {expr: y, eval_time: 1m}
    """


def small(folder: Path) -> Suite:
    return suite(folder, TESTS, rules=RULES, more=MORE)


def names(rules: object) -> set[str]:
    return {rule.name for rule in rules}  # type: ignore[attr-defined]  # rules


def test_an_alert_reaches_all_that_it_reads(tmp_path: Path) -> None:
    reach = Reach(small(tmp_path).groups)
    assert names(reach.of_alert("Errors")) == {"Errors", "a:ratio", "a:errors", "a:total"}
    assert names(reach.of_alert("Slow")) == {"Slow", "a:other"}, "a text asks for it"
    assert names(reach.of_alert("Both")) == {"Both", "Slow", "a:other", "a:total"}
    assert reach.of_alert("Nobody") == frozenset()


def test_every_alert_where_any_may_be_meant(tmp_path: Path) -> None:
    reach = Reach(small(tmp_path).groups)
    assert {"Errors", "Slow", "Both", "Any", "Unknown"} <= names(reach.of_alert("Any"))


def test_every_rule_where_it_cannot_be_told(tmp_path: Path) -> None:
    found = small(tmp_path)
    reach = Reach(found.groups)
    assert reach.of_alert("Unknown") == frozenset(found.rules)
    assert reach.of_expression("no promql (") == frozenset(found.rules)
    assert reach.of_expression('{job="j"}') == frozenset(found.rules)


def test_an_expression_reaches_what_it_names(tmp_path: Path) -> None:
    reach = Reach(small(tmp_path).groups)
    assert names(reach.of_expression("a:ratio + y")) == {"a:ratio", "a:errors", "a:total"}
    assert names(reach.of_expression('{__name__="a:other"}')) == {"a:other"}
    assert reach.of_expression("y") == frozenset()


def test_a_unit_has_the_assertions_that_a_rule_touches_and_no_other(tmp_path: Path) -> None:
    found = small(tmp_path)
    scaffold = Scaffold(found)
    other = next(rule for rule in found.rules if rule.name == "a:other")
    (unit,) = scaffold.of_rule[other]
    assert [each.body.get("alertname") or each.body["expr"] for each in unit.assertions] == [
        "Slow",
        "a:other",
    ]
    both = next(rule for rule in found.rules if rule.name == "Both")
    assert scaffold.of_rule[both] == []
    assert len(scaffold.units) == 3, "one for Errors, one for Slow alone, one for a:other"


def test_files_keep_the_order_the_head_and_the_spelling(tmp_path: Path) -> None:
    found = small(tmp_path)
    folder = tmp_path / "work"
    folder.mkdir()
    scaffold, workshop = Scaffold(found), Workshop(folder)
    errors = next(rule for rule in found.rules if rule.name == "Errors")
    test, own = workshop.test(
        scaffold.of_rule[errors][0], errors, {**errors.body, "expr": "a:ratio > 2"}
    )
    document = yaml.safe_load(test.read_text())
    assert document["rule_files"] == [own.name]
    assert document["evaluation_interval"] == "1m"
    assert "values: 0x40\n" in test.read_text(), "which a reader of YAML would take for 64"
    (group,) = yaml.safe_load(own.read_text())["groups"]
    assert (group["name"], group["interval"], group["limit"]) == ("ratios", "30s", 10)
    assert [rule.get("record") or rule["alert"] for rule in group["rules"]] == [
        "a:total",
        "a:errors",
        "a:ratio",
        "Errors",
    ]
    assert group["rules"][-1]["expr"] == "a:ratio > 2"


def test_labels_are_those_of_the_input_also_through_recordings(tmp_path: Path) -> None:
    labels = InputLabels(small(tmp_path))
    assert labels([Selector("x")]) == ["job", "status"]
    assert labels([Selector("a:ratio"), Selector("y")]) == ["instance", "job", "status"]
    assert labels([Selector("nothing")]) == []
