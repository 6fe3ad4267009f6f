"""Plans and edits as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from generator.grafana.diff import Change, Json, panels
from generator.grafana.state import Folder, LiveDashboard, Plan, Status

# Says where to make a change in the source.
Where = Callable[[Change], str]
# Longer values get their own lines, and are cut at the maximum length.
_MAX_INLINE: Final = 60
_MAX_LENGTH: Final = 600


def plan_lines(plan: Plan, folder: Folder) -> Iterator[str]:
    """What a push finds and would change."""
    yield f"{plan.dashboard['uid']}: {_status(plan, folder)}"
    states = [plan.dashboard] if plan.live is None else [plan.live.dashboard, plan.dashboard]
    yield from _change_lines(plan.changes, states)


def _status(plan: Plan, folder: Folder) -> str:
    status, live = plan.status.value, plan.live
    if live is None:
        return status
    details = {
        Status.EDITED: f": {live.newest}",
        Status.MOVED: f": it is in {live.folder.title!r}, not in {folder.title!r}",
        Status.PROVISIONED: f" from {live.file}, which is outdated",
    }
    return status + details.get(plan.status, "")


def edit_lines(
    live: LiveDashboard, base: Json, changes: Sequence[Change], where: Where
) -> Iterator[str]:
    """What was edited in Grafana, each change with its place in the source."""
    pushed = f"pushed as version {live.pushed.number}" if live.pushed else "never pushed"
    yield f"{base['uid']}: {live.newest}, {pushed}"
    yield from _change_lines(changes, [base, live.dashboard], where)


def _change_lines(
    changes: Sequence[Change], states: Sequence[Json], where: Where | None = None
) -> Iterator[str]:
    """Grouped by panel. All values added to a panel are on one line."""
    for panel, group in groupby(changes, key=lambda change: change.panel):
        if panel is not None:
            yield f"  {_panel_title(panel, states)}"
        added = []
        for change in group:
            if change.path and change.before is None:
                added.append(change)
            else:
                yield from _change(change)
                if where:
                    yield f"      {where(change)}"
        if added:
            values = ", ".join(f"{each.path} = {_inline(each.after)}" for each in added)
            yield f"    added: {values}"
            if where:
                yield f"      {where(added[0])}"


def _panel_title(panel: int, states: Sequence[Json]) -> str:
    for state in states:
        if found := panels(state).get(panel):
            return f'panel "{found.get("title", "")}" (id {panel})'
    return f"panel {panel}"


def _change(change: Change) -> Iterator[str]:
    if not change.path:
        yield "    panel added" if change.before is None else "    panel removed"
    elif change.path == "gridPos":
        yield f"    moved: {_position(change.before)} -> {_position(change.after)}"
    elif len(_inline(change.before)) + len(_inline(change.after)) <= _MAX_INLINE:
        yield f"    {change.path}: {_inline(change.before)} -> {_inline(change.after)}"
    else:
        yield f"    {change.path}:"
        for sign, value in (("-", change.before), ("+", change.after)):
            yield from (f"      {sign} {line}" for line in _text(value).splitlines() or [""])


def _position(value: Any) -> str:
    """Column, row, width and height in the grid."""
    if not isinstance(value, dict):
        return "none"
    x, y, width, height = (value.get(key, 0) for key in ("x", "y", "w", "h"))
    return f"{x},{y} ({width} x {height})"


def _inline(value: Any) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else _inline(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}... ({len(text)} characters)"
