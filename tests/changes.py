"""The committed thresholds with one value changed, for every value in turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import yaml

from generator.alerts.model import Alert
from generator.config import load
from generator.thresholds import ConfigError, Thresholds
from generator.thresholds.settings import SEVERITIES
from tests.bundle import FILE, text

Leaf = tuple[str | int, ...]
LEVELS = ("acceptable", "poor", "critical")
# Qualities of a row that are no bounds.
QUALITIES = ("up_to_users", "concurrency", "below", "within")
TIMES = ("window", "envelope", "warm_up", "for", "keep_firing_for", "before")


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
        yield from (value + 1, value - 1, value + 0.1)
        yield from (round(value * by, 4) for by in (1.1, 0.95, 0.98))
    elif path == ("slo", "latency", "within"):
        yield from DOCUMENT["service"]["latency_buckets"]
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
        near = (*(amount * by for by in (1.2, 0.8, 1.02, 0.99)), amount + 15, amount + 1)
        yield from (f"{each:.10g}{unit}" for each in near)
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


def companion(path: Leaf, value: Any) -> str:
    """An overlay of what must change along, where the value cannot change alone."""
    if path[-1] == "fires_at":  # the alert's other severities bound its level
        severities = {each: None for each in at(path[:2]) if each in SEVERITIES and each != path[2]}
        return yaml.safe_dump({"alerts": {path[1]: severities}})
    if path[:2] == ("service", "confidence_buckets"):  # `below` is one of the buckets
        return overlay(("targets", "confidence", "below"), value)
    if path[:2] == ("service", "latency_buckets"):  # what is fast enough is one of the buckets
        return overlay(("slo", "latency", "within"), value)
    return "{}"


def changed_thresholds(path: Leaf) -> Thresholds:
    """The committed thresholds with another value at `path`."""
    refusals = []
    values = [value for value in others(path) if value != at(path)]
    single = [[overlay(path, value)] for value in values]
    paired = [[overlay(path, value), companion(path, value)] for value in values]
    for overlays in (*single, *paired):
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


def proofs(alerts: Iterable[Alert]) -> set[str]:
    """Their test files."""
    return {f"promtool-tests/{alert.name}.yml" for alert in alerts}


def scaled(value: Any, factor: float) -> Any:
    """Another number or quantity; a share stays below 100%. None for what is no number."""
    if isinstance(value, int):
        return max(1, round(value * factor))
    found = re.fullmatch(r"([\d.]+)([a-zA-Z%/]+)", value) if isinstance(value, str) else None
    if not found:
        return None
    amount, unit = float(found[1]) * factor, found[2]
    if unit == "%" and amount > 50 and factor > 1:
        amount = 100 - (100 - float(found[1])) / factor
    return f"{amount:.10g}{unit}"


def every(node: Any, factor: float, wanted: Callable[[str], bool]) -> dict[str, Any]:
    """What must change of a mapping for all wanted keys to be `factor` times as large."""
    found = {}
    for key, value in node.items():
        inner = every(value, factor, wanted) if isinstance(value, dict) else None
        if inner or (inner is None and wanted(key)):
            found[key] = inner or scaled(value, factor)
    return {key: value for key, value in found.items() if value is not None}


def everything_larger() -> str:
    """An overlay with larger bounds, windows and waits, and more workers, all of them expected."""
    alerts = every(DOCUMENT["alerts"], 1.5, lambda key: key in TIMES)
    return yaml.safe_dump(
        {
            "targets": every(DOCUMENT["targets"], 1.3, lambda key: key not in QUALITIES),
            "alerts": {**alerts, "workers_missing": {**alerts["workers_missing"], "expected": 12}},
            "service": {"expected_workers": 12},
        }
    )


def everything_shorter() -> str:
    """An overlay with shorter windows and waits, slower scrapes, one worker."""
    return yaml.safe_dump(
        {
            "alerts": every(DOCUMENT["alerts"], 0.8, lambda key: key in TIMES),
            "service": {"expected_workers": 1, "scrape_interval": "30s"},
        }
    )
