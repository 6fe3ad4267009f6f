"""What the scoreboard makes of what promtool prints."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from generator.alerts.context import Context
from generator.cli import BAD_INPUT, main
from generator.scenarios import all_scenarios
from generator.scenarios.scenario import Scenario
from generator.scoreboard import guide, page
from generator.scoreboard.judge import Guess, guess, judge
from generator.scoreboard.measure import ExpectedAlert, parse
from tests.bundle import ROOT, alerts, thresholds

CLOCK = Context(thresholds()).clock
SCENARIOS = {each.name: each for each in all_scenarios(thresholds(), alerts())}
INCIDENT = SCENARIOS["errors-after-a-release"]
QUIET = SCENARIOS["nightly-batch"]
(REQUIRED,) = INCIDENT.required
TOLD = ExpectedAlert("AuditorHighErrorRate", REQUIRED.instance, "critical", REQUIRED.since + 300)


def row(
    scenario: Scenario, *fired: ExpectedAlert, guessed: tuple[ExpectedAlert, ...] = ()
) -> page.Row:
    return page.Row(scenario, judge(scenario, CLOCK, alerts(), fired), guess(scenario, guessed))


def test_the_samples_of_promtools_answer_are_read() -> None:
    output = """  FAILED:
    expr: "min by (alertname) (x{alertname!=\\"W\\"})", time: 1h,
        exp: nil
        got: {alertname="A", instance="h:1", severity="critical"} 1.2345E+04, {alertname="B"} 0E+00
"""
    assert parse(output) == (
        ExpectedAlert("A", "h:1", "critical", 12345),
        ExpectedAlert("B", "", "", 0),
    )


def test_an_alert_in_time_is_good() -> None:
    verdict = row(INCIDENT, TOLD).verdict
    assert verdict.good
    assert [answer.after for answer in verdict.answers] == [300]


def test_a_milder_severity_tells_of_the_same() -> None:
    assert row(INCIDENT, TOLD, replace(TOLD, severity="warning")).verdict.good


@pytest.mark.parametrize(
    ("fired", "problem"),
    [
        ((), "AuditorHighErrorRate (critical) fires after never, due after"),
        ((replace(TOLD, at=REQUIRED.since + 9000),), "fires after 2h30m, due after 10m30s"),
        (
            (TOLD, ExpectedAlert("AuditorDown", "", "critical", TOLD.at)),
            "AuditorDown (critical) should",
        ),
        ((replace(TOLD, at=15.0),), "AuditorHighErrorRate (critical) should not fire"),
        ((TOLD, replace(TOLD, instance="other")), "AuditorHighErrorRate (critical) should not"),
    ],
    ids=["missed", "late", "another alert", "too early", "another instance"],
)
def test_what_is_wrong_with_an_incident_is_said(
    fired: tuple[ExpectedAlert, ...], problem: str
) -> None:
    found = row(INCIDENT, *fired)
    assert not found.verdict.good
    assert problem in "\n".join(page.problems([found]))


def test_what_may_fire_as_well_is_no_false_alarm() -> None:
    assert row(
        INCIDENT, TOLD, ExpectedAlert("AuditorRequestsFailing", "", "critical", TOLD.at)
    ).verdict.good


def test_a_quiet_course_forbids_every_alert() -> None:
    assert row(QUIET).verdict.good
    assert row(QUIET, TOLD).verdict.false == ("AuditorHighErrorRate (critical)",)


def test_the_guides_first_rule_after_the_beginning_counts() -> None:
    fired = (
        ExpectedAlert("HighLatency", "", "", REQUIRED.since + 600),
        ExpectedAlert("HighErrorRate", "", "", REQUIRED.since + 400),
        ExpectedAlert("MemoryLeak", "", "", REQUIRED.since - 15),
    )
    assert guess(INCIDENT, fired) == Guess(400, ("HighErrorRate",), ("MemoryLeak",))
    assert guess(QUIET, fired[:1]) == Guess(None, (), ("HighLatency",))


def test_totals_count_both_sets_of_rules() -> None:
    rule = ExpectedAlert("HighErrorRate", "", "", REQUIRED.since + 99999)
    rows = [
        row(INCIDENT, TOLD, guessed=(rule,)),
        row(INCIDENT),
        row(QUIET, guessed=(rule,)),
        row(QUIET),
    ]
    assert [(each.of, each.bundle, each.guide) for each in page.totals(rows)] == [
        (2, 1, 0),
        (2, 1, 1),
        (2, 2, 1),
        (2, 2, 2),
    ]


def test_the_guides_rules_are_three() -> None:
    (group,) = yaml.safe_load(guide.RULES)["groups"]
    assert [rule["alert"] for rule in group["rules"]] == [
        "HighErrorRate",
        "HighLatency",
        "MemoryLeak",
    ]
    assert group["name"] == guide.GROUP


def scoreboard(tmp_path: Path, promtool: str) -> int:
    return main(
        [
            *("scoreboard", "--thresholds", str(ROOT / "thresholds.yaml")),
            *("--promtool", promtool, "--out", str(tmp_path)),
        ]
    )


def test_a_missing_promtool_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scoreboard(tmp_path, "promtool-of-nobody") == BAD_INPUT
    assert capsys.readouterr().err.startswith("promtool-of-nobody: no such program; --promtool")


def test_what_is_no_promtool_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake = tmp_path / "promtool"
    fake.write_text("#!/bin/sh\necho 'no such command: test' >&2\nexit 1\n")
    fake.chmod(0o755)
    assert scoreboard(tmp_path, str(fake)) == BAD_INPUT
    assert capsys.readouterr().err == f"{fake} failed: no such command: test\n"
    assert not (tmp_path / page.PATH).exists()


def test_the_readme_has_the_totals_of_the_page() -> None:
    counted = re.findall(
        r"^\| ([a-z ]+?) +\| (\d+) +\| (\d+) +\| (\d+)",
        (ROOT / page.PATH).read_text(),
        re.MULTILINE,
    )
    totals = {what: (int(of), int(bundle), int(guided)) for what, of, bundle, guided in counted}
    incidents, quiet = totals["incidents told of in time"], totals["quiet courses without an alarm"]
    assert incidents[0] == incidents[1]
    assert quiet[0] == quiet[1]
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert (
        f"all {incidents[0]} incidents are told of in time and all {quiet[0]} quiet courses stay "
        f"quiet; the guide's three rules tell of {incidents[2]} and keep {quiet[2]} quiet"
    ) in readme
