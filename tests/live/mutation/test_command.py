"""`python -m mutation` on small suites, with the real promtool and nothing else of this project."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bundle import ROOT
from tests.live.waiting import HANGS, PATIENCE, until

HERE = Path(__file__).parent
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, any_promtool: Path) -> Run:
    """Runs the command in a copy of the suites and of its package."""
    shutil.copytree(HERE, tmp_path, dirs_exist_ok=True)
    shutil.copytree(ROOT / "mutation", tmp_path / "mutation")

    def run(*arguments: object, promtool: Path = any_promtool) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "mutation", *arguments, "--promtool", promtool)
        done = subprocess.run(
            [str(each) for each in command],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
            timeout=HANGS,
        )
        assert "Traceback" not in done.stderr
        return done

    return run


def last(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.splitlines()[-1]


def survivors(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Changes of the alert and of the recording that no case noticed."""
    return set(re.findall(r"^\S+yml:\d+: (.*)$", done.stdout, re.MULTILINE))


def test_a_complete_suite_kills_every_mutant(run: Run, promtool: Path) -> None:
    done = run("--tests", "complete/complete.yml", promtool=promtool)
    assert done.returncode == 0, done.stdout + done.stderr
    assert last(done) == (
        "44 mutants of 2 rules: 44 killed, 0 survived, 0 excused, 0 invalid; mutation score 100%"
    )


def test_what_a_single_case_far_beyond_the_bound_misses(run: Run, promtool: Path) -> None:
    done = run("--tests", "complete/naive.yml", "--jobs", 1, promtool=promtool)
    assert done.returncode == 1
    total = "sum by (job) (increase(requests_total[5m]))"
    ratio = "job:failures:ratio5m"
    page = "Failures (page)"
    assert survivors(done) == {
        f'{ratio}: sum of increase(requests_total{{status="error"}}[5m]) to max',
        f"{ratio}: {total} > … dropped",
        *(f"{ratio}: threshold of {total} (>) {each}" for each in ("-10%", "+10%", "doubled")),
        f"{page}: unless maintenance == 1 dropped",
        f"{page}: {ratio} > … dropped",
        *(f"{page}: threshold of {ratio} (>) {each}" for each in ("-10%", "+10%")),
        *(f"{page}: maintenance == … {each}" for each in ("flipped", "dropped")),
        *(f"{page}: threshold of maintenance (==) {each}" for each in ("-10%", "+10%", "doubled")),
        *(f"{page}: for {each}" for each in ("dropped", "halved", "doubled")),
        *(f"{page}: keep_firing_for {each}" for each in ("dropped", "halved", "doubled")),
    }


def test_the_rules_of_the_guide_with_tests_that_fire_once(run: Run) -> None:
    done = run("--tests", "seed/tests.yml")
    assert done.returncode == 1
    found = survivors(done)
    assert last(done).startswith("44 mutants of 3 rules: 12 killed, 32 survived, ")
    readme = " ".join((ROOT / "mutation/README.md").read_text().split())
    assert "12 of 44 mutants are killed" in readme
    assert "the other 32" in readme
    for alert in ("HighErrorRate", "HighLatency", "MemoryLeak"):
        for change in ("for dropped", "for halved", "keep_firing_for 5m added"):
            assert f"{alert}: {change}" in found
        assert any(each.startswith(f"{alert}: threshold of ") for each in found)
    assert (
        'HighErrorRate: status="error" of auditor_verify_requests_total{status="error"}[5m] dropped'
        in found
    )


def test_a_survivor_is_shown_with_its_place_the_change_and_the_missing_case(run: Run) -> None:
    done = run("--tests", "seed/tests.yml", "--only", "HighErr*")
    shown = """\
seed/rules.yml:6: HighErrorRate: for halved
     expr: rate(auditor_verify_requests_total{status="error"}[5m]) > 0.05
  -  for: 5m
  +  for: 2m30s
     annotations:
  missing: a case just before `for` has passed and one just after
"""
    assert shown in done.stdout
    assert shown.removeprefix("seed/") in (ROOT / "mutation/README.md").read_text()
    assert "HighLatency" not in done.stdout


def test_results_are_written_for_programs(run: Run, tmp_path: Path) -> None:
    assert run("--tests", "complete/naive.yml", "--json", "result.json").returncode == 1
    document: dict[str, Any] = json.loads((tmp_path / "result.json").read_text())
    assert document["mutants"] == 42 == len(document["results"])
    assert document["killed"] + document["survived"] == 42
    assert document["score"] == document["killed"] / 42
    by_status = {each["status"]: each for each in document["results"]}
    assert by_status["killed"]["killed_by"] == {
        "file": "complete/naive.yml",
        "line": 4,
        "case": "half of the requests fail",
    }
    assert by_status["survived"].keys() >= {"rule", "file", "line", "change", "missing", "diff"}


def test_several_test_files_kill_together(run: Run) -> None:
    done = run("--tests", "complete/naive.yml", "complete/complete.yml", "seed/tests.yml")
    assert done.returncode == 1
    assert not any(each.startswith(("Failures", "job:")) for each in survivors(done))


def test_excuses_count_and_do_not_outlive_what_they_excuse(run: Run, tmp_path: Path) -> None:
    excuses = tmp_path / "excuses.yaml"
    entry = "- {{rule: {}, change: {}, reason: it says nothing}}\n"
    excuses.write_text("excuses:\n" + entry.format("'*'", "for dropped"))
    done = run("--tests", "seed/tests.yml", "--excuses", excuses)
    assert done.returncode == 1
    assert "12 killed, 29 survived, 3 excused" in last(done)
    excuses.write_text("excuses:\n" + entry.format("Nobody", "for dropped"))
    done = run("--tests", "complete/complete.yml", "--excuses", excuses)
    assert (done.returncode, "the excuse matches no mutant" in done.stderr) == (1, True)
    done = run("--tests", "complete/complete.yml", "--excuses", excuses, "--only", "Failures")
    assert done.returncode == 0
    excuses.write_text("excuses:\n" + entry.format("Failures", "for dropped"))
    done = run("--tests", "complete/complete.yml", "--excuses", excuses)
    assert done.returncode == 1
    assert "for dropped` is killed by complete/complete.yml:" in done.stderr
    excuses.write_text("excuses:\n- rule: A\n")
    done = run("--tests", "complete/complete.yml", "--excuses", excuses)
    assert done.returncode == 2
    assert f"{excuses}:2: an excuse needs a text for `change`" in done.stderr


def test_a_rule_that_no_test_covers_is_one_line(run: Run) -> None:
    done = run("complete/rules.yml", "seed/rules.yml", "--tests", "complete/complete.yml")
    assert done.returncode == 1
    assert "seed/rules.yml:6: no test covers HighErrorRate: 16 mutants survived" in done.stdout
    assert "missing:" not in done.stdout
    assert last(done).startswith("88 mutants of 5 rules: 44 killed, 44 survived, ")


def test_only_the_given_rule_files_are_mutated(run: Run) -> None:
    done = run("seed/rules.yml", "--tests", "complete/complete.yml", "seed/tests.yml")
    assert done.returncode == 1
    assert last(done).startswith("44 mutants of 3 rules: 12 killed, ")


def test_a_sample_is_the_same_every_time(run: Run) -> None:
    done = [run("--tests", "complete/complete.yml", "--sample", 20, "--seed", 3) for _ in range(2)]
    assert last(done[0]) == last(done[1])
    assert last(done[0]).startswith("20 mutants of ")


def test_tests_that_fail_on_the_unchanged_rules_are_shown_as_promtool_does(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "complete/naive.yml"
    path.write_text(path.read_text().replace("fails 50%", "fails 51%"))
    done = run("--tests", path)
    assert done.returncode == 2
    assert f"{path} fails on the unchanged rules:" in done.stderr
    assert "got:[" in done.stderr


def test_a_rule_whose_expression_cannot_be_parsed_keeps_its_other_mutants(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "seed/rules.yml"
    path.write_text(path.read_text().replace("[5m]) > 0.05", "[5m] offset -0s) > 0.05"))
    done = run("--tests", tmp_path / "seed/tests.yml", "--only", "HighErrorRate")
    assert done.returncode == 1, done.stderr
    assert "for dropped" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.yml"], "nowhere.yml: No such file or directory"),
        (["complete/complete.yml", "--only", "Nobody"], "no rule to mutate is named Nobody"),
        ([], "--tests: expected at least one argument"),
        (["complete/rules.yml"], "no rules found: the tests name no rule file that has any"),
        (["complete/complete.yml", "--jobs", "0"], "'0' is not a whole number above zero"),
    ],
)
def test_bad_input_is_one_clear_message(run: Run, arguments: list[str], message: str) -> None:
    done = run("--tests", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_missing_promtool_is_one_clear_message(run: Run) -> None:
    done = run("--tests", "complete/complete.yml", promtool=Path("nosuch"))
    assert done.returncode == 2
    assert done.stderr == "nosuch: no such program; give the path of promtool with --promtool\n"


def test_without_the_parser_it_says_what_to_install(run: Run, tmp_path: Path) -> None:
    (tmp_path / "promql_parser.py").write_text(
        "raise ModuleNotFoundError('hidden', name='promql_parser')\n"
    )
    done = run("--tests", "complete/complete.yml")
    assert done.returncode == 2
    assert done.stderr == "missing packages: pip install promql-parser PyYAML\n"


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_however_it_is_ended_nothing_stays(any_promtool: Path, by: signal.Signals) -> None:
    tests = sorted(ROOT.glob("promtool-tests/*.yml"))
    command = (sys.executable, "-m", "mutation", "--jobs", "1", "--promtool", any_promtool)
    process = subprocess.Popen(
        [*command, "--tests", *tests], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    folder = Path(until(lambda: used(process.pid), "promtool runs"))
    assert folder.is_dir()
    process.send_signal(by)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert said == "\ninterrupted\n"
    assert not folder.exists()


def used(pid: int) -> str:
    """The folder in which a process has promtool run; empty before it does."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = stat.read_text().rpartition(")")[2].split()[1]
            environment = (stat.parent / "environ").read_text() if int(parent) == pid else ""
        except OSError:  # it has ended
            continue
        if found := re.search(r"TMPDIR=([^\0]*/mutation-[^\0]*)", environment):
            return found[1]
    return ""
