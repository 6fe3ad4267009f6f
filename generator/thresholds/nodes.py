"""A file as a tree of positioned nodes, whatever it was written in, and the merge of two trees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from generator.thresholds.problems import Position, escaped, quoted

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
# What some reader of YAML 1.1 or 1.2 takes for something else than text.
_NO_TEXTS: Final = {
    "a number": re.compile(
        r"[-+]?(?:0b[01_]+|0o[0-7]+|0x[0-9a-fA-F_]+|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        r"|(?:[0-9][0-9_]*(?::[0-9]+)*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?)"
    ),
    "a date": re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?"),
    "a truth value": re.compile("y|yes|n|no|true|false|on|off", re.IGNORECASE),
}


Value: TypeAlias = "str | list[Node] | dict[str, Node] | None"


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar as text, a list, a mapping, or None: a value that has been refused already.

    `plain`: a scalar without quotes, so that a reader may take it for more than text. `removes`: an
    overlay's null, which takes the key away.
    """

    value: Value
    path: str
    position: Position
    key: Position
    plain: bool = False
    removes: bool = False

    @property
    def is_null(self) -> bool:
        return self.plain and self.value in _NULLS

    def not_text(self) -> str | None:
        """What a reader of YAML takes the scalar for, None where that is text."""
        if not self.plain:
            return None
        return next((name for name, form in _NO_TEXTS.items() if form.fullmatch(self.text)), None)

    @property
    def text(self) -> str:
        return self.value if isinstance(self.value, str) else ""

    def shown(self) -> str:
        """What stands there, for a message."""
        match self.value:
            case dict():
                return "a mapping"
            case list():
                return "a list" if self.value else "an empty list"
            case "":
                return "nothing" if self.plain else "an empty text"
        return quoted(self.text)

    def all(self) -> Iterator[Node]:
        """The node and every one below it."""
        yield self
        match self.value:
            case dict(inner):
                for node in inner.values():
                    yield from node.all()
            case list(items):
                for node in items:
                    yield from node.all()


def joined(path: str, key: str | int) -> str:
    """The path of a key or an index below `path`; a key with a dot of its own stands in quotes."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    name = f'"{escaped(key)}"' if "." in key else escaped(key)
    return f"{path}.{name}" if path else name


def merged(base: Node | None, overlay: Node) -> Node:
    """`base` with what `overlay` names: mappings key by key, all else as a whole; null removes."""
    if not isinstance(overlay.value, dict):
        return replace(overlay, removes=overlay.is_null and overlay.value != "")
    below = base.value if base and isinstance(base.value, dict) else {}
    changed = {key: merged(below.get(key), node) for key, node in overlay.value.items()}
    position = base.position if base and isinstance(base.value, dict) else overlay.position
    return replace(overlay, value={**below, **changed}, position=position)
