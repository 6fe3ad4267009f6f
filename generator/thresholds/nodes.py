"""A file as a tree of positioned nodes, whatever it was written in, and the merge of two trees."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from generator.thresholds.problems import Position, escaped, quoted

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
# What some reader of YAML 1.1 or 1.2 takes for something else than text.
_NUMBER: Final = re.compile(
    r"[-+]?(?:0b[01_]+|0o[0-7]+|0x[0-9a-fA-F_]+|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
    r"|(?:[0-9][0-9_]*(?::[0-9]+)*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?)"
)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?")
_TRUTH: Final = re.compile("y|yes|n|no|true|false|on|off", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scalar:
    """`plain`: written without quotes, so that a reader may take it for more than text."""

    position: Position
    path: str
    text: str
    plain: bool

    @property
    def is_null(self) -> bool:
        return self.plain and self.text in _NULLS

    def not_text(self) -> str | None:
        """What a reader of YAML takes the scalar for, None where that is text."""
        if not self.plain:
            return None
        kinds = {"a number": _NUMBER, "a date": _DATE, "a truth value": _TRUTH}
        return next((kind for kind, form in kinds.items() if form.fullmatch(self.text)), None)


@dataclass(frozen=True, slots=True)
class Sequence:
    position: Position
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Table:
    position: Position
    entries: Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Entry:
    """A value and where its key stands; `removes`: an overlay's null, which takes the key away."""

    position: Position
    value: Node
    removes: bool = False


@dataclass(frozen=True, slots=True)
class Hole:
    """A value that has been refused already."""

    position: Position


Node = Scalar | Sequence | Table | Hole


def shown(node: Node) -> str:
    """What stands there, for a message."""
    match node:
        case Table():
            return "a mapping"
        case Sequence():
            return "a list" if node.items else "an empty list"
        case Scalar() if node.text:
            return quoted(node.text)
        case Scalar():
            return "nothing" if node.plain else "an empty text"
        case Hole():
            return "nothing that can be read"


def joined(path: str, key: str) -> str:
    """The path of a key below `path`; a key with a dot of its own stands in quotes."""
    name = f'"{escaped(key)}"' if "." in key else escaped(key)
    return f"{path}.{name}" if path else name


def merged(base: Node | None, overlay: Node) -> Node:
    """`base` with what `overlay` names: mappings key by key, all else as a whole; null removes."""
    if not isinstance(overlay, Table):
        return overlay
    below = base if isinstance(base, Table) else Table(overlay.position, {})
    entries = dict(below.entries)
    for key, entry in overlay.entries.items():
        before = entries.get(key)
        if isinstance(entry.value, Scalar) and entry.value.is_null and entry.value.text:
            entries[key] = replace(entry, removes=True)
        else:
            value = merged(before.value if before else None, entry.value)
            entries[key] = replace(entry, value=value)
    return replace(below, entries=entries)
