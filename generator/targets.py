"""The page of the targets, the objectives and the facts of the service, with their alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic.fields import FieldInfo

from generator.alerts.model import Alert
from generator.markdown import bullets, table
from generator.templates import page
from generator.thresholds import Thresholds
from generator.thresholds.fields import kind
from generator.thresholds.levels import EDGES, Levels, LoadLevels
from generator.values import Value, reasons, values

PATH: Final = "docs/targets.md"
_UNWATCHED: Final = "none; graded by the performance tests"
_TITLES: Final = {"api": "API", "cpu": "CPU"}
_QUALITIES: Final = {
    "up_to_users": "up to {} users",
    "below": "scores up to {}",
    "within": "runs of {}",
    "concurrency": "{} at once",
}


def render(thresholds: Thresholds, alerts: Sequence[Alert]) -> dict[str, str]:
    """The page by its path."""
    known = values(thresholds)
    facts = {name: _facts(known, name) for name in ("slo", "service", "routing", "deploy")}
    notes = [(f"`{path}`", why) for path, why in thresholds.accepted_notes.items()]
    accepted = table(("value", "why"), notes) if notes else ""
    rows = {name: _row(name, levels, alerts, known) for name, levels in thresholds.rows().items()}
    groups = [
        _group(key, field, [row for name, row in rows.items() if name.partition(".")[0] == key])
        for key, field in type(thresholds.targets).by_key().items()
    ]
    return {PATH: page("generator", "targets.md", groups=groups, accepted=accepted, **facts)}


def _group(key: str, field: FieldInfo, rows: Sequence[Sequence[str]]) -> tuple[str, str, str]:
    """Title, meaning and table of a group of rows; a group that is a single row has no meaning."""
    form = kind(field)
    title = _TITLES.get(key, key.replace("_", " ").capitalize())
    meaning = "" if issubclass(form, Levels) else form.meaning()
    head = ("row", "applies to", "target", "acceptable", "poor", "alerts", "why")
    return title, meaning, table(head, rows)


def _row(
    name: str, levels: Levels, alerts: Sequence[Alert], known: Sequence[Value]
) -> tuple[str, ...]:
    own = {each.path.rpartition(".")[2]: each.text for each in _below(known, f"targets.{name}")}
    qualities = [_quality(key, text) for key, text in own.items() if key not in EDGES]
    beyond = "more users than above" if isinstance(levels, LoadLevels) else "-"
    cells = (own.get(edge, "-") for edge in EDGES)
    return f"`{name}`", ", ".join(qualities) or beyond, *cells, _watchers(name, alerts), levels.why


def _quality(key: str, text: str) -> str:
    """What a row applies to, in words."""
    if (key, text) == ("up_to_users", "0"):
        return "no users"
    return _QUALITIES.get(key, f"{key} {{}}").format(text)


def _below(known: Sequence[Value], path: str) -> list[Value]:
    return [value for value in known if value.path.startswith(f"{path}.")]


def _watchers(name: str, alerts: Sequence[Alert]) -> str:
    found: list[str] = []
    for alert in alerts:
        levels = [
            f"{trigger.bound.level} ({trigger.severity})"
            for trigger in reversed(alert.triggers)
            if trigger.bound and trigger.bound.row == name
        ]
        if levels:
            found.append(f"[{alert.name}](runbooks/{alert.name}.md) at {', '.join(levels)}")
    return "; ".join(found) or _UNWATCHED


def _facts(known: Sequence[Value], path: str) -> str:
    """The values below a path, then the reasons for them."""
    found = _below(known, path)
    rows = [(f"`{value.path}`", value.text, value.meaning) for value in found]
    shown, why = table(("path", "value", "meaning"), rows), bullets(reasons(found))
    return f"{shown}\n\nWhy these values:\n\n{why}" if why else shown
