"""The score, and how a survivor is shown."""

from __future__ import annotations

from typing import Any

import pytest

from mutation.excuses import Excuse
from mutation.report import Report, format_score
from mutation.runner import Result
from tests.unit.mutation.suites import SLICE, mutant, result, rule


def test_the_score_leaves_out_what_cannot_be_killed() -> None:
    results = [
        result(killed_by=SLICE),
        result("for halved", killed_by=SLICE),
        result("for doubled", invalid="no"),
        result("label severity dropped"),
        result(),
    ]
    report = Report(results, [Excuse("excuses.yaml:2", "Down", "for dropped", "a reason")])
    assert report.score == 2 / 3
    assert report.summary() == (
        "5 mutants of 1 rule: 2 killed, 1 survived, 1 excused, 1 invalid; mutation score 66.7%"
    )
    document = report.document()
    assert [each["status"] for each in document["results"]] == [
        "killed", "killed", "invalid", "survived", "excused",
    ]  # fmt: skip
    assert document["results"][0]["killed_by"] == {"file": "tests.yml", "line": 7, "case": "down"}
    assert document["results"][-1]["reason"] == "a reason"


def test_there_is_no_score_without_a_valid_mutant() -> None:
    report = Report([result(invalid="no")], [])
    assert report.score is None
    assert report.summary() == "1 mutant of 1 rule: 0 killed, 0 survived, 0 excused, 1 invalid"


@pytest.mark.parametrize(
    ("score", "text"), [(1.0, "100%"), (0.99999, "99.9%"), (0.5, "50.0%"), (0.0, "0.0%")]
)
def test_only_all_are_a_hundred_per_cent(score: float, text: str) -> None:
    assert format_score(score) == text


def test_a_survivor_is_shown_as_a_difference_of_the_rule() -> None:
    body: dict[str, Any] = {"for": "5m", "labels": {"severity": "page"}}
    survivor = Result(mutant(rule(**body), "for halved", **{"for": "2m30s"}))
    assert list(Report([survivor], []).lines()) == [
        "rules.yml:4: Down (page): for halved",
        "     expr: up == 0",
        "  -  for: 5m",
        "  +  for: 2m30s",
        "     labels:",
        "  missing: a case just before `for` has passed and one just after",
        "",
        "1 mutant of 1 rule: 0 killed, 1 survived, 0 excused, 0 invalid; mutation score 0.0%",
    ]


def test_a_rule_without_a_test_is_one_line() -> None:
    down = rule()
    results = [Result(mutant(down, each), uncovered=True) for each in ("for dropped", "for halved")]
    assert next(Report(results, []).lines()) == (
        "rules.yml:4: no test covers Down: 2 mutants survived"
    )
