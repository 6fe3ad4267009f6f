"""The committed rules in a real Prometheus that scrapes a service that is well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.names import ALERTMANAGER, LABELS
from tests import tools
from tests.bundle import ROOT, thresholds
from tests.grafana import Target, dashboards, substituted, targets
from tests.live import alertmanager
from tests.live.prometheus import Prometheus, free_port, running, scrape_configs
from tests.live.target import serve
from tests.live.waiting import until
from tests.tools.skipping import had

pytestmark = pytest.mark.xdist_group("prometheus")


@pytest.fixture(scope="module")
def prometheus(
    prometheus_server: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """All jobs scraped every second, for at least fifteen seconds."""
    folder = tmp_path_factory.mktemp("prometheus")
    jobs = thresholds().service.jobs
    files = alertmanager.configuration(free_port(), alertmanager.HASTY)
    newest = tools.ALERTMANAGERS[-1]
    with (
        serve(thresholds()) as sidecar,
        alertmanager.running(had(newest).name, folder / "alertmanager", files) as notifier,
    ):
        probe = {
            "job_name": jobs.probe,
            "metrics_path": "/probe",
            "static_configs": [{"targets": [sidecar]}],
        }
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": hurried(folder),
            "scrape_configs": [
                *scrape_configs(jobs, sidecar),
                probe,
                {"job_name": ALERTMANAGER, "static_configs": [{"targets": [notifier.target]}]},
            ],
        }
        with running(prometheus_server, config, folder) as server:
            until(
                lambda: server.query("count_over_time(up[1m]) > 15"),
                f"scrapes, see {folder / 'log'}",
                60,
            )
            yield server


def hurried(folder: Path) -> list[str]:
    """Copies of the rules whose groups have no interval of their own."""
    for path in (ROOT / "alerts").glob("*.yml"):
        (folder / path.name).write_text(re.sub(r"\n *interval: \w+\n", "\n", path.read_text()))
    return [str(folder / path.name) for path in (ROOT / "alerts").glob("*.yml")]


def test_every_rule_evaluates(prometheus: Prometheus) -> None:
    rules = prometheus.rules()
    names = [rule["name"] for rule in rules]
    committed = [rule for path in (ROOT / "alerts").glob("*.yml") for rule in rules_of(path)]
    assert len(names) == len(committed)
    assert {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] == "err"} == {}
    assert [rule["name"] for rule in rules if rule["health"] == "unknown"] == []


def rules_of(path: Path) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def test_a_service_that_is_well_raises_no_alert_but_the_watchdog(prometheus: Prometheus) -> None:
    raised = {
        found["metric"]["alertname"] for found in prometheus.query('ALERTS{alertstate="firing"}')
    }
    assert raised == {"AuditorWatchdog"}


@pytest.mark.parametrize("metric", LABELS)
def test_the_target_offers_every_series_of_the_contract(
    prometheus: Prometheus, metric: str
) -> None:
    found = prometheus.query(metric)
    assert found
    for series in found:
        assert series["metric"].keys() == {"__name__", "job", "instance", *LABELS[metric]}


def test_recordings_have_data(prometheus: Prometheus) -> None:
    """All but those that need a longer past, or something that goes wrong."""
    recorded = [rule["name"] for rule in prometheus.rules() if rule["type"] == "recording"]
    late = (*TILED, "wait_seconds:", "seconds_to_limit", ":first")
    empty = [
        name
        for name in recorded
        if not prometheus.query(name) and not any(each in name for each in late)
    ]
    assert empty == []


# What is summed from whole hours: counts of days, and what is made of them.
TILED = (":sum", ":remaining", ":burn_rate1d", ":burn_rate3d")

# Panels that show nothing while all is well or just begun, by a word of their query.
QUIET = {
    "ALERTS": "no alert but the watchdog fires",
    "absent(": "every job has a target",
    "_deriv": "a slope needs samples from before the start of this test",
    "seconds_to_limit": "nothing grows",
    ":first": "the first minutes of the workers are over",
    ":rate5m": "the rate counts once its window is full",
    "wait_seconds:": "as the rate",
    **dict.fromkeys(TILED, "the first hour is not over"),
}


@pytest.mark.parametrize(
    "target",
    [each for name, board in dashboards().items() for each in targets(name, board, "prometheus")],
    ids=lambda target: f"{target.dashboard}-{target.panel}",
)
def test_a_panel_shows_data(prometheus: Prometheus, target: Target) -> None:
    expr = re.sub(r"\$(job|instance|worker)\b", ".+", substituted(target.expr))
    shown = bool(prometheus.query(expr))
    assert shown or any(word in target.expr for word in QUIET), expr
