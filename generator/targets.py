"""The page of the targets, the objectives and the facts of the service, with their alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import jinja2

from generator.alerts.model import Alert
from generator.markdown import table
from generator.thresholds import Thresholds
from generator.thresholds.fields import Model, kind
from generator.thresholds.levels import Levels, LoadLevels
from generator.thresholds.units import format_value
from generator.values import Value, values

PATH: Final = "docs/targets.md"
_PAGE: Final = Path(__file__).with_suffix(".md")
_UNWATCHED: Final = "none; graded by the performance tests"
_TITLES: Final = {"api": "API", "cpu": "CPU"}
_QUALITIES: Final = {"up_to_users": "up to {} users", "below": "scores up to {}"}


def render(thresholds: Thresholds, alerts: Sequence[Alert]) -> dict[str, str]:
    """The page by its path."""
    known = values(thresholds)
    page = jinja2.Template(
        _PAGE.read_text("utf-8"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    facts = {
        name: _facts(value for value in known if value.path.startswith(f"{name}."))
        for name in ("slo", "service", "routing", "deploy")
    }
    notes = [(f"`{path}`", why) for path, why in thresholds.accepted_notes.items()]
    accepted = table(("value", "why"), notes) if notes else ""
    groups = _groups(thresholds, alerts, known)
    return {PATH: page.render(groups=groups, accepted=accepted, **facts)}


def _groups(
    thresholds: Thresholds, alerts: Sequence[Alert], known: Sequence[Value]
) -> list[tuple[str, str, str]]:
    """Title, meaning and table of each group of rows."""
    meanings = {
        key: _meaning(kind(field)) for key, field in type(thresholds.targets).by_key().items()
    }
    rows = thresholds.rows()
    found: list[tuple[str, str, str]] = []
    for group in dict.fromkeys(name.partition(".")[0] for name in rows):
        inner = {name: levels for name, levels in rows.items() if name.partition(".")[0] == group}
        body = table(
            ("row", "applies to", "target", "acceptable", "poor", "alerts", "why"),
            [_row(name, levels, alerts, known) for name, levels in inner.items()],
        )
        title = _TITLES.get(group, group.replace("_", " ").capitalize())
        found.append((title, meanings[group], body))
    return found


def _meaning(form: type[Model]) -> str:
    """The description of a group; a group that is a single row has none."""
    return "" if issubclass(form, Levels) else form.meaning()


def _row(
    name: str, levels: Levels, alerts: Sequence[Alert], known: Sequence[Value]
) -> tuple[str, ...]:
    edges = {edge: format_value(value, levels.unit) for edge, value in levels.edges()}
    qualities = (
        _QUALITIES.get(key, f"{key} {{}}").format(value.text)
        for value in known
        if value.path.startswith(f"targets.{name}.")
        and (key := value.path.rpartition(".")[2]) not in edges
    )
    cells = (edges.get(edge, "-") for edge in ("target", "acceptable", "poor"))
    beyond = "more users than above" if isinstance(levels, LoadLevels) else "-"
    return f"`{name}`", ", ".join(qualities) or beyond, *cells, _watchers(name, alerts), levels.why


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


def _facts(found: Iterable[Value]) -> str:
    rows: list[tuple[str, ...]] = []
    reasons: set[str] = set()
    for value in found:
        rows.append(
            (
                f"`{value.path}`",
                value.text,
                value.meaning,
                "" if value.why in reasons else value.why,
            )
        )
        reasons.add(value.why)
    return table(("path", "value", "meaning", "why"), rows)
