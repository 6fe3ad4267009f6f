"""A restart of Prometheus while an alert fires: nobody is notified of it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml

from generator.config import load
from generator.deploy.stack import COMPOSE, PROMETHEUS, render
from tests import tools
from tests.bundle import FILE, text, thresholds
from tests.full import older_in_full
from tests.live import alertmanager, prometheus
from tests.live.alertmanager import HASTY, Labels, phone
from tests.live.waiting import until

VERSIONS = tuple(zip(tools.PROMETHEUSES, tools.ALERTMANAGERS, strict=True))
FLAG = "--rules.alert.for-grace-period"
# Alertmanager resolves an alert four times as long after Prometheus has sent it last.
RESEND = 4
FOR = 6 * RESEND
ALERT: Labels = {"alertname": "AuditorHighLatency", "severity": "critical", "service": "auditor"}


def flag(overlay: str) -> str:
    """The grace period as the stack sets it."""
    command = yaml.safe_load(render(load(text(), FILE, [("fast.json", overlay)]))[COMPOSE])
    (found,) = (
        each for each in command["services"]["prometheus"]["command"] if each.startswith(FLAG)
    )
    return str(found)


def test_the_grace_period_is_the_shortest_for_of_all_alerts() -> None:
    fors = [
        severity.for_
        for settings in thresholds().alerts.values()
        for severity in vars(settings).values()
        if getattr(severity, "for_", 0)
    ]
    assert flag("{}") == f"{FLAG}={min(fors) / 60:.0f}m"


@pytest.mark.parametrize("versions", older_in_full(VERSIONS), ids=lambda versions: versions[0])
@pytest.mark.parametrize("restored", [True, False], ids=["grace period", "no grace period"])
@pytest.mark.full  # a minute
def test_a_restart_is_not_notified(
    versions: tuple[str, str], tmp_path: Path, *, restored: bool
) -> None:
    """Without the flag, the alert is resolved and comes again: the test can fail."""
    server, own = versions
    overlay = json.dumps(
        {
            "service": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "alerts": {"down": {"critical": {"for": f"{FOR}s"}}},
        }
    )
    flags = [f"--rules.alert.resend-delay={RESEND}s", *([flag(overlay)] if restored else [])]
    rule = {
        "alert": ALERT["alertname"],
        "expr": "vector(1)",
        "for": f"{FOR}s",
        "labels": {name: ALERT[name] for name in ("severity", "service")},
    }
    rules = {"groups": [{"name": "auditor", "rules": [rule]}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules))
    with (
        phone() as (heard, port),
        alertmanager.running(
            own, tmp_path / "alertmanager", alertmanager.configuration(port, HASTY)
        ) as notifier,
    ):
        config = yaml.safe_load(render(thresholds())[PROMETHEUS])
        config["global"] = {"evaluation_interval": "1s"}
        config["rule_files"] = [str(tmp_path / "rules.yml")]
        config["scrape_configs"] = []
        config["alerting"] = {
            "alertmanagers": [{"static_configs": [{"targets": [notifier.target]}]}]
        }
        program = tools.program(server)
        with prometheus.running(program, config, tmp_path, *flags):
            until(lambda: heard.notifications("pages"), "the page arrives")
        with prometheus.running(program, config, tmp_path, *flags) as again:
            if not restored:
                until(lambda: len(heard.notifications("pages")) == 3, "it is resolved and repeated")
                assert [each["status"] for each in heard.notifications("pages")] == [
                    *("firing", "resolved", "firing")
                ]
                return
            firing = f'ALERTS{{alertname="{ALERT["alertname"]}",alertstate="firing"}}'
            until(lambda: again.query(firing), "it fires again")
            # By then Alertmanager would have resolved it, and it would fire again.
            time.sleep(FOR + 2 * RESEND)
    assert [each["status"] for each in heard.notifications("pages")] == ["firing"]
