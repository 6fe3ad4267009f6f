"""What holds for every scenario, whatever the thresholds say."""

from __future__ import annotations

import re
from collections import Counter

import pytest
import yaml

from generator.alerts.context import Context
from generator.scenarios import all_scenarios
from generator.scenarios.model import Scenario
from generator.scenarios.render import FOLDER, due
from tests.bundle import alerts, files, thresholds

KIT = Context(thresholds())
SCENARIOS = all_scenarios(thresholds(), alerts())
INCIDENTS = [each for each in SCENARIOS if each.must]
QUIET = [each for each in SCENARIOS if not each.must]
# Always fires, so no incident can demand it.
UNDEMANDED = {"AuditorWatchdog"}
KEYS = {alert.key for alert in alerts()}


def test_there_are_incidents_and_quiet_courses_enough() -> None:
    assert len(INCIDENTS) >= 30
    assert len(QUIET) >= 12


def test_names_are_unique_words() -> None:
    names = Counter(each.name for each in SCENARIOS)
    assert max(names.values()) == 1
    assert [name for name in names if not re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", name)] == []


def test_every_family_has_an_incident() -> None:
    families = {alert.family for alert in alerts()} - {"meta"}
    assert {each.family for each in INCIDENTS} == families


def test_every_alert_is_demanded() -> None:
    demanded = {demand.alert.name for each in INCIDENTS for demand in each.must}
    assert {alert.name for alert in alerts()} - demanded == UNDEMANDED


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_a_story_has_two_sentences(scenario: Scenario) -> None:
    assert len(re.findall(r"[a-z0-9]\.(?: |$)", scenario.story)) == 2
    assert len(scenario.story) <= 140


@pytest.mark.parametrize("scenario", INCIDENTS, ids=lambda each: each.name)
def test_every_deadline_lies_within_the_course(scenario: Scenario) -> None:
    clock = scenario.clock(KIT.clock)
    for demand in scenario.must:
        assert demand.since < demand.due
        assert due(demand, clock) <= scenario.length
        if demand.gone is not None:
            assert demand.due < demand.gone
            assert clock.tick(demand.gone) + 2 * clock.interval <= scenario.length


@pytest.mark.parametrize("scenario", INCIDENTS, ids=lambda each: each.name)
def test_what_may_fire_as_well_exists_and_has_a_reason(scenario: Scenario) -> None:
    for may in scenario.may:
        assert may.reason
        assert may.families or may.keys
        assert {*may.keys, *may.but} <= KEYS


def test_nothing_may_fire_in_a_quiet_course() -> None:
    assert [each.name for each in QUIET if each.may] == []


def test_a_demanded_alert_is_never_allowed_elsewhere() -> None:
    """Another instance of it, or a worse severity, is a false alarm."""
    for scenario in INCIDENTS:
        allowed = scenario.allowed(alerts())
        assert not {demand.alert.name for demand in scenario.must} & set(allowed)


def test_files_are_small() -> None:
    sizes = {path: len(text) for path, text in files().items() if path.startswith(f"{FOLDER}/")}
    assert len(sizes) == len(SCENARIOS)
    assert [path for path, size in sizes.items() if size > 100_000] == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_a_file_says_what_is_expected(scenario: Scenario) -> None:
    """Of an incident: nothing before it, each alert in time, its end; of both: nothing else."""
    (test,) = yaml.safe_load(files()[f"{FOLDER}/{scenario.name}.yml"])["tests"]
    expected = test["promql_expr_test"]
    wanted = [
        (demand.alert.name, demand.trigger.severity, demand.instance) for demand in scenario.must
    ]
    found = [
        (name, severity, sample["labels"])
        for each in expected
        for sample in each["exp_samples"]
        for name, severity in re.findall(r'alertname="(\w+)".*severity="(\w+)"', sample["labels"])
    ]
    assert [(name, severity) for name, severity, _ in found] == [each[:2] for each in wanted]
    ends = sum(demand.gone is not None for demand in scenario.must)
    assert len(expected) == bool(scenario.begins) + len(scenario.must) + ends + 1
    assert expected[-1]["exp_samples"] == []


def test_every_rule_file_is_loaded() -> None:
    rules = {f"../../{path}" for path in files() if path.startswith("alerts/")}
    for scenario in SCENARIOS:
        document = yaml.safe_load(files()[f"{FOLDER}/{scenario.name}.yml"])
        assert set(document["rule_files"]) == rules
        assert len(document["group_eval_order"]) == len(rules)
