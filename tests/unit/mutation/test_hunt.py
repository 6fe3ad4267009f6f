"""The hunt with a promtool that says what the test wants, in the words of each version."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from generator.mutation.documents import SuiteError
from generator.mutation.hunt import Hunt, Result
from generator.mutation.mutants import Mutant
from generator.mutation.promtool import Promtool
from generator.mutation.scaffold import Scaffold
from tests.unit.mutation.suites import suite

RULES = """
    groups:
    - name: g
      rules:
      - {alert: Down, expr: up == 0}
      - {alert: Alone, expr: x}
    """
TESTS = """
    tests:
    - alert_rule_test: [{eval_time: 1m, alertname: Down}]
    - alert_rule_test: [{eval_time: 2m, alertname: Down}]
    """
# Fails in its own way for a rule with a certain word in it; names files as promtool 2 does.
PROGRAM = """\
#!/bin/sh
command=$1; shift 2
for file; do
  case $file in --*) continue ;; esac
  {heading}
  rules=$(cat "$file" $(sed -n "s|^- \\\\(rules.*yml\\\\)|{folder}/\\\\1|p" "$file"))
  case $command:$rules in
    *unloadable*) printf '  FAILED:\\n%s: could not parse\\n\\n' "$file" >&2 ;;
    check:*) echo '  SUCCESS: 1 rules found' ;;
    *noticed*) printf '  FAILED:\\n    alertname: Down, time: 1m, \\n        got:[]\\n\\n' >&2 ;;
    *collision*) printf '  FAILED:\\n    rule: Down, time: 1m, err: many-to-many\\n\\n' >&2 ;;
    *broken*) printf '  FAILED:\\n%s: no such series\\n\\n' "$file" >&2 ;;
    *endless*) exec sleep 30 ;;
    *) echo '  SUCCESS' ;;
  esac
done
"""


@pytest.fixture(params=['echo "Unit Testing:  $file"', ":"], ids=["2", "3"])
def promtool(tmp_path: Path, request: pytest.FixtureRequest) -> Promtool:
    folder = tmp_path / "work"
    folder.mkdir()
    program = tmp_path / "promtool"
    text = PROGRAM.replace("{heading}", request.param).replace("{folder}", str(folder))
    program.write_text(text)
    program.chmod(0o755)
    return Promtool(str(program), folder)


def hunt(promtool: Promtool, folder: Path, *words: str) -> list[Result]:
    """The fates of mutants of Down whose expressions hold these words."""
    found = suite(folder, TESTS, rules=RULES)
    told: list[Result] = []
    made = Hunt(promtool, Scaffold(found), 2, told.append)
    made.prove()
    mutants = [Mutant({"alert": "Down", "expr": word}, "for", word) for word in words]
    results = made.run([(found.rules[0], each) for each in mutants])
    assert sorted(map(id, told)) == sorted(map(id, results))
    return results


def test_fates_in_the_order_of_the_mutants(promtool: Promtool, tmp_path: Path) -> None:
    words = ("noticed", "nothing", "unloadable", "collision", "nothing")
    results = hunt(promtool, tmp_path, *words)
    assert [each.mutant.what for each in results] == list(words)
    assert [each.by is not None for each in results] == [True, False, False, True, False]
    assert [each.survived for each in results] == [False, True, False, False, True]
    assert results[2].invalid == "could not parse"
    assert list(promtool.folder.glob("test*")) != [], "those of the unchanged rules are kept"


def test_a_file_that_cannot_be_used_is_no_kill(promtool: Promtool, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="promtool cannot run it with a mutant of Down"):
        hunt(promtool, tmp_path, "broken")


def test_a_mutant_whose_tests_do_not_end_is_killed_and_holds_nothing_up(
    promtool: Promtool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.mutation.hunt._PATIENCE", 1.0)
    results = hunt(promtool, tmp_path, "endless", "nothing", "noticed")
    assert [each.survived for each in results] == [False, True, False]


def test_a_rule_without_a_test_is_untouched(promtool: Promtool, tmp_path: Path) -> None:
    found = suite(tmp_path, TESTS, rules=RULES)
    made = Hunt(promtool, Scaffold(found), 1, lambda _result: None)
    made.prove()
    alone = Mutant({"alert": "Alone", "expr": "y"}, "for", "y")
    (result,) = made.run([(found.rules[1], alone)])
    assert (result.untouched, result.survived) == (True, True)


def test_the_unchanged_rules_must_pass_in_the_form_of_the_mutants(
    promtool: Promtool, tmp_path: Path
) -> None:
    found = suite(tmp_path, TESTS, rules=textwrap.dedent(RULES).replace("up == 0", "noticed"))
    made = Hunt(promtool, Scaffold(found), 1, lambda _result: None)
    with pytest.raises(SuiteError, match="passes in its file, yet not alone"):
        made.prove()
