from __future__ import annotations

from pathlib import Path

import pytest

from tests.performance import run
from tests.performance.scenarios import (
    BY_NAME,
    HOUR,
    MINUTE,
    SCENARIOS,
    Scenario,
    looks_like_production,
)

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)


@pytest.mark.parametrize(
    ("name", "seconds", "least", "most"),
    [
        ("smoke", MINUTE, 10, 10),
        ("baseline", 5 * MINUTE, 50, 50),
        ("load", 15 * MINUTE, 100, 200),
        ("stress", 10 * MINUTE, 300, 500),
        ("spike", 5 * MINUTE, 50, 500),
        ("endurance", 30 * MINUTE, 100, 100),
        ("soak", 2 * HOUR, 75, 75),
    ],
)
def test_scenarios_are_those_of_the_guide(name: str, seconds: float, least: int, most: int) -> None:
    """See its table "Testing Types"."""
    scenario = BY_NAME[name]
    assert scenario.seconds == seconds
    assert (min(each.users for each in scenario.stages), scenario.users) == (least, most)


def test_the_spike_rises_and_falls_within_seconds() -> None:
    before, spike, after = BY_NAME["spike"].stages
    assert before.users == after.users
    assert spike.users == 10 * before.users
    assert (spike.users - before.users) / spike.spawn_rate <= 5
    assert (spike.users - after.users) / after.spawn_rate <= 5


@each_scenario
def test_every_stage_reaches_its_users_in_time(scenario: Scenario) -> None:
    users = 0
    for stage in scenario.stages:
        assert abs(stage.users - users) / stage.spawn_rate <= stage.seconds / 4
        users = stage.users


@each_scenario
def test_the_stages_follow_one_another(scenario: Scenario) -> None:
    start = 0.0
    for stage in scenario.stages:
        assert scenario.at(start) == stage
        assert scenario.at(start + stage.seconds - 0.001) == stage
        start += stage.seconds
    assert scenario.at(start) is None


def test_a_scaled_scenario_has_the_same_shape() -> None:
    spike = BY_NAME["spike"]
    scaled = spike.scaled(0.1, 0.2)
    assert scaled.seconds == pytest.approx(spike.seconds / 10)
    assert [each.users for each in scaled.stages] == [10, 100, 10]
    for one, other in zip(spike.stages, scaled.stages, strict=True):
        share = one.users / one.spawn_rate / one.seconds
        assert other.users / other.spawn_rate / other.seconds == pytest.approx(share)
    assert spike.scaled(1, 0.001).users == 1


@pytest.mark.parametrize(
    "host",
    [
        "https://api.production.example.com",
        "https://auditor.prod.internal",
        "https://live-2.test",
        "https://auditor.example.com",
        "http://8.8.8.8:8888",
        "http://[2001:4860:4860::8888]",
        "https://AUDITOR.PRD.example.com",
        "https://contest.example.com",
        "http://prod01",
    ],
)
def test_public_and_production_hosts_need_confirmation(host: str) -> None:
    assert looks_like_production(host)


@pytest.mark.parametrize(
    "host",
    [
        "http://localhost:8888",
        "http://127.0.0.1:8888",
        "http://[::1]:8888",
        "http://10.1.2.3",
        "http://192.168.0.7:8888",
        "http://auditor-api:8000",
        "https://staging.example.com",
        "https://auditor-staging2.example.com",
        "https://auditor.test.example.com",
        "http://auditor.local",
    ],
)
def test_other_hosts_need_no_confirmation(host: str) -> None:
    assert not looks_like_production(host)


def test_invisible_workers_are_reported_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "check_health", lambda _: None)
    arguments = ["--host", "http://192.0.2.1", "--yes", "--reports", str(tmp_path)]
    assert run.main(["smoke", "endurance", "soak", *arguments]) == 2
    assert capsys.readouterr().err == (
        "endurance and soak would be inconclusive: the host is another machine; "
        "give its sidecar with --sidecar\n"
    )
    assert not list(tmp_path.iterdir())
