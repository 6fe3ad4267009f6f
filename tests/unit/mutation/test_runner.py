"""The runner with a fake promtool that prints what the test wants, as each version would."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from mutation.errors import InputError
from mutation.mutants import Mutant
from mutation.promtool import Promtool
from mutation.runner import Result, Runner
from mutation.slices import slices_by_rule
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


def run(promtool: Promtool, folder: Path, *words: str) -> list[Result]:
    """The results of mutants of Down whose expressions hold these words."""
    found = suite(folder, TESTS, rules=RULES)
    heard: list[Result] = []
    runner = Runner(promtool, slices_by_rule(found), 2, heard.append)
    runner.run_baseline()
    down = found.rules[0]
    results = runner.run(
        [Mutant(down, {"alert": "Down", "expr": word}, "for", word) for word in words]
    )
    assert sorted(map(id, heard)) == sorted(map(id, results))
    return results


def test_results_come_in_the_order_of_the_mutants(promtool: Promtool, tmp_path: Path) -> None:
    words = ("noticed", "nothing", "unloadable", "collision", "nothing")
    results = run(promtool, tmp_path, *words)
    assert [each.mutant.description for each in results] == list(words)
    assert [each.killed_by is not None for each in results] == [True, False, False, True, False]
    assert [each.survived for each in results] == [False, True, False, False, True]
    assert results[2].invalid == "could not parse"
    assert len(list(promtool.folder.glob("test*"))) == 2, "those of the baseline alone are kept"


def test_a_file_that_cannot_be_used_is_no_kill(promtool: Promtool, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="promtool cannot run this test with a mutant of Down"):
        run(promtool, tmp_path, "broken")


def test_a_mutant_whose_tests_do_not_end_is_killed_and_holds_nothing_up(
    promtool: Promtool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mutation.runner._MIN_TIMEOUT", 1.0)
    results = run(promtool, tmp_path, "endless", "nothing", "noticed")
    assert [each.survived for each in results] == [False, True, False]


def test_a_rule_without_a_test_is_uncovered(promtool: Promtool, tmp_path: Path) -> None:
    found = suite(tmp_path, TESTS, rules=RULES)
    runner = Runner(promtool, slices_by_rule(found), 1)
    runner.run_baseline()
    mutant = Mutant(found.rules[1], {"alert": "Alone", "expr": "y"}, "for", "y")
    (result,) = runner.run([mutant])
    assert (result.uncovered, result.survived) == (True, True)


def test_the_unchanged_rules_must_pass_in_the_form_of_the_mutants(
    promtool: Promtool, tmp_path: Path
) -> None:
    found = suite(tmp_path, TESTS, rules=textwrap.dedent(RULES).replace("up == 0", "noticed"))
    runner = Runner(promtool, slices_by_rule(found), 1)
    with pytest.raises(InputError, match="passes in its file, but fails with only the rules"):
        runner.run_baseline()
