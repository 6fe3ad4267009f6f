"""Which alerts inhibit which: by severity, in one direction, within one installation."""

from __future__ import annotations

import json
import re
from graphlib import TopologicalSorter
from typing import Any

import pytest
import yaml

from generator.config import load
from generator.deploy import alertmanager
from generator.deploy.inhibition import inhibitions, less_telling
from generator.thresholds.settings import SEVERITIES
from tests.bundle import FILE, alerts, files, text

RULES: list[dict[str, Any]] = yaml.safe_load(files()[alertmanager.PATH])["inhibit_rules"]
FIRING = [(alert.name, trigger.severity) for alert in alerts() for trigger in alert.triggers]
BY_KEY = {alert.key: alert for alert in alerts()}


def fits(matchers: list[str], name: str, severity: str) -> bool:
    labels = {"service": "auditor", "alertname": name, "severity": severity}
    parsed = (re.fullmatch(r'(\w+)=~?"(.*)"', each) for each in matchers)
    return all(each and re.fullmatch(each[2], labels[each[1]]) for each in parsed)


def pairs(rule: dict[str, Any]) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    return [
        (source, target)
        for source in FIRING
        for target in FIRING
        if fits(rule["source_matchers"], *source) and fits(rule["target_matchers"], *target)
    ]


def test_no_rule_inhibits_a_higher_severity() -> None:
    for rule in RULES:
        for source, target in pairs(rule):
            if "alertname" in rule["equal"] and source[0] != target[0]:
                continue
            assert SEVERITIES.index(source[1]) <= SEVERITIES.index(target[1]), (source, target)


def test_no_alert_matches_both_sides_of_a_rule() -> None:
    for rule in RULES:
        sources, targets = (
            {each for each in FIRING if fits(rule[side], *each)}
            for side in ("source_matchers", "target_matchers")
        )
        assert not sources & targets, rule


def test_no_two_alerts_inhibit_each_other() -> None:
    graph: dict[tuple[str, str], set[tuple[str, str]]] = {each: set() for each in FIRING}
    for rule in RULES:
        for source, target in pairs(rule):
            if "alertname" not in rule["equal"] or source[0] == target[0]:
                graph[target].add(source)
    assert set(TopologicalSorter(graph).static_order()) == set(FIRING)


def test_no_alert_says_less_than_itself() -> None:
    assert [alert.key for alert in alerts() if alert.key in less_telling(alerts(), alert)] == []


def test_a_rule_holds_within_one_installation() -> None:
    assert all({"environment", "cluster"} <= set(rule["equal"]) for rule in RULES)


def test_labels_of_the_file_tell_installations_apart_too() -> None:
    overlay = json.dumps({"service": {"labels": {"environment": "qa", "region": "eu"}}})
    rendered = alertmanager.render(load(text(), FILE, [("qa.json", overlay)]), alerts())
    found = yaml.safe_load(rendered[alertmanager.PATH])
    assert found["route"]["group_by"] == ["service", "environment", "cluster", "region"]
    assert all("region" in rule["equal"] for rule in found["inhibit_rules"])


@pytest.mark.parametrize(
    "order",
    [
        ("high_latency", "high_tail_latency", "high_median_latency", "extreme_latency"),
        ("extreme_latency", "latency_budget_fast_burn", "latency_budget_creeping_burn"),
        ("requests_failing", "high_error_rate", "error_budget_fast_burn"),
        ("memory_near_limit", "high_memory"),
        ("fast_memory_leak", "memory_leak"),
        ("fast_memory_leak", "high_memory"),
        ("database_pool_near_limit", "many_database_connections"),
        ("unresponsive", "requests_waiting", "slow_probe"),
        ("unresponsive", "requests_waiting", "low_throughput"),
        ("unresponsive", "requests_waiting", "high_cpu"),
        ("unresponsive", "no_traffic"),
    ],
    ids="-".join,
)
def test_the_most_telling_alert_inhibits_all_that_follow(order: tuple[str, ...]) -> None:
    for number, key in enumerate(order):
        assert set(order[number + 1 :]) <= less_telling(alerts(), BY_KEY[key])


def test_a_worse_alert_of_the_same_cause_inhibits_the_more_telling_one() -> None:
    """The median pages: the ticket for the p95 would only repeat it."""
    found = {
        (each.source, each.severity, target): each.severities
        for each in inhibitions(alerts())
        for target in each.targets
    }
    lower = found["AuditorHighMedianLatency", "critical", "AuditorHighLatency"]
    assert lower == ("warning", "info")
    assert ("AuditorHighMedianLatency", "warning", "AuditorHighLatency") not in found


def test_every_source_is_one_alert_of_one_severity() -> None:
    """Of several equal sources, Alertmanager 0.29 to 0.34.0 forgets some once one resolves."""
    for rule in (each for each in RULES if "alertname" not in each["equal"]):
        assert len([each for each in FIRING if fits(rule["source_matchers"], *each)]) == 1
