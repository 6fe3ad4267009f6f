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
from generator.scoreboard.firings import parse
from generator.scoreboard.notifications import Firing, Labels, Notification
from generator.scoreboard.results import Observed, Result, result
from tests.bundle import ROOT, alerts, thresholds

CLOCK = Context(thresholds()).clock
SCENARIOS = {each.name: each for each in all_scenarios(thresholds(), alerts())}
INCIDENT = SCENARIOS["errors-after-a-release"]
NEGATIVE = SCENARIOS["nightly-batch"]
(REQUIRED,) = INCIDENT.required


def firing(alert: str, instance: str, severity: str, start: float) -> Firing:
    labels = {"alertname": alert, "instance": instance, "severity": severity}
    return Firing(Labels.of({name: value for name, value in labels.items() if value}), start, 1e9)


FIRED = firing("AuditorHighErrorRate", REQUIRED.instance, "critical", REQUIRED.since + 300)


def also(severity: str = "critical", instance: str = REQUIRED.instance) -> Firing:
    """The required alert in other places."""
    return firing("AuditorHighErrorRate", instance, severity, FIRED.start)


def found(scenario: Scenario, *fired: Firing, guide: tuple[Firing, ...] = ()) -> Result:
    return result(scenario, CLOCK, alerts(), Observed(fired, ()), Observed(guide, ()))


def sent(scenario: Scenario, *receivers: tuple[str, float]) -> Result:
    notifications = [
        Notification(receiver, at, frozenset({FIRED.labels}), frozenset())
        for receiver, at in receivers
    ]
    bundle, guide = Observed((FIRED,), notifications), Observed((), notifications[:1])
    return result(scenario, CLOCK, alerts(), bundle, guide)


def totals(text: str) -> list[tuple[str, ...]]:
    """What each row of the first table counts, and its three numbers."""
    return re.findall(r"^\| ([a-z ]+?) +\| (\d+) +\| (\d+) +\| (\d+) ", text, re.MULTILINE)


def test_promtools_output_is_parsed() -> None:
    output = """  FAILED:
    expr: "max by (alertname) (x{alertname!=\\"W\\"})", time: 1h,
        exp: nil
        got: {alertname="A", instance="h:1", severity="critical"} 1.2345E+04, {alertname="B"} 0E+00
    expr: "max by (alertname) (x{alertname!=\\"W\\"})", time: 1h15s,
        exp: nil
        got: {alertname="B"} 1.5E+01
    expr: "max by (alertname) (x{alertname!=\\"W\\"})", time: 1h45s,
        exp: nil
        got: {alertname="B"} 4.5E+01
"""
    alone = Labels.of({"alertname": "B"})
    assert parse(output, 15) == (
        Firing(alone, 0, 30),
        Firing(alone, 45, 60),
        Firing(
            Labels.of({"alertname": "A", "instance": "h:1", "severity": "critical"}), 12345, 12360
        ),
    )


def test_an_alert_in_time_is_good() -> None:
    assert found(INCIDENT, FIRED).good
    assert [each.after for each in found(INCIDENT, FIRED).detections] == [300]


def test_a_lower_severity_may_fire_too() -> None:
    assert found(INCIDENT, FIRED, also(severity="warning")).good


@pytest.mark.parametrize(
    ("fired", "problem"),
    [
        ((), "AuditorHighErrorRate (critical) fires after never, due after"),
        ((replace(FIRED, start=REQUIRED.since + 9000),), "fires after 2h30m, due after 10m30s"),
        (
            (FIRED, firing("AuditorDown", "", "critical", FIRED.start)),
            "AuditorDown (critical) should",
        ),
        ((replace(FIRED, start=15.0),), "AuditorHighErrorRate (critical) should not fire"),
        ((FIRED, also(instance="other")), "AuditorHighErrorRate (critical) should not"),
    ],
    ids=["missed", "late", "another alert", "too early", "another instance"],
)
def test_missed_late_and_false_alerts_are_reported(fired: tuple[Firing, ...], problem: str) -> None:
    assert not found(INCIDENT, *fired).good
    assert problem in "\n".join(page.problems([found(INCIDENT, *fired)]))


def test_an_allowed_alert_is_no_false_alert() -> None:
    allowed = firing("AuditorRequestsFailing", "", "critical", FIRED.start)
    assert found(INCIDENT, FIRED, allowed).good


def test_every_alert_in_a_negative_scenario_is_false() -> None:
    assert found(NEGATIVE).good
    assert found(NEGATIVE, FIRED).false_alerts == ("AuditorHighErrorRate (critical)",)


def test_the_guides_first_rule_after_the_start_counts() -> None:
    fired = (
        firing("HighLatency", "", "", REQUIRED.since + 600),
        firing("HighErrorRate", "", "", REQUIRED.since + 400),
        firing("MemoryLeak", "", "", REQUIRED.since - 15),
    )
    incident, negative = found(INCIDENT, guide=fired), found(NEGATIVE, guide=fired[:1])
    assert (incident.guide_after, incident.guide_rules) == (400, ("HighErrorRate",))
    assert incident.guide_false_alerts == ("MemoryLeak",)
    assert (negative.guide_after, negative.guide_rules) == (None, ())
    assert negative.guide_false_alerts == ("HighLatency",)


def test_totals_count_both_sets_of_rules() -> None:
    rule = firing("HighErrorRate", "", "", REQUIRED.since + 99999)
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
        ("critical incidents that page", "2", "0", "0"),
        ("other incidents without pages", "0", "0", "0"),
        ("negative scenarios without alerts", "2", "2", "1"),
        ("negative scenarios without pages", "2", "2", "2"),
    ]


def test_of_several_instances_the_slowest_detection_counts() -> None:
    required = tuple(replace(REQUIRED, instance=each) for each in ("h:1", "h:2", "h:3"))
    incident = replace(INCIDENT, required=required)
    at = [firing("AuditorHighErrorRate", each.instance, "critical", 0.0) for each in required]
    fired = [
        replace(each, start=REQUIRED.since + after)
        for each, after in zip(at, (30, 90, 60), strict=True)
    ]
    assert [each.after for each in found(incident, *fired).detections] == [90]
    assert [each.after for each in found(incident, *fired[:2]).detections] == [None]


def test_pages_and_tickets_are_counted() -> None:
    since = REQUIRED.since
    several = sent(
        INCIDENT,
        ("tickets", since + 30),
        ("fallback", since + 90),
        ("pages", since + 60),
        ("info", since + 10),
        ("pages", since - 60),
    )
    assert (several.notified.paged_after, several.notified.pages) == (60, 3)
    assert several.notified.tickets == 1
    assert (several.guide_notified.paged_after, several.guide_notified.tickets) == (None, 1)
    assert sent(NEGATIVE, ("pages", 60)).notified.paged_after is None
    assert sent(NEGATIVE, ("pages", 60)).notified.pages == 1


def test_totals_count_who_is_paged() -> None:
    since = REQUIRED.since
    results = [
        sent(INCIDENT, ("pages", since + 60), ("pages", since + 3600), ("tickets", since)),
        sent(INCIDENT, ("tickets", since)),
        sent(NEGATIVE, ("pages", 60)),
        found(NEGATIVE),
    ]
    text = page.render(results)
    assert totals(text)[3] == ("critical incidents that page", "2", "1", "1")
    assert totals(text)[6] == ("negative scenarios without pages", "2", "1", "1")
    assert "| pages in critical incidents | 2 | 1 |" in text
    assert "| tickets in all incidents | 2 | 1 |" in text
    assert "| pages in negative scenarios | 1 | 1 |" in text
    assert f"| {INCIDENT.name} | critical | 1m | 2 | 1 | 1m | 1 |" in text


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
