"""The differences between two states of a dashboard, by panel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Json = Mapping[str, Any]

# Grafana counts, numbers and migrates these by itself.
_BOOKKEEPING: Final = frozenset({"gnetId", "id", "iteration", "schemaVersion", "uid", "version"})
_PANEL_BOOKKEEPING: Final = frozenset({"id", "pluginVersion"})
# What identifies the elements of a list, in this order.
_KEYS: Final = ("refId", "name", "title", "id")
_EMPTY: Final[tuple[Any, ...]] = (None, "", False, [], {})


@dataclass(frozen=True)
class Change:
    """A value that differs; None if it is missing.

    `panel` is the panel's id, None for the dashboard itself. `path` leads to the value; it is ""
    for a whole panel that was added or removed.
    """

    panel: int | None
    path: str
    before: Any
    after: Any


def diff(before: Json, after: Json) -> tuple[Change, ...]:
    """All changes, those of the dashboard itself first.

    Grafana may leave out empty values, so an empty value equals a missing one.
    """
    return tuple(_changes(before, after))


def panels(dashboard: Json) -> dict[int, Json]:
    """All panels by id, including those in collapsed rows."""
    found: dict[int, Json] = {}
    for panel in dashboard.get("panels") or ():
        found[panel.get("id", -1 - len(found))] = panel
        found.update(panels(panel))
    return found


def _changes(before: Json, after: Json) -> Iterator[Change]:
    one, other = (_without(each, _BOOKKEEPING) for each in (before, after))
    yield from (Change(None, *each) for each in _walk(one, other, ""))
    old, new = panels(before), panels(after)
    for identifier in dict.fromkeys((*old, *new)):
        pair = old.get(identifier), new.get(identifier)
        if pair[0] is None or pair[1] is None:
            yield Change(identifier, "", *pair)
            continue
        one, other = (_without(each, _PANEL_BOOKKEEPING) for each in pair if each)
        yield from (Change(identifier, *each) for each in _walk(one, other, ""))


def _without(node: Json, keys: frozenset[str]) -> Json:
    return {key: value for key, value in node.items() if key not in keys and key != "panels"}


def _walk(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if before == after or (_empty(before) and _empty(after)):
        return
    if path == "gridPos":
        yield path, before, after
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            inner = f"{path}.{key}" if path else str(key)
            yield from _walk(before.get(key), after.get(key), inner)
    elif pairs := _pairs(before, after):
        for key, one, other in pairs:
            yield from _walk(one, other, f"{path}[{key}]")
    else:
        yield path, before, after


def _empty(value: Any) -> bool:
    """0 is not empty: an axis starts at 0 on purpose."""
    return any(value is each or (value == each and not isinstance(value, int)) for each in _EMPTY)


def _pairs(before: Any, after: Any) -> list[tuple[Any, Any, Any]]:
    """The elements of two lists matched by a key or, for equal lengths, by position."""
    if not (isinstance(before, list) and isinstance(after, list)):
        return []
    for key in _KEYS:
        old, new = _by_key(before, key), _by_key(after, key)
        if old is not None and new is not None:
            return [(each, old.get(each), new.get(each)) for each in dict.fromkeys((*old, *new))]
    if len(before) == len(after):
        return [(index, *each) for index, each in enumerate(zip(before, after, strict=True))]
    return []


def _by_key(items: Sequence[Any], key: str) -> dict[Any, Any] | None:
    """The elements by a key, None unless it identifies each of them."""
    if not all(
        isinstance(each, Mapping) and isinstance(each.get(key), str | int) for each in items
    ):
        return None
    found = {each[key]: each for each in items}
    return found if len(found) == len(items) else None
