"""Pages that do not arrive: a real Prometheus sees it, and the fallback is notified."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from generator.alerts import all_alerts, all_recordings
from generator.config import load
from generator.deploy.stack import PROMETHEUS
from generator.deploy.stack import render as render_stack
from generator.names import ALERTMANAGER
from generator.rules import render as render_rules
from tests import tools
from tests.bundle import FILE, text
from tests.full import older_in_full
from tests.live import alertmanager, prometheus
from tests.live.alertmanager import HASTY, Alertmanager, Phone, labels, phone
from tests.live.waiting import until

VERSIONS = tuple(zip(tools.PROMETHEUSES, tools.ALERTMANAGERS, strict=True))
FAILING = ("fallback", "AuditorNotificationsFailing", "critical")
# How the receiver of pages loses its secret, by a name for the test.
Break = Callable[[dict[str, object]], None]


def no_key_file(receiver: dict[str, object]) -> None:
    """A file that is read for the notification, so no retry can help."""
    receiver.clear()
    receiver |= {"name": "pages", "pagerduty_configs": [{"routing_key_file": "/nonexistent"}]}


def no_credentials_file(receiver: dict[str, object]) -> None:
    """A file that is read for the connection, which is retried until the group interval ends."""
    (config,) = yaml.safe_load(json.dumps(receiver["webhook_configs"]))
    config["http_config"] = {"authorization": {"credentials_file": "/nonexistent"}}
    receiver["webhook_configs"] = [config]


@dataclass
class Stack:
    alertmanager: Alertmanager
    prometheus: prometheus.Prometheus
    receivers: Phone

    def lost(self) -> float:
        found = self.prometheus.query("sum(alertmanager_notifications_failed_total)")
        return float(found[0]["value"][1]) if found else 0.0

    def attempts_failed(self) -> float:
        found = self.prometheus.query("sum(alertmanager_notification_requests_failed_total)")
        return float(found[0]["value"][1]) if found else 0.0


@pytest.fixture(params=older_in_full(VERSIONS), ids=lambda versions: versions[0])
def versions(request: pytest.FixtureRequest) -> tuple[str, str]:
    found: tuple[str, str] = request.param
    return found


@contextmanager
def running(
    versions: tuple[str, str], folder: Path, break_pages: Break = lambda _: None
) -> Iterator[Stack]:
    """The rendered configurations, with intervals of seconds."""
    server, own = versions
    with phone() as (heard, port):
        found = alertmanager.configuration(port, HASTY)
        config = yaml.safe_load(found["alertmanager.yml"])
        (pages,) = (each for each in config["receivers"] if each["name"] == "pages")
        break_pages(pages)
        found["alertmanager.yml"] = yaml.safe_dump(config)
        with alertmanager.running(own, folder / "alertmanager", found) as notifier:
            overlay = {
                "service": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "deploy": {"alertmanagers": [notifier.target]},
            }
            thresholds = load(text(), FILE, [("fast.json", json.dumps(overlay))])
            alerts = all_alerts(thresholds)
            rules = render_rules(thresholds, alerts, all_recordings(thresholds, alerts))
            (folder / "meta.yml").write_text(rules["alerts/meta.yml"])
            scraping = yaml.safe_load(render_stack(thresholds)[PROMETHEUS])
            scraping["rule_files"] = [str(folder / "meta.yml")]
            # The first alert comes before Prometheus has found Alertmanager.
            again = "--rules.alert.resend-delay=1s"
            with prometheus.running(tools.program(server), scraping, folder, again) as asked:
                stack = Stack(notifier, asked, heard)
                known = f'up{{job="{ALERTMANAGER}"}} == 1'
                until(lambda: asked.query(known), "Alertmanager is scraped")
                until(lambda: "watchdog" in heard.times, "the heartbeat arrives")
                yield stack


@pytest.mark.parametrize(
    "break_pages", [no_key_file, pytest.param(no_credentials_file, marks=pytest.mark.full)]
)
def test_a_missing_secret_reaches_the_fallback(
    versions: tuple[str, str], tmp_path: Path, break_pages: Break
) -> None:
    with running(versions, tmp_path, break_pages) as stack:
        stack.alertmanager.send(labels("AuditorHighErrorRate", "critical"))
        until(lambda: FAILING in stack.receivers.alerts(), "the fallback is notified")
        assert not stack.receivers.notifications("pages")
        beats = len(stack.receivers.times["watchdog"])
        until(lambda: len(stack.receivers.times["watchdog"]) > beats, "the heartbeat goes on")


def test_an_attempt_that_a_retry_makes_good_is_no_alert(
    versions: tuple[str, str], tmp_path: Path
) -> None:
    with running(versions, tmp_path) as stack:
        stack.receivers.failures["pages"] = 1
        stack.alertmanager.send(labels("AuditorHighErrorRate", "critical"))
        until(lambda: stack.receivers.notifications("pages"), "the page arrives")
        until(lambda: stack.attempts_failed() == 1, "the failed attempt was counted")
        beats = len(stack.receivers.times["watchdog"])
        until(lambda: len(stack.receivers.times["watchdog"]) > beats + 3, "some evaluations pass")
        assert stack.lost() == 0
        assert not stack.receivers.notifications("fallback")
