"""What Alertmanager is taken to send; tests/live/test_notifications.py asks the real one."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest

from generator.deploy.alertmanager import PATH
from generator.scoreboard.command import GUIDE_ALERTMANAGER
from generator.scoreboard.notifications import Alertmanager, Firing, Labels
from tests.bundle import files

CONFIGURATION = """
route:
  receiver: tickets
  group_by: [cluster]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 10m
  routes:
  - receiver: pages
    matchers: ['severity=~"critical|page"']
    group_by: [cluster, service]
    group_interval: 1m
inhibit_rules:
- source_matchers: ['alertname="Cause"']
  target_matchers: ['alertname=~"Sign|Cause"']
  equal: [instance, job]
"""


def fires(name: str, start: float, end: float = math.inf, **labels: str) -> Firing:
    return Firing(Labels.of({"alertname": name, "severity": "critical", **labels}), start, end)


def sent(*firings: Firing, end: float = 1000) -> list[tuple[str, float, list[str], list[str]]]:
    """Receiver, moment, and the names of the alerts that fire and have resolved."""
    found = Alertmanager.read(CONFIGURATION).notifications(firings, end)
    return [(each.receiver, each.at, names(each.firing), names(each.resolved)) for each in found]


def names(alerts: Iterable[Labels]) -> list[str]:
    return sorted(each["alertname"] for each in alerts)


def test_a_page_comes_after_the_wait_and_again_when_all_is_resolved() -> None:
    assert sent(fires("A", 60, 100)) == [("pages", 90, ["A"], []), ("pages", 150, [], ["A"])]


def test_what_resolves_within_the_wait_is_not_sent() -> None:
    assert sent(fires("A", 60, 90)) == []


def test_alerts_that_join_are_sent_at_the_next_interval() -> None:
    assert sent(fires("A", 0), fires("B", 31, service=""), end=300) == [
        ("pages", 30, ["A"], []),
        ("pages", 90, ["A", "B"], []),
    ]


def test_an_alert_that_fires_between_two_intervals_is_sent_as_resolved() -> None:
    assert sent(fires("A", 0), fires("B", 40, 50), end=300) == [
        ("pages", 30, ["A"], []),
        ("pages", 90, ["A"], ["B"]),
    ]


def test_an_alert_that_is_back_before_the_next_interval_is_no_news() -> None:
    assert sent(fires("A", 0, 40), fires("A", 60), end=300) == [("pages", 30, ["A"], [])]


def test_a_group_that_comes_back_waits_anew() -> None:
    assert [at for _, at, *_ in sent(fires("A", 0, 40), fires("A", 200))] == [30, 90, 230, 890]


def test_a_repetition_waits_for_the_interval_after_it_is_due() -> None:
    assert [at for _, at, *_ in sent(fires("A", 0), end=1400)] == [30, 690, 1350]
    ticket = fires("A", 0, severity="warning")
    assert [at for _, at, *_ in sent(ticket, end=1000)] == [30, 930]


def test_groups_differ_by_route_and_labels() -> None:
    firings = [
        fires("A", 0),
        fires("B", 0, cluster="x"),
        fires("C", 0, severity="warning"),
        fires("D", 0, severity="warning", service="other"),
        fires("E", 0, severity="page"),
    ]
    assert sent(*firings, end=60) == [
        ("pages", 30, ["A", "E"], []),
        ("pages", 30, ["B"], []),
        ("tickets", 30, ["C", "D"], []),
    ]


def test_a_muted_alert_is_sent_once_its_cause_has_resolved() -> None:
    firings = fires("Cause", 0, 40), fires("Sign", 0)
    assert sent(*firings, end=300) == [
        ("pages", 30, ["Cause"], []),
        ("pages", 90, ["Sign"], ["Cause"]),
    ]


def test_an_alert_that_ends_while_it_is_muted_is_not_sent() -> None:
    firings = fires("Sign", 0, 60), fires("Cause", 40, 100)
    assert sent(*firings, end=300) == [
        ("pages", 30, ["Sign"], []),
        ("pages", 90, ["Cause"], []),
        ("pages", 150, [], ["Cause"]),
    ]


@pytest.mark.parametrize(
    ("target", "muted"),
    [
        (fires("Sign", 0, instance="h:1"), True),
        (fires("Sign", 0, instance="h:2"), False),
        (fires("Sign", 0, instance="h:1", job="other"), False),
        (fires("Other", 0, instance="h:1"), False),
        (fires("Cause", 0, instance="h:1", worker="1"), False),
    ],
    ids=["same labels", "another instance", "label only here", "no target", "source and target"],
)
def test_an_alert_is_muted_where_the_labels_agree(target: Firing, muted: bool) -> None:
    ((_, _, names, _),) = sent(fires("Cause", 0, instance="h:1"), target, end=60)
    assert (names == ["Cause"]) is muted


def test_other_matchers_are_refused() -> None:
    with pytest.raises(ValueError, match='not a matcher: severity!="critical'):
        Alertmanager.read(CONFIGURATION.replace("severity=~", "severity!="))


def test_the_bundle_and_the_guide_can_be_read() -> None:
    critical = fires("AuditorDown", 0, service="auditor", category="availability")
    for text in (files()[PATH], GUIDE_ALERTMANAGER.read_text()):
        (page,) = Alertmanager.read(text).notifications([critical], 60)
        assert (page.receiver, page.at) == ("pages", 30)
