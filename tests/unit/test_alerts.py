"""What holds for every alert, whatever its numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import promql_parser
import pytest
import yaml

from generator.alerts.model import Alert, Trigger
from generator.names import LABELS, SCRAPED
from generator.promql import plain
from tests.bundle import alerts, files, recordings, thresholds

RECORDED = {each.name for each in recordings()}
TRIGGERS = [(alert, trigger) for alert in alerts() for trigger in alert.triggers]
IDS = [f"{alert.name}-{trigger.severity}" for alert, trigger in TRIGGERS]


def vectors(node: object) -> Iterator[promql_parser.VectorSelector]:
    """Every selector of a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "param", "vector_selector"):
        child = getattr(node, name, None)
        if child is not None:
            yield from vectors(child)
    for child in getattr(node, "args", None) or ():
        yield from vectors(child)


def check_known(expr: str) -> None:
    """The expression parses and asks for nothing but series and labels that exist."""
    for selector in vectors(promql_parser.parse(expr)):
        if selector.name in RECORDED:
            continue
        assert selector.name in LABELS, f"{selector.name} is neither measured nor recorded"
        labels = {matcher.name for matcher in selector.matchers.matchers}
        assert labels <= {"job", "instance", *LABELS[selector.name]}, selector.name


@pytest.mark.parametrize(("alert", "trigger"), TRIGGERS, ids=IDS)
def test_every_rule_parses_and_uses_series_that_exist(alert: Alert, trigger: Trigger) -> None:
    check_known(alert.expr(trigger))


@pytest.mark.parametrize("recording", recordings(), ids=lambda each: each.name)
def test_every_recording_parses_and_uses_series_that_exist(recording: object) -> None:
    check_known(plain(recording.expr))  # type: ignore[attr-defined]  # parametrize loses the type


@pytest.mark.parametrize("alert", alerts(), ids=lambda each: each.name)
def test_every_alert_on_scraped_values_is_tested_with_failing_scrapes(alert: Alert) -> None:
    """Those on `up` are about failed scrapes."""
    scraped = {each.metric for case in alert.cases for each in case.series} & SCRAPED
    titles = {case.title for case in alert.cases}
    assert ("scrapes fail every other minute" in titles) is bool(scraped)


def test_recordings_are_named_level_metric_operation() -> None:
    form = r"(job|instance|worker):(auditor|alertmanager)_[a-z_]+:[a-z0-9_]+"
    assert [name for name in RECORDED if not re.fullmatch(form, name)] == []


def test_a_recording_stands_before_what_uses_it_in_its_group() -> None:
    known: set[str] = set()
    families = {each.name: each.family for each in recordings()}
    for recording in recordings():
        used = {each.name for each in vectors(promql_parser.parse(plain(recording.expr)))}
        near = {name for name in used if families.get(name or "") == recording.family}
        assert near <= known, recording.name
        known.add(recording.name)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_an_alert_declares_every_recording_it_uses(alert: Alert) -> None:
    used = {
        each.name
        for trigger in alert.triggers
        for each in vectors(promql_parser.parse(alert.expr(trigger)))
    }
    assert used & RECORDED <= {each.name for each in alert.recordings}


def test_names_and_panels_are_unique() -> None:
    names = Counter(alert.name for alert in alerts())
    panels = Counter((alert.panel.dashboard, alert.panel.id) for alert in alerts())
    assert max(names.values()) == 1
    assert max(panels.values()) == 1
    assert all(re.fullmatch(r"Auditor[A-Z][A-Za-z]+", name) for name in names)


def test_a_rate_is_taken_of_counters_alone() -> None:
    """`rate`, `increase` and `irate` want a counter, `deriv` a gauge: told by the metric's name."""
    counters = re.compile(r"_(total|count|sum|bucket)$")
    for recording in recordings():
        for call in calls(promql_parser.parse(plain(recording.expr))):
            metric = next((each.name or "" for each in vectors(call)), "")  # time() reads none
            if call.func.name in ("rate", "increase", "irate"):
                assert counters.search(metric), f"{call.func.name} of the gauge {metric}"
            if call.func.name == "deriv":
                assert not counters.search(metric), f"deriv of the counter {metric}"


def calls(node: object) -> Iterator[promql_parser.Call]:
    if isinstance(node, promql_parser.Call):
        yield node
    for name in ("expr", "lhs", "rhs", "param"):
        child = getattr(node, name, None)
        if child is not None:
            yield from calls(child)
    for child in getattr(node, "args", None) or ():
        yield from calls(child)


def test_severities_of_one_alert_stand_worst_first() -> None:
    for alert in alerts():
        bounds = [alert.bound(trigger) for trigger in alert.triggers]
        assert bounds == sorted(bounds, reverse=alert.op == ">"), alert.name


def test_rules_carry_the_labels_and_texts_that_routing_and_people_need() -> None:
    rules = [
        rule
        for path, text in files().items()
        if path.startswith("alerts/")
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert len(rules) == len(TRIGGERS)
    for rule in rules:
        assert rule["labels"].keys() >= {"severity", "service", "category"}
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        notes = rule["annotations"]
        assert notes.keys() == {"summary", "description", "runbook_url", "dashboard_url"}
        assert "Next:" in notes["description"] or rule["alert"] == "AuditorWatchdog"
        placeholder = r"\b(BOUND|FOR|VALUE|INSTANCE|JOB|WORKER)\b"
        assert not re.search(placeholder, notes["summary"] + notes["description"])
        page = notes["runbook_url"].removeprefix(thresholds().service.links.runbooks)
        assert f"docs/runbooks{page}" in files()
        dashboard = re.search(r"/d/auditor-(\w+)\?.*viewPanel=(\d+)$", notes["dashboard_url"])
        assert dashboard is not None
        assert f'"id": {dashboard[2]},' in files()[f"dashboards/{dashboard[1]}.json"]


def test_a_summary_fits_the_screen_of_a_telephone() -> None:
    for alert in alerts():
        tests = yaml.safe_load(files()[f"promtool-tests/{alert.name}.yml"])["tests"]
        for moment in (moment for test in tests for moment in test.get("alert_rule_test", ())):
            for expected in moment["exp_alerts"]:
                assert len(expected["exp_annotations"]["summary"]) <= 90


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_every_severity_is_shown_to_fire_and_to_stay_silent(alert: Alert) -> None:
    alert_tests = [moment for case in alert.cases for moment in case.alert_tests]
    for trigger in alert.triggers:
        firing = [
            any(each.severity == trigger.severity for each in moment.firing)
            for moment in alert_tests
        ]
        assert any(firing), trigger.severity
        assert not all(firing) or alert.name == "AuditorWatchdog", trigger.severity
