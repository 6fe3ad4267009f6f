"""Every pair of alerts in a real Alertmanager: what is inhibited, and above all what is not.

Each pair is sent with an `environment` of its own, so that all of them are judged at once. The
pairs come from the rendered rules and from the alerts, so a new one is tested without a line here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from generator.deploy.inhibition import Inhibition, inhibitions
from generator.thresholds.settings import SEVERITIES
from tests.bundle import alerts
from tests.live.alertmanager import HASTY, Alertmanager, Labels, configuration, every_rule, running
from tests.live.waiting import until

pytestmark = pytest.mark.xdist_group("inhibition")

RULES = [each for _, each in every_rule()]
NUMBERS = count()


@dataclass(frozen=True)
class Pair:
    """A source and a target that fire together, and whether the target must be inhibited."""

    name: str
    source: Labels
    target: Labels
    inhibited: bool


@pytest.fixture(scope="module")
def alertmanager(
    alertmanager_server: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Alertmanager]:
    folder = tmp_path_factory.mktemp("alertmanager")
    with running(alertmanager_server.name, folder, configuration(9, HASTY)) as started:
        yield started


def at(name: str, severities: tuple[str, ...]) -> Iterator[Labels]:
    return (each for each in RULES if each["alertname"] == name and each["severity"] in severities)


def pairs_of(inhibition: Inhibition) -> Iterator[Pair]:
    """At the same place, and at a place that differs in one of the labels that must agree."""
    (source,) = at(inhibition.source, (inhibition.severity,))
    for target in (each for name in inhibition.targets for each in at(name, inhibition.severities)):
        # The sidecar's alert is for either job.
        near = {**source, **{each: target[each] for each in inhibition.equal}}
        what = f"{near['alertname']} {near['severity']}, {target['alertname']} {target['severity']}"
        yield Pair(f"{what}: same place", near, target, inhibited=True)
        for label in (*inhibition.equal, "environment", "cluster"):
            yield Pair(f"{what}: other {label}", {**near, label: "another"}, target, False)


def judge(alertmanager: Alertmanager, pairs: list[Pair]) -> list[str]:
    """The pairs that are not as they must be."""
    environments = [f"pair-{next(NUMBERS)}" for _ in pairs]
    numbered = list(zip(pairs, environments, strict=True))
    alertmanager.send(*({"environment": own, **pair.source} for pair, own in numbered))
    targets = [{**pair.target, "environment": own} for pair, own in numbered]
    alertmanager.send(*targets)
    keys = [frozenset(target.items()) for target in targets]
    until(lambda: set(keys) <= alertmanager.states().keys(), "all are known")
    states = alertmanager.states()
    return [
        pair.name for pair, key in zip(pairs, keys, strict=True) if states[key] != pair.inhibited
    ]


def test_a_source_inhibits_its_targets_at_the_same_place_only(alertmanager: Alertmanager) -> None:
    pairs = [pair for each in inhibitions(alerts()) for pair in pairs_of(each)]
    assert len(pairs) > 300
    assert judge(alertmanager, pairs) == []


def test_no_related_alert_inhibits_one_of_a_higher_severity(alertmanager: Alertmanager) -> None:
    related = {(each.source, name) for each in inhibitions(alerts()) for name in each.targets}
    related |= {(target, source) for source, target in related}
    pairs = [
        Pair(f"{source} {target}", {**target, **source}, {**source, **target}, inhibited=False)
        for source in RULES
        for target in RULES
        if SEVERITIES.index(source["severity"]) > SEVERITIES.index(target["severity"])
        and (source["alertname"], target["alertname"]) in related
    ]
    assert len(pairs) > 100
    assert judge(alertmanager, pairs) == []


def test_what_is_well_is_not_inhibited_while_only_the_page_of_the_app_fails(
    alertmanager: Alertmanager,
) -> None:
    """Whatever the severity: the page of the workers is scraped."""
    (source,) = at("AuditorSidecarDown", SEVERITIES)
    source = {**source, "job": "auditor-api"}
    workers = [each for each in RULES if each.get("job") == "auditor-workers"]
    pairs = [
        Pair(
            str(target),
            source,
            target,
            inhibited=target["alertname"] == "AuditorAppMetricsMissing",
        )
        for target in workers
    ]
    assert judge(alertmanager, pairs) == []
