"""Reading rules and tests, also where there is something wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.files import UnreadableError
from generator.mutation.documents import SuiteError
from generator.mutation.suite import read_suite
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
        ("groups: {}", "rules.yml:1: found no list of mappings in `groups`, expected one"),
        (
            "groups:\n- name: g\n  rules:\n  - expr: up",
            "rules.yml:4: found a rule without `expr`, `alert` or `record`, expected a rule",
        ),
        ("- a", "rules.yml:1: found no mapping, expected keys and values"),
        (
            "a: [",
            "rules.yml:2:1: found no YAML (did not find expected node content), expected YAML",
        ),
        ("groups: []", "the tests name no rule file that has a rule in `rule_files`"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, rules: str, message: str) -> None:
    with pytest.raises(SuiteError) as caught:
        suite(tmp_path, "tests: []", rules=rules)
    assert str(caught.value).removeprefix(f"{tmp_path}/") == message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"nowhere\.yml: No such file"):
        read_suite([tmp_path / "nowhere.yml"])
