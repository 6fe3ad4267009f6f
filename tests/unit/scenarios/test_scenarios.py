"""What holds for every scenario, whatever the thresholds say."""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from generator.alerts.context import Context
from generator.alerts.model import Effect
from generator.scenarios import all_scenarios, families
from generator.scenarios.registry import definitions
from generator.scenarios.render import FOLDER, WATCHDOG, due
from generator.scenarios.scenario import Scenario
from generator.thresholds import UnknownAlertError
from tests.bundle import alerts, files, thresholds

CLOCK = Context(thresholds()).clock
SCENARIOS = all_scenarios(thresholds(), alerts())
INCIDENTS = [each for each in SCENARIOS if each.required]
NEGATIVE = [each for each in SCENARIOS if not each.required]


def test_there_are_incidents_and_negative_scenarios_enough() -> None:
    assert len(INCIDENTS) >= 30
    assert len(NEGATIVE) >= 12


def test_names_are_unique_words() -> None:
    names = Counter(each.name for each in SCENARIOS)
    assert max(names.values()) == 1
    assert [name for name in names if not re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", name)] == []


def test_every_family_has_an_incident() -> None:
    families = {alert.family for alert in alerts()}
    assert {each.family for each in INCIDENTS} == families


def test_every_alert_has_a_scenario_in_which_it_must_fire() -> None:
    required = {each.alert.key for incident in INCIDENTS for each in incident.required}
    missing = [alert.key for alert in alerts() if alert.detects and alert.key not in required]
    assert missing == [], "generator/scenarios/families/ has no incident for these alerts"


def test_only_the_watchdog_detects_nothing() -> None:
    assert [alert.name for alert in alerts() if alert.detects is None] == [WATCHDOG]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_a_story_has_two_sentences(scenario: Scenario) -> None:
    assert len(re.findall(r"[a-z0-9]\.(?: |$)", scenario.story)) == 2
    assert len(scenario.story) <= 140


@pytest.mark.parametrize("scenario", INCIDENTS, ids=lambda each: each.name)
def test_every_deadline_lies_within_the_scenario(scenario: Scenario) -> None:
    clock = scenario.clock(CLOCK)
    for required in scenario.required:
        assert required.since < required.due
        assert due(required, clock) <= scenario.length
        if required.resolved is not None:
            assert required.due < required.resolved
            assert clock.tick(required.resolved) + 2 * clock.interval <= scenario.length


def test_nothing_may_fire_in_a_negative_scenario() -> None:
    assert [each.name for each in NEGATIVE if each.also] == []


def test_a_required_alert_is_never_allowed_elsewhere() -> None:
    """Another instance of it, or a higher severity, is a false alarm."""
    for scenario in INCIDENTS:
        allowed = scenario.allowed(alerts())
        assert not {each.alert.name for each in scenario.required} & set(allowed)


@pytest.mark.parametrize(
    ("scenario", "detects", "allowed"),
    [
        ("errors-after-a-release", "failed requests", True),
        ("service-hangs", "requests waiting", True),
        ("errors-after-a-release", "requests waiting", False),
        ("nightly-batch", "CPU time", False),
    ],
    ids=["same effect", "effect of the fault", "another effect", "negative scenario"],
)
def test_a_new_alert_may_fire_where_its_effect_shows(
    scenario: str, detects: Effect, allowed: bool
) -> None:
    (found,) = (each for each in SCENARIOS if each.name == scenario)
    new = replace(alerts()[0], key="brand_new", detects=detects)
    assert ("AuditorBrandNew" in found.allowed([*alerts(), new])) is allowed


def test_a_missing_alert_is_named() -> None:
    with pytest.raises(UnknownAlertError, match="many_threads"):
        all_scenarios(thresholds(), [each for each in alerts() if each.key != "many_threads"])


NEW_SCENARIO = '''
from generator.scenarios import Events

FAMILY = "quality"

def NAME(context):
    """Nothing happens. Nobody minds."""
    return Events(length=5400.0, instances=(context.healthy(),))
'''


def collected(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all scenarios, with one more in a module of its own."""
    module = f"with_{name}"
    (folder / f"{module}.py").write_text(NEW_SCENARIO.replace("NAME", name))
    monkeypatch.setattr(families, "__path__", [*families.__path__, str(folder)])
    try:
        return list(definitions.__wrapped__())
    finally:
        sys.modules.pop(f"{families.__name__}.{module}", None)


def test_a_new_module_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "an-ordinary-day" in collected("an_ordinary_day", tmp_path, monkeypatch)


def test_a_name_is_given_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="two scenarios named nightly-batch"):
        collected("nightly_batch", tmp_path, monkeypatch)


def test_files_are_small() -> None:
    sizes = {path: len(text) for path, text in files().items() if path.startswith(f"{FOLDER}/")}
    largest = {
        f"{FOLDER}/{each.name}.yml": max(100_000, 20_000 * len(each.instances))
        for each in SCENARIOS
    }
    assert sizes.keys() == largest.keys()
    assert [path for path, size in sizes.items() if size > largest[path]] == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_a_file_says_what_is_expected(scenario: Scenario) -> None:
    """Of an incident: nothing before it, each alert in time, its end; of both: nothing else."""
    (test,) = yaml.safe_load(files()[f"{FOLDER}/{scenario.name}.yml"])["tests"]
    expected = test["promql_expr_test"]
    wanted = [(each.alert.name, each.trigger.severity, each.instance) for each in scenario.required]
    found = [
        (name, severity, sample["labels"])
        for each in expected
        for sample in each["exp_samples"]
        for name, severity in re.findall(r'alertname="(\w+)".*severity="(\w+)"', sample["labels"])
    ]
    assert [(name, severity) for name, severity, _ in found] == [each[:2] for each in wanted]
    ends = sum(each.resolved is not None for each in scenario.required)
    assert len(expected) == bool(scenario.begins) + len(scenario.required) + ends + 1
    assert expected[-1]["exp_samples"] == []


def test_every_rule_file_is_loaded() -> None:
    rules = {f"../../{path}" for path in files() if path.startswith("alerts/")}
    for scenario in SCENARIOS:
        document = yaml.safe_load(files()[f"{FOLDER}/{scenario.name}.yml"])
        assert set(document["rule_files"]) == rules
        assert len(document["group_eval_order"]) == len(rules)
