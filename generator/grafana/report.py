"""Plans and edits in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from generator.grafana.changes import Change, panels
from generator.grafana.state import Folder, Json, Live, Plan, Verdict

Where = Callable[[Change], str]
# A longer value takes lines of its own, and is cut at so many characters.
_SHORT: Final = 60
_LONGEST: Final = 600


def of_plan(plan: Plan, folder: Folder) -> Iterator[str]:
    """What a push finds, and the changes it would make."""
    yield f"{plan.dashboard['uid']} {_found(plan, folder)}"
    states = [plan.dashboard] if plan.live is None else [plan.live.dashboard, plan.dashboard]
    yield from _changes(plan.changes, states)


def _found(plan: Plan, folder: Folder) -> str:
    live = plan.live
    if live is None or plan.verdict is Verdict.SAME:
        return plan.verdict.value
    if plan.verdict is Verdict.EDITED:
        return f"{plan.verdict.value}: {_last(live)}"
    if plan.verdict is Verdict.MOVED:
        return f"{plan.verdict.value}: it is in {live.folder.title!r}, not in {folder.title!r}"
    if plan.verdict is Verdict.PROVISIONED:
        return f"{plan.verdict.value}, {live.file}: change that"
    return f"{plan.verdict.value} from what is rendered:"


def of_edits(live: Live, base: Json, changes: Sequence[Change], where: Where) -> Iterator[str]:
    """What was edited in Grafana, each with its place in the source."""
    since = f", pushed as version {live.pushed.version}" if live.pushed else ", never pushed"
    yield f"{base['uid']}: {_last(live)}{since}"
    yield from _changes(changes, [base, live.dashboard], where)


def _last(live: Live) -> str:
    return str(live.saves[0]) if live.saves else f"version {live.version}"


def _changes(
    changes: Sequence[Change], states: Sequence[Json], where: Where | None = None
) -> Iterator[str]:
    """Grouped by panel; what a panel gained is one line."""
    for panel, group in groupby(changes, key=lambda change: change.panel):
        if panel is not None:
            yield f"  {_named(panel, states)}"
        gained = []
        for change in group:
            if change.path and change.before is None:
                gained.append(change)
            else:
                yield from _change(change)
                if where:
                    yield f"      {where(change)}"
        if gained:
            found = ", ".join(f"{each.path} = {_brief(each.after)}" for each in gained)
            yield f"    gained: {found}"
            if where:
                yield f"      {where(gained[0])}"


def _named(panel: int, states: Sequence[Json]) -> str:
    for state in states:
        if found := panels(state).get(panel):
            return f'panel "{found.get("title", "")}" (id {panel})'
    return f"panel {panel}"


def _change(change: Change) -> Iterator[str]:
    if not change.path:
        yield "    added" if change.before is None else "    removed"
    elif change.path == "gridPos":
        yield f"    moved: {_place(change.before)} -> {_place(change.after)}"
    elif len(_brief(change.before)) + len(_brief(change.after)) <= _SHORT:
        yield f"    {change.path}: {_brief(change.before)} -> {_brief(change.after)}"
    else:
        yield f"    {change.path}:"
        for sign, value in (("-", change.before), ("+", change.after)):
            yield from (f"      {sign} {line}" for line in _text(value).splitlines() or [""])


def _place(position: Any) -> str:
    """Column, row, width and height in the grid."""
    if not isinstance(position, dict):
        return "nowhere"
    x, y, width, height = (position.get(key, 0) for key in ("x", "y", "w", "h"))
    return f"{x},{y} ({width} x {height})"


def _brief(value: Any) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else _brief(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"
