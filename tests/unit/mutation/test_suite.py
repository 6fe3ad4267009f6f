"""Reading rules and tests, also where there is something wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutation.errors import InputError
from mutation.suite import read_suite
from tests.unit.mutation.suites import suite

RULE = "groups: [{name: g, rules: [{alert: A, expr: up == 0, for: , labels: {n: 1}}]}]"


def test_rule_files_are_found_as_promtool_finds_them(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "tests").mkdir()
    for name in ("a", "b"):
        (tmp_path / f"rules/{name}.yml").write_text(RULE.replace("A", name.upper()))
    test = tmp_path / "tests/t.yml"
    test.write_text("rule_files: [../rules/*.yml, ../rules/a.yml, nothing.yml]\ntests: []\n")
    found = read_suite([test])
    assert [rule.name for rule in found.rules] == ["A", "B"]
    assert found.rules[0].place == f"{tmp_path / 'rules/a.yml'}:1"
    assert found.rules[0].body["labels"] == {"n": "1"}
    assert "for" not in found.rules[0].body


def test_rules_that_no_test_names_can_be_added(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text(RULE.replace("A", "More"))
    suite(tmp_path, "tests: []", rules=RULE)
    found = read_suite([tmp_path / "tests.yml"], [tmp_path / "more.yml", tmp_path / "rules.yml"])
    assert [rule.name for rule in found.rules] == ["A", "More"]


def test_anchors_and_merges_are_followed(tmp_path: Path) -> None:
    rules = """
    groups:
    - name: g
      rules:
      - &first {alert: A, expr: up == 0, labels: {severity: page}}
      - {<<: *first, alert: B}
    """
    found = suite(tmp_path, "tests: []", rules=rules).rules
    assert [(rule.name, rule.title) for rule in found] == [("A", "A (page)"), ("B", "B (page)")]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("groups: {}", "rules.yml:1: `groups` must be a list of mappings"),
        (
            "groups:\n- name: g\n  rules:\n  - expr: up",
            "rules.yml:4: a rule needs `expr`, and `alert` or `record`",
        ),
        ("- a", "rules.yml:1: expected a mapping"),
        (
            "a: [",
            "rules.yml:2:1: invalid YAML: did not find expected node content",
        ),
        ("a: 1\nb: 2\na: 3", "rules.yml:3:1: invalid YAML: duplicate key 'a'"),
        ("groups: []", "no rules found: the tests name no rule file that has any"),
        ("", "no rules found: the tests name no rule file that has any"),
        (RULE.replace("{n: 1}", "[n]"), "rules.yml:1: `labels` must be a mapping"),
        (
            RULE.replace("labels: {n: 1}", "annotations: n"),
            "rules.yml:1: `annotations` must be a mapping",
        ),
        (
            RULE.replace("for: ,", "for: 5 m,"),
            "rules.yml:1: `for`: '5 m' is not a duration such as 5m or 1h30m",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, rules: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        suite(tmp_path, "tests: []", rules=rules)
    assert str(caught.value).removeprefix(f"{tmp_path}/") == message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.yml"):
        read_suite([tmp_path / "nowhere.yml"])


@pytest.mark.parametrize("key", ["input_series", "alert_rule_test", "promql_expr_test"])
def test_a_test_that_is_not_a_list_is_refused_with_its_line(tmp_path: Path, key: str) -> None:
    with pytest.raises(InputError, match=rf"tests\.yml:4: `{key}` must be a list of mappings"):
        suite(tmp_path, f"tests:\n- {key}: oops\n", rules=RULE)


def test_a_text_without_a_value_is_empty(tmp_path: Path) -> None:
    found = suite(tmp_path, "tests: []", rules=RULE.replace("{n: 1}", "{n: 1, empty: }"))
    assert found.rules[0].body["labels"] == {"n": "1", "empty": ""}


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.yml").write_bytes(b"a: \xff")
    with pytest.raises(InputError, match=r"binary\.yml: invalid YAML: "):
        read_suite([tmp_path / "binary.yml"])
