"""Every value of every dashboard leads to a place in the source."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from generator.grafana.command import modules
from generator.grafana.diff import Change, panels
from generator.grafana.source import Source
from tests.bundle import ROOT, alerts, thresholds
from tests.live.grafana.command import RENDERED

NAMES = [uid.removeprefix("auditor-") for uid in RENDERED]


@cache
def source() -> Source:
    return Source(thresholds(), alerts(), dict(modules()))


def exists(where: str) -> bool:
    place = re.match(r"([\w./]+)(?::(\d+))?", where)
    assert place, where
    path = ROOT / place[1]
    return path.exists() and int(place[2] or 1) <= len(path.read_text().splitlines())


def values(node: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(node, dict):
        return [
            found
            for key, each in node.items()
            for found in values(each, f"{path}.{key}" if path else key)
        ]
    if isinstance(node, list):
        return [found for at, each in enumerate(node) for found in values(each, f"{path}[{at}]")]
    return [(path, node)]


@pytest.mark.parametrize("name", NAMES)
def test_every_value_of_a_panel_has_a_place(name: str) -> None:
    for identifier, panel in panels(RENDERED[f"auditor-{name}"]).items():
        for path, value in values(panel, ""):
            for after in (None, 0.5, "other"):
                where = source().where(name, Change(identifier, path, value, after))
                assert exists(where), (path, where)


@pytest.mark.parametrize("name", NAMES)
def test_every_value_of_a_dashboard_has_a_place(name: str) -> None:
    for path, value in values(RENDERED[f"auditor-{name}"], ""):
        if not path.startswith("panels"):
            assert exists(source().where(name, Change(None, path, value, "other"))), path


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_every_threshold_step_of_an_alert_leads_to_the_thresholds(alert: Any) -> None:
    panel = panels(RENDERED[f"auditor-{alert.panel.dashboard}"])[alert.panel.id]
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    values = [step["value"] for step in steps if step["value"] is not None]
    assert values
    bounds = [trigger.bound for trigger in alert.triggers if trigger.bound]
    for number, value in enumerate(values, 1):
        path = f"fieldConfig.defaults.thresholds.steps[{number}].value"
        where = source().where(alert.panel.dashboard, Change(alert.panel.id, path, value, 1))
        assert where.startswith("thresholds.yaml:" if bounds else "generator/alerts/"), where


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_the_expression_of_an_alert_leads_to_its_module(alert: Any) -> None:
    change = Change(alert.panel.id, "targets[A].expr", "before", "after")
    where = source().where(alert.panel.dashboard, change)
    place, note = where.split(": ")
    path, line = place.split(":")
    assert note == f"{alert.name} uses it too"
    shown = (ROOT / path).read_text().splitlines()[int(line) - 1]
    assert f"def {alert.key}(" in shown or f'key="{alert.key}"' in shown
