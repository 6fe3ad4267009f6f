"""Every value of the thresholds file, changed alone.

What speaks of it changes, nothing else does, and all tests of the rules pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.alerts import all_alerts
from generator.alerts.model import Alert
from generator.bundle import render
from generator.thresholds import ConfigError, Thresholds, load
from generator.thresholds.model import SEVERITIES
from tests.bundle import FILE, alerts, files, text
from tests.live.test_promtool import run

Leaf = tuple[str | int, ...]
LEVELS = ("acceptable", "poor", "critical")


def leaves(node: Any, path: Leaf = ()) -> Iterator[Leaf]:
    """Paths of the scalars, and of mappings that are empty."""
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from leaves(value, (*path, index))
    else:
        yield path


DOCUMENT = yaml.safe_load(text())
# `version` has one value only.
LEAVES = [path for path in leaves(DOCUMENT) if path != ("version",)]


def at(path: Leaf) -> Any:
    node = DOCUMENT
    for key in path:
        node = node[key]
    return node


def others(path: Leaf) -> Iterator[Any]:
    """Values that may stand in place of the one at `path`, the nearest first."""
    value = at(path)
    if isinstance(value, dict):
        yield {"team": "verification"}
    elif isinstance(value, int | float):
        yield from (
            value + 1,
            value - 1,
            round(value * 1.1, 4),
            round(value * 0.95, 4),
            value + 0.1,
        )
    elif path[-1] == "fires_at":
        row, _, level = value.rpartition(".")
        yield from (f"{row}.{each}" for each in LEVELS if each != level)
        other = {"error_rate.high": "error_rate.stress", "memory.peak_24h": "memory.peak_1h"}
        yield from (f"{new}.{level}" for old, new in other.items() if row == old)
        yield from (
            f"{row}.{each}"
            for row in ("memory.initial", "cpu.idle", "memory.slow_growth")
            for each in LEVELS
        )
    elif number := re.fullmatch(r"([\d.]+)([a-zA-Z%/]+)", value):
        amount, unit = float(number[1]), number[2]
        for other_amount in (
            amount * 1.2,
            amount * 0.8,
            amount * 1.02,
            amount * 0.99,
            amount + 15,
            amount + 1,
        ):
            yield f"{other_amount:.10g}{unit}"
    elif value.startswith("{"):
        yield value.replace("auditor", "auditor-api")
    elif value.startswith("http"):
        yield f"{value}/elsewhere"
    else:
        yield f"{value}2"


def overlay(path: Leaf, value: Any) -> str:
    """An overlay that sets `path` alone; a list is given whole."""
    for depth, key in enumerate(path):
        if isinstance(key, int):
            items = list(at(path[:depth]))
            items[key] = value
            path, value = path[:depth], items
            break
    for key in reversed(path):
        value = {key: value}
    return yaml.safe_dump(value)


def alone(path: Leaf) -> str:
    """An overlay that takes an alert's other severities away, for they bound this one's level."""
    severities = {each: None for each in at(path[:2]) if each in SEVERITIES and each != path[2]}
    return yaml.safe_dump({"alerts": {path[1]: severities}})


def changed_thresholds(path: Leaf) -> Thresholds:
    refusals = []
    candidates = [[overlay(path, value)] for value in others(path) if value != at(path)]
    if path[-1] == "fires_at":
        candidates += [[*each, alone(path)] for each in candidates]
    for overlays in candidates:
        try:
            return load(text(), FILE, [("change.yaml", each) for each in overlays])
        except ConfigError as error:
            refusals.append(str(error))
    raise AssertionError(f"no other value is accepted: {refusals}")


def name_of(path: Leaf) -> str:
    return ".".join(str(key) for key in path)


def covered(alert: Alert, name: str) -> bool:
    """The alert says that it depends on the value; it quotes the reason of each row it uses."""
    row = f"{name.removesuffix('.why')}." if name.endswith(".why") else None
    return any(
        name == path or name.startswith(f"{path}.") or (row and path.startswith(row))
        for path in alert.paths()
    )


def may_change(name: str, involved: list[Alert]) -> set[str]:
    """Files that speak of a value, told by what the alerts say of themselves."""
    allowed = {"docs/targets.md", "docs/runbooks/README.md"}
    for alert in involved:
        allowed |= {f"promtool-tests/{alert.name}.yml", f"docs/runbooks/{alert.name}.md"}
        allowed |= {
            f"alerts/{family}.yml"
            for family in (alert.family, *(each.family for each in alert.recordings))
        }
        allowed.add(f"dashboards/{alert.panel.dashboard}.json")
    if name.startswith("slo.") or name == "alerts.high_error_rate.window":
        allowed.add("alerts/budget.yml")
    shown = name.endswith("window") or name == "alerts.requests_waiting.min_waiting"
    if shown or name.startswith(("targets.", "slo.", "dashboards.")):
        allowed |= {path for path in files() if path.startswith("dashboards/")}
    return allowed


@pytest.mark.parametrize("path", LEAVES, ids=name_of)
def test_a_change_reaches_what_speaks_of_it_and_no_test_is_stale(
    path: Leaf, tmp_path: Path, any_promtool: Path
) -> None:
    name = name_of(path)
    thresholds = changed_thresholds(path)
    rendered = render(thresholds)
    changed = {each for each in {*rendered, *files()} if rendered.get(each) != files().get(each)}
    assert changed, "no artefact speaks of this value"
    if not name.startswith("service."):
        involved = [alert for alert in (*alerts(), *all_alerts(thresholds)) if covered(alert, name)]
        assert changed <= may_change(name, involved)
        if name.startswith("alerts."):
            owners = {alert.name for alert in involved}
            assert len(owners) == 1
            kinds = (
                ("docs/runbooks/", "")
                if path[-1] == "why"
                else ("docs/runbooks/", "promtool-tests/")
            )
            assert all(any(each.startswith(kind) for each in changed) for kind in kinds)
    owners = {f"promtool-tests/{alert.name}.yml" for alert in alerts() if covered(alert, name)}
    stale = {each for each in changed | owners if each.startswith("promtool-tests/")}
    if stale and path[-1] != "why":
        for each, content in rendered.items():
            (tmp_path / each).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / each).write_text(content)
        run(any_promtool, "test", "rules", *(tmp_path / each for each in sorted(stale)))
