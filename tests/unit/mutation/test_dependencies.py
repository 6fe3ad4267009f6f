"""Which rules an assertion depends on, and the slices and files made of that."""

from __future__ import annotations

from pathlib import Path

import yaml

from mutation.dependencies import Dependencies, InputLabels
from mutation.expression import Selector
from mutation.sandbox import Sandbox
from mutation.slices import slices_by_rule
from mutation.suite import Rule, Suite
from tests.unit.mutation.suites import mutant, suite

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


def named(found: Suite, name: str) -> Rule:
    return next(rule for rule in found.rules if rule.name == name)


def test_an_alert_depends_on_all_that_it_reads(tmp_path: Path) -> None:
    dependencies = Dependencies(small(tmp_path).groups)
    assert names(dependencies.of_alert("Errors")) == {"Errors", "a:ratio", "a:errors", "a:total"}
    assert names(dependencies.of_alert("Slow")) == {"Slow", "a:other"}, "a text asks for it"
    assert names(dependencies.of_alert("Both")) == {"Both", "Slow", "a:other", "a:total"}
    assert dependencies.of_alert("Nobody") == frozenset()


def test_all_alerts_if_any_may_be_meant(tmp_path: Path) -> None:
    dependencies = Dependencies(small(tmp_path).groups)
    assert {"Errors", "Slow", "Both", "Any", "Unknown"} <= names(dependencies.of_alert("Any"))


def test_all_rules_if_it_is_unclear_which(tmp_path: Path) -> None:
    found = small(tmp_path)
    dependencies = Dependencies(found.groups)
    assert dependencies.of_alert("Unknown") == frozenset(found.rules)
    assert dependencies.of_expression("no promql (") == frozenset(found.rules)
    assert dependencies.of_expression('{job="j"}') == frozenset(found.rules)


def test_an_expression_depends_on_what_it_names(tmp_path: Path) -> None:
    dependencies = Dependencies(small(tmp_path).groups)
    assert names(dependencies.of_expression("a:ratio + y")) == {"a:ratio", "a:errors", "a:total"}
    assert names(dependencies.of_expression('{__name__="a:other"}')) == {"a:other"}
    assert dependencies.of_expression("y") == frozenset()


def test_a_slice_has_the_assertions_that_a_rule_affects_and_no_other(tmp_path: Path) -> None:
    found = small(tmp_path)
    slices = slices_by_rule(found)
    (slice_,) = slices[named(found, "a:other")]
    assert [each.body.get("alertname") or each.body["expr"] for each in slice_.assertions] == [
        "Slow",
        "a:other",
    ]
    assert slices[named(found, "Both")] == []
    different = {each for several in slices.values() for each in several}
    assert len(different) == 3, "one for Errors, one for Slow alone, one for a:other"


def test_files_keep_the_order_the_head_and_the_spelling(tmp_path: Path) -> None:
    found = small(tmp_path)
    folder = tmp_path / "work"
    folder.mkdir()
    errors = named(found, "Errors")
    (slice_,) = slices_by_rule(found)[errors]
    test, own = Sandbox(folder).write_test(slice_, mutant(errors, expr="a:ratio > 2"))
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
