from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as Xml

from hypothesis import given
from hypothesis import strategies as st

from generator.measured import measured_text
from generator.thresholds.units import format_value
from tests.bundle import thresholds
from tests.performance import reports
from tests.performance.grading import Grade, Level, Verdict, evaluate, worst

STARTED = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
ROWS = thresholds().rows()
LATENCY = thresholds().targets.latency
P95 = LATENCY.p95
FAST = LATENCY.p50.target
NUMBERS = st.one_of(st.none(), st.floats(0, 1e6))
GRADES = st.builds(
    lambda row, value, subject: Grade(row, value, ROWS[row], subject),
    st.sampled_from(list(ROWS)),
    NUMBERS,
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=9),
)


def parsed(text: str) -> Xml.Element:
    return Xml.fromstring(text.encode())  # noqa: S314  # our own


@given(st.lists(GRADES, max_size=8), st.booleans(), st.lists(st.just("low by 30%"), max_size=2))
def test_all_formats_agree(grades: list[Grade], inconclusive: bool, slower: list[str]) -> None:
    verdict = Verdict(
        tuple(grades), "9 samples", "no traffic" if inconclusive else "", tuple(slower)
    )
    document = json.loads(json.dumps(reports.document("run", STARTED, verdict)))
    suite = parsed(reports.junit("run", STARTED, verdict))
    levels = [each.level for each in grades]
    bad = sum(level is not None and level > Level.ACCEPTABLE for level in levels) + len(slower)
    counts = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {
        "tests": len(suite.findall("testcase")),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": len(suite.findall("testcase/skipped")),
    }
    assert counts["failures"] == bad
    assert counts["errors"] == inconclusive
    assert counts["skipped"] == levels.count(None)
    assert document["exit_code"] == verdict.exit_code == (2 if inconclusive else int(bad > 0))
    assert [each["measured"] for each in document["grades"]] == [each.value for each in grades]
    assert reports.as_text(verdict).count("\n| ") == len(grades) + 1


def test_a_run_saves_its_reports(tmp_path: Path) -> None:
    verdict = evaluate(thresholds(), [FAST] * 94 + [P95.poor] * 6, {}, users=1)
    measured = measured_text(P95.poor, P95.unit)
    target, acceptable, poor = (format_value(value, P95.unit) for _, value in P95.edges())
    paths = reports.save(tmp_path, "smoke", STARTED, verdict)
    assert {each.name for each in paths} == {each.name for each in tmp_path.iterdir()}
    summary = (tmp_path / "summary.md").read_text().splitlines()
    assert summary[0] == "### smoke, 2026-05-04 03:02"
    assert summary[2] == "**Verdict: poor, based on 100 verifications.**"
    (row,) = (line for line in summary if "latency.p95" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["latency.p95", measured, target, acceptable, poor, "poor"]
    failure = parsed((tmp_path / "junit.xml").read_text()).find("testcase/failure")
    assert failure is not None
    bounds = f"target {target}, acceptable {acceptable}, poor {poor}"
    assert failure.attrib["message"] == f"poor: {measured} ({bounds})"
    document = json.loads((tmp_path / "verdict.json").read_text())
    assert document["verdict"] == "poor"
    assert document["grades"][1] == {
        "metric": "latency.p95",
        "of": "",
        "measured": P95.poor,
        "interval": None,
        "unit": "duration",
        "target": P95.target,
        "acceptable": P95.acceptable,
        "poor": P95.poor,
        "verdict": "poor",
    }


def test_the_worst_grade_of_each_row_counts() -> None:
    unclear = Grade("latency.p95", None, P95, "unclear", (0.1, 3.0))
    few, fast, slow, poor, critical = (
        Grade("latency.p95", value, P95, subject)
        for value, subject in (
            (None, "few"),
            (P95.target / 2, "fast"),
            (P95.target, "slow"),
            (P95.poor, "poor"),
            (2 * P95.poor, "critical"),
        )
    )
    for better, worse in zip(
        (few, fast, slow, unclear, poor), (fast, slow, unclear, poor, critical), strict=True
    ):
        assert worst([better, worse]) == worst([worse, better]) == [worse]
    slower = thresholds().targets.throughput.low
    one, other = (Grade("throughput.low", by * slower.target, slower) for by in (2, 1))
    assert worst([one, other, fast]) == [other, fast]


def test_the_interval_follows_the_value() -> None:
    assert Grade("latency.p95", 0.2, P95, "", (0.19, 0.25)).measured == "200ms (190ms to 250ms)"
    assert Grade("latency.p95", None, P95, "", (0.19, 2.5)).measured == "unclear (190ms to 2.5s)"
    assert Grade("latency.p95", None, P95).measured == "too few samples"


def test_a_regression_fails_a_good_run() -> None:
    good = evaluate(thresholds(), [FAST] * 100, {}, users=1)
    assert good.exit_code == 0
    worse = Verdict(good.grades, good.basis, "", ("single by 30%",))
    assert worse.exit_code == 1
    assert worse.summary == (
        "verdict: target, based on 100 verifications; slower than the baseline: single by 30%"
    )
