"""The rendered configuration in real Alertmanagers: who is told what, and what is kept back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from generator.alerts.testcases.inputs import HERE
from generator.deploy.alertmanager import PATH, WATCHDOG
from generator.scoreboard.command import GUIDE_ALERTMANAGER
from tests.bundle import ROOT
from tests.live.alertmanager import (
    HASTY,
    Alertmanager,
    Labels,
    Phone,
    configuration,
    every_rule,
    labels,
    phone,
    receiver_of,
    running,
)
from tests.live.waiting import HANGS, until


@pytest.fixture
def heard() -> Iterator[tuple[Phone, int]]:
    with phone() as found:
        yield found


@pytest.fixture
def receivers(heard: tuple[Phone, int]) -> Phone:
    return heard[0]


@pytest.fixture
def alertmanager(
    alertmanager_server: Path, tmp_path: Path, heard: tuple[Phone, int]
) -> Iterator[Alertmanager]:
    with running(alertmanager_server.name, tmp_path, configuration(heard[1], HASTY)) as started:
        yield started


def expected(*sent: Labels) -> set[tuple[str, str, str]]:
    return {(receiver_of(each), each["alertname"], each["severity"]) for each in sent}


@pytest.mark.parametrize("path", [ROOT / PATH, GUIDE_ALERTMANAGER], ids=["bundle", "guide"])
def test_amtool_takes_the_committed_configuration(amtool: Path, path: Path) -> None:
    run = subprocess.run(
        [amtool, "check-config", path],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    "each",
    [each for _, each in every_rule()],
    ids=lambda each: f"{each['alertname']}-{each['severity']}",
)
def test_every_alert_has_its_receiver(amtool: Path, each: Labels) -> None:
    pairs = [f"{name}={value}" for name, value in each.items()]
    run = subprocess.run(
        [amtool, "config", "routes", "test", f"--config.file={ROOT / PATH}", *pairs],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=True,
    )
    assert run.stdout.split() == [receiver_of(each)]


def test_alerts_arrive_with_their_texts_and_are_resolved(
    alertmanager: Alertmanager, receivers: Phone
) -> None:
    sent = [
        labels("AuditorHighErrorRate", "critical"),
        labels("AuditorMemoryLeak", "warning"),
        labels("AuditorNoTraffic", "info"),
    ]
    alertmanager.send(*sent)
    until(lambda: receivers.alerts() == expected(*sent), "all have arrived")
    summaries = {
        each["annotations"]["summary"] for _, told in receivers.told for each in told["alerts"]
    }
    assert summaries == {f"{each['alertname']} is here" for each in sent}
    alertmanager.send(*sent, resolved=True)
    until(lambda: receivers.alerts("resolved") == expected(*sent), "all are resolved")


def test_a_critical_alert_keeps_its_own_warning_back(
    alertmanager: Alertmanager, receivers: Phone
) -> None:
    critical = labels("AuditorHighMemory", "critical")
    other = labels("AuditorHighMemory", "warning", worker="1", instance="other:9105")
    alertmanager.send(critical)
    until(lambda: receivers.alerts() == expected(critical), "the page has arrived")
    alertmanager.send(critical, labels("AuditorHighMemory", "warning"), other)
    until(lambda: len(receivers.alerts()) == 2, "the other worker's has arrived")
    assert instances(receivers, "tickets") == {"other:9105"}
    alertmanager.send(critical, resolved=True)
    until(
        lambda: instances(receivers, "tickets") == {"other:9105", HERE},
        "the warning comes when the page is resolved",
    )


def instances(receivers: Phone, receiver: str) -> set[str]:
    """Whose alerts it was notified of as firing."""
    return {
        each["labels"]["instance"]
        for name, told in list(receivers.told)
        for each in told["alerts"]
        if name == receiver and each["status"] == "firing"
    }


def test_the_watchdog_is_heard_at_every_heartbeat(
    alertmanager: Alertmanager, receivers: Phone
) -> None:
    once = labels("AuditorHighErrorRate", "warning")
    alertmanager.send(labels(WATCHDOG, "info"), once)
    times = receivers.times
    until(lambda: len(times["watchdog"]) >= 4, "four heartbeats")
    # A busy machine makes some late; with every other one left out, all would be.
    assert min(after - before for before, after in pairwise(times["watchdog"])) < 1.5
    assert len(times["tickets"]) == 1
    assert not times["info"]
