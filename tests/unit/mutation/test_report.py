"""Excuses, the score, and how a survivor is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generator.mutation.excuses import Excuse, excused, read_excuses, rotten
from generator.mutation.hunt import Result
from generator.mutation.report import Report, shown
from generator.mutation.scaffold import Unit
from generator.mutation.suite import Case, CaseFile
from generator.thresholds import ConfigError
from generator.thresholds.model import Position
from tests.unit.mutation.suites import mutant, rule

CASE = Case(Path("tests.yml"), 7, 1, {"name": "down"})
UNIT = Unit(0, CaseFile(Path("tests.yml"), {}, (), (CASE,)), CASE, ())
PAGE = rule(labels={"severity": "page"})


def result(what: str = "for dropped", **more: Any) -> Result:
    return Result(PAGE, mutant(what, labels={"severity": "page"}), **more)


def excuse(name: str = "Down", change: str = "for dropped") -> Excuse:
    return Excuse(Position("excuses.yaml", 2, 3), name, change, "a reason")


@pytest.mark.parametrize(
    ("name", "change", "fits"),
    [
        ("Down", "for dropped", True),
        ("Down (page)", "for dropped", True),
        ("D*", "* dropped", True),
        ("Down", "*", True),
        ("Down (ticket)", "for dropped", False),
        ("Do", "for dropped", False),
        ("Down", "for halved", False),
        ("[D]own", "for dropped", False),
    ],
)
def test_an_excuse_fits_by_name_and_change(name: str, change: str, fits: bool) -> None:
    assert (excused([excuse(name, change)], result()) is not None) is fits


def test_what_is_killed_needs_no_excuse() -> None:
    killed = result(by=UNIT)
    assert excused([excuse()], killed) is None
    (problem,) = rotten([excuse()], [killed], complete=True)
    assert str(problem) == (
        "excuses.yaml:2:3: found an excuse for `Down (page): for dropped`, which is killed by "
        "tests.yml:7, expected excuses only for mutants that survive"
    )


def test_an_excuse_that_fits_nothing_is_wrong_if_all_was_looked_at() -> None:
    unfit = excuse(change="for tripled")
    (problem,) = rotten([unfit], [result()], complete=True)
    assert "an excuse that fits no mutant" in str(problem)
    assert list(rotten([unfit], [result()], complete=False)) == []
    assert list(rotten([excuse()], [result()], complete=True)) == []


KEYS = "`rule`, `change`, `reason`"
GOOD = "excuses:\n- rule: A\n  change: for dropped\n  reason: none\n"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", ["1:1: found an empty file, expected a mapping of keys to values"]),
        ("[]", ["1:1: found an empty list, expected the key `excuses` alone"]),
        ("excuse: []", ["1:1: found a mapping, expected the key `excuses` alone"]),
        ("excuses: all", ["1:10: excuses: found `all`, expected a list of excuses"]),
        ("excuses:\n- all", [f"2:3: excuses[0]: found `all`, expected a mapping with {KEYS}"]),
        (
            GOOD.replace("  reason: none\n", ""),
            ["2:3: excuses[0].reason: found no such key, expected a text"],
        ),
        (GOOD.replace(" none", ""), ["4:10: excuses[0].reason: found nothing, expected a text"]),
        (
            GOOD.replace("reason", "why"),
            [
                "2:3: excuses[0].reason: found no such key, expected a text",
                f"4:3: excuses[0].why: found an unknown key, expected one of {KEYS}",
            ],
        ),
        (
            f"{GOOD}  rule: B\n",
            [
                (
                    "5:3: excuses[0].rule: found the key a second time, first in line 2, "
                    "expected each key once"
                )
            ],
        ),
    ],
)
def test_a_faulty_file_of_excuses_is_refused_with_the_place(
    tmp_path: Path, text: str, messages: list[str]
) -> None:
    path = tmp_path / "excuses.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_excuses(path)
    found = sorted(str(each).removeprefix(f"{path}:") for each in caught.value.problems)
    assert found == sorted(messages)


def test_excuses_are_read_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "excuses.yaml"
    path.write_text(GOOD)
    assert read_excuses(path) == (Excuse(Position(str(path), 2, 3), "A", "for dropped", "none"),)


def test_the_score_leaves_out_what_cannot_be_killed() -> None:
    results = [
        result(by=UNIT),
        result("for halved", by=UNIT),
        result("for doubled", invalid="no"),
        result("label severity dropped"),
        result(),
    ]
    report = Report(results, [excuse()])
    assert report.score == 2 / 3
    assert report.summary() == (
        "5 mutants of 1 rules: 2 killed, 1 survived, 1 excused, 1 invalid; "
        "score: 66.7 % of those to kill"
    )
    document = report.document()
    assert [each["status"] for each in document["results"]] == [
        "killed", "killed", "invalid", "survived", "excused",
    ]  # fmt: skip
    assert document["results"][0]["killed_by"] == {"file": "tests.yml", "line": 7, "case": "down"}


@pytest.mark.parametrize(
    ("score", "text"), [(1.0, "100 %"), (0.99999, "99.9 %"), (0.5, "50.0 %"), (0.0, "0.0 %")]
)
def test_only_all_are_a_hundred_per_cent(score: float, text: str) -> None:
    assert shown(score) == text


def test_a_survivor_is_shown_as_a_difference_of_the_rule() -> None:
    body: dict[str, Any] = {"expr": "up == 0", "for": "5m", "labels": {"severity": "page"}}
    survivor = Result(rule(**body), mutant("for halved", **{**body, "for": "2m30s"}))
    assert list(Report([survivor], []).lines()) == [
        "rules.yml:4: Down (page): for halved",
        "     expr: up == 0",
        "  -  for: 5m",
        "  +  for: 2m30s",
        "     labels:",
        "  missing: a case just before the end of `for`, and one just after",
        "",
        (
            "1 mutants of 1 rules: 0 killed, 1 survived, 0 excused, 0 invalid; "
            "score: 0.0 % of those to kill"
        ),
    ]


def test_a_rule_without_a_test_is_one_line() -> None:
    results = [result(untouched=True), result("for halved", untouched=True)]
    assert next(Report(results, []).lines()) == (
        "rules.yml:4: no test touches Down (page); its 2 mutants survive"
    )
