"""The scoreboard's results from promtool's output."""

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
from generator.scoreboard import page
from generator.scoreboard.command import GUIDE_GROUP, GUIDE_RULES
from generator.scoreboard.firings import FirstFiring, parse
from generator.scoreboard.results import Result, result
from tests.bundle import ROOT, alerts, thresholds

CLOCK = Context(thresholds()).clock
SCENARIOS = {each.name: each for each in all_scenarios(thresholds(), alerts())}
INCIDENT = SCENARIOS["errors-after-a-release"]
NEGATIVE = SCENARIOS["nightly-batch"]
(REQUIRED,) = INCIDENT.required
FIRED = FirstFiring("AuditorHighErrorRate", REQUIRED.instance, "critical", REQUIRED.since + 300)


def found(scenario: Scenario, *fired: FirstFiring, guide: tuple[FirstFiring, ...] = ()) -> Result:
    return result(scenario, CLOCK, alerts(), fired, guide)


def totals(text: str) -> list[tuple[str, ...]]:
    """What each row of the page counts, and its three numbers."""
    return re.findall(r"^\| ([a-z ]+?) +\| (\d+) +\| (\d+) +\| (\d+) ", text, re.MULTILINE)


def test_promtools_output_is_parsed() -> None:
    output = """  FAILED:
    expr: "min by (alertname) (x{alertname!=\\"W\\"})", time: 1h,
        exp: nil
        got: {alertname="A", instance="h:1", severity="critical"} 1.2345E+04, {alertname="B"} 0E+00
"""
    assert parse(output) == (
        FirstFiring("A", "h:1", "critical", 12345),
        FirstFiring("B", "", "", 0),
    )


def test_an_alert_in_time_is_good() -> None:
    assert found(INCIDENT, FIRED).good
    assert [each.after for each in found(INCIDENT, FIRED).detections] == [300]


def test_a_lower_severity_may_fire_too() -> None:
    assert found(INCIDENT, FIRED, replace(FIRED, severity="warning")).good


@pytest.mark.parametrize(
    ("fired", "problem"),
    [
        ((), "AuditorHighErrorRate (critical) fires after never, due after"),
        ((replace(FIRED, at=REQUIRED.since + 9000),), "fires after 2h30m, due after 10m30s"),
        (
            (FIRED, FirstFiring("AuditorDown", "", "critical", FIRED.at)),
            "AuditorDown (critical) should",
        ),
        ((replace(FIRED, at=15.0),), "AuditorHighErrorRate (critical) should not fire"),
        ((FIRED, replace(FIRED, instance="other")), "AuditorHighErrorRate (critical) should not"),
    ],
    ids=["missed", "late", "another alert", "too early", "another instance"],
)
def test_missed_late_and_false_alerts_are_reported(
    fired: tuple[FirstFiring, ...], problem: str
) -> None:
    assert not found(INCIDENT, *fired).good
    assert problem in "\n".join(page.problems([found(INCIDENT, *fired)]))


def test_an_allowed_alert_is_no_false_alert() -> None:
    allowed = FirstFiring("AuditorRequestsFailing", "", "critical", FIRED.at)
    assert found(INCIDENT, FIRED, allowed).good


def test_every_alert_in_a_negative_scenario_is_false() -> None:
    assert found(NEGATIVE).good
    assert found(NEGATIVE, FIRED).false_alerts == ("AuditorHighErrorRate (critical)",)


def test_the_guides_first_rule_after_the_start_counts() -> None:
    fired = (
        FirstFiring("HighLatency", "", "", REQUIRED.since + 600),
        FirstFiring("HighErrorRate", "", "", REQUIRED.since + 400),
        FirstFiring("MemoryLeak", "", "", REQUIRED.since - 15),
    )
    incident, negative = found(INCIDENT, guide=fired), found(NEGATIVE, guide=fired[:1])
    assert (incident.guide_after, incident.guide_rules) == (400, ("HighErrorRate",))
    assert incident.guide_false_alerts == ("MemoryLeak",)
    assert (negative.guide_after, negative.guide_rules) == (None, ())
    assert negative.guide_false_alerts == ("HighLatency",)


def test_totals_count_both_sets_of_rules() -> None:
    rule = FirstFiring("HighErrorRate", "", "", REQUIRED.since + 99999)
    results = [
        found(INCIDENT, FIRED, guide=(rule,)),
        found(INCIDENT),
        found(NEGATIVE, guide=(rule,)),
        found(NEGATIVE),
    ]
    assert totals(page.render(results)) == [
        ("incidents detected in time", "2", "1", "0"),
        ("incidents detected at all", "2", "1", "1"),
        ("incidents without false alerts", "2", "2", "2"),
        ("negative scenarios without alerts", "2", "2", "1"),
    ]


def test_the_guide_has_three_rules() -> None:
    (group,) = yaml.safe_load(GUIDE_RULES.read_text())["groups"]
    assert [rule["alert"] for rule in group["rules"]] == [
        "HighErrorRate",
        "HighLatency",
        "MemoryLeak",
    ]
    assert group["name"] == GUIDE_GROUP


def scoreboard(tmp_path: Path, promtool: str) -> int:
    return main(
        [
            *("scoreboard", "--thresholds", str(ROOT / "thresholds.yaml")),
            *("--promtool", promtool, "--out", str(tmp_path)),
        ]
    )


def test_a_missing_promtool_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scoreboard(tmp_path, "promtool-of-nobody") == BAD_INPUT
    assert capsys.readouterr().err.startswith("promtool-of-nobody: program not found; ")


def test_another_program_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake = tmp_path / "promtool"
    fake.write_text("#!/bin/sh\necho 'no such command: test' >&2\nexit 1\n")
    fake.chmod(0o755)
    assert scoreboard(tmp_path, str(fake)) == BAD_INPUT
    assert capsys.readouterr().err == f"{fake} failed: no such command: test\n"
    assert not (tmp_path / page.PATH).exists()


def test_the_committed_page_has_no_missed_incident_and_no_false_alert() -> None:
    committed = totals((ROOT / page.PATH).read_text())
    assert [what for what, *_ in committed] == [what for what, *_ in totals(page.render([]))]
    assert all(of == bundle for _, of, bundle, _ in committed)
