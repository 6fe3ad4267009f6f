"""What differs between two states of a dashboard, by panel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Json = Mapping[str, Any]

# Grafana's own bookkeeping: it counts, numbers and migrates by itself.
_BOOKKEEPING: Final = frozenset({"gnetId", "id", "iteration", "schemaVersion", "uid", "version"})
_OF_PANEL: Final = frozenset({"id", "panels", "pluginVersion"})
# What tells the elements of a list apart, in this order.
_KEYS: Final = ("refId", "name", "title", "id")
_EMPTY: Final[tuple[Any, ...]] = (None, "", False, [], {})


@dataclass(frozen=True)
class Change:
    """A value that differs; None is one that is not there.

    `panel` is the id of its panel, None for the dashboard itself. `path` leads to the value within;
    "" is the whole panel, that was added or removed.
    """

    panel: int | None
    path: str
    before: Any
    after: Any


def differences(before: Json, after: Json) -> tuple[Change, ...]:
    """Every change from one state to the other, those of the dashboard itself first.

    Grafana leaves empty values out as it likes: an empty one and none are equal.
    """
    return (
        *(
            Change(None, path, *values)
            for path, *values in _walk(_without(before), _without(after), "")
        ),
        *_panels(before, after),
    )


def panels(dashboard: Json) -> dict[int, Json]:
    """Every panel by its id, in order, those within collapsed rows too."""
    found: dict[int, Json] = {}
    for panel in dashboard.get("panels") or ():
        found[panel.get("id", -1 - len(found))] = panel
        found.update(panels(panel))
    return found


def _without(dashboard: Json) -> Json:
    return {
        key: value
        for key, value in dashboard.items()
        if key not in _BOOKKEEPING and key != "panels"
    }


def _panels(before: Json, after: Json) -> Iterator[Change]:
    old, new = panels(before), panels(after)
    for identifier in dict.fromkeys((*old, *new)):
        one, other = old.get(identifier), new.get(identifier)
        if one is None or other is None:
            yield Change(identifier, "", one, other)
            continue
        for key in dict.fromkeys((*one, *other)):
            if key == "gridPos":
                if one.get(key) != other.get(key):
                    yield Change(identifier, key, one.get(key), other.get(key))
            elif key not in _OF_PANEL:
                for path, *values in _walk(one.get(key), other.get(key), key):
                    yield Change(identifier, path, *values)


def _walk(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if before == after or (_empty(before) and _empty(after)):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            inner = f"{path}.{key}" if path else str(key)
            yield from _walk(before.get(key), after.get(key), inner)
    elif pairs := _pairs(before, after):
        for key, one, other in pairs:
            yield from _walk(one, other, f"{path}[{key}]")
    else:
        yield path, before, after


def _empty(value: Any) -> bool:
    """0 is not: an axis that begins at 0 does so on purpose."""
    return any(value is each or (value == each and not isinstance(value, int)) for each in _EMPTY)


def _pairs(before: Any, after: Any) -> list[tuple[Any, Any, Any]]:
    """The elements of two lists side by side, by a key of theirs or by their place, if either."""
    if not (isinstance(before, list) and isinstance(after, list)):
        return []
    for key in _KEYS:
        old, new = _by(before, key), _by(after, key)
        if old is not None and new is not None:
            return [(each, old.get(each), new.get(each)) for each in dict.fromkeys((*old, *new))]
    if len(before) == len(after):
        return [(index, *each) for index, each in enumerate(zip(before, after, strict=True))]
    return []


def _by(items: Sequence[Any], key: str) -> dict[Any, Any] | None:
    """Elements by a key that each has, and each another of."""
    if not all(
        isinstance(each, Mapping) and isinstance(each.get(key), str | int) for each in items
    ):
        return None
    found = {each[key]: each for each in items}
    return found if len(found) == len(items) else None
