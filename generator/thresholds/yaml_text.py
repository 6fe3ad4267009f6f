"""YAML text to nodes, with every fault of its form.

YAML is read more strictly than the language allows: duplicate keys, anchors, aliases, tags and
merge keys are refused, so that every value stands in one place, the one that its position names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, Final

import yaml
from yaml.reader import Reader

from generator.thresholds.nodes import Node, Value, joined
from generator.thresholds.problems import ConfigError, Position, Problem, quoted

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_VALUES: Final = 5000
_DEEPEST: Final = 32
_HINTS: Final = {
    "mapping values are not allowed in this context": (
        "; a colon is missing in the line above, or a text with a colon needs quotes"
    )
}
_UNPRINTABLE: Final = re.compile(f"{Reader.NON_PRINTABLE.pattern}|\ufeff")


def read_yaml(text: str, file: str, problems: list[Problem]) -> Node | None:
    """The root of a YAML text, None where it cannot be read; adds what is wrong with its form."""
    try:
        return _Composer(file, text, problems).root()
    except ConfigError as error:
        problems += error.problems
    except yaml.YAMLError as error:
        problems.append(_syntax(error, file))
    return None


def unprintable(text: str, file: str) -> Problem | None:
    """The first character that has no place in a text file."""
    found = _UNPRINTABLE.search(text)
    if not found:
        return None
    lines = f"{text[: found.start()]}?".splitlines()
    place = Position(file, len(lines), len(lines[-1]))
    what = f"the character U+{ord(found[0]):04X}"
    return Problem(place, "", what, "text without control characters")


class _Composer:
    """Builds nodes from the parser's events; raises ConfigError where no more can be read."""

    def __init__(self, file: str, text: str, problems: list[Problem]) -> None:
        self._file = file
        self._problems = problems
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self._count = 0

    def root(self) -> Node | None:
        """The root of the only document."""
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.NodeEvent):
                if root:
                    found, expected = "a second document", "one document a file"
                    raise ConfigError([Problem(self._at(event), "", found, expected)])
                root = self._node(event, "", 0)
        if root is None or (root.plain and not root.text):
            found, expected = "an empty file", "a mapping of keys to values"
            raise ConfigError([Problem(Position(self._file, 1, 1), "", found, expected)])
        return root if root.value is not None else None

    def _node(self, event: yaml.Event, path: str, depth: int, key: Position | None = None) -> Node:
        position = self._at(event)
        self._check_size(position, path, depth)
        self._check_extras(event, position, path)
        plain = False
        value: Value = None
        match event:
            case yaml.SequenceStartEvent():
                items = enumerate(self._inner())
                value = [self._node(each, joined(path, index), depth + 1) for index, each in items]
            case yaml.MappingStartEvent():
                value = self._entries(path, depth + 1)
            case yaml.ScalarEvent():
                plain, value = not event.style, event.value
        return Node(value, path, position, key or position, plain)

    def _check_size(self, position: Position, path: str, depth: int) -> None:
        self._count += 1
        limits = ((self._count, _MOST_VALUES, "values"), (depth, _DEEPEST, "levels"))
        for size, most, name in limits:
            if size > most:
                found = f"more than {most} {name}"
                raise ConfigError([Problem(position, path, found, "a file of thresholds")])

    def _check_extras(self, event: Any, position: Position, path: str) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._refuse(position, path, f"alias {quoted(f'*{event.anchor}')} is not allowed")
            return
        if event.anchor is not None:
            self._refuse(position, path, f"anchor {quoted(f'&{event.anchor}')} is not allowed")
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._refuse(position, path, f"tag {quoted(tag)} is not allowed")

    def _inner(self) -> Iterator[yaml.Event]:
        """The events up to the end of the list or mapping."""
        return takewhile(lambda each: not isinstance(each, yaml.CollectionEndEvent), self._events)

    def _entries(self, path: str, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for event in self._inner():
            key = self._node(event, path, depth)
            inner, place = joined(path, key.text), key.position
            value = self._node(next(self._events), inner, depth, place)
            if key.value is None:
                continue
            if isinstance(key.value, list | dict):
                self._refuse(place, path, "a key must be a text, not a list or mapping")
            elif key.plain and key.text == "<<":
                self._refuse(place, inner, "merge keys are not allowed")
            elif key.text in entries:
                line = entries[key.text].key.line
                self._refuse(place, inner, f"duplicate key, first in line {line}")
            else:
                entries[key.text] = value
        return entries

    def _at(self, event: yaml.Event) -> Position:
        return _position(event.start_mark, self._file)

    def _refuse(self, position: Position, path: str, reason: str) -> None:
        self._problems.append(Problem(position, path, reason))


def _position(mark: Any, file: str) -> Position:
    return Position(file, mark.line + 1, mark.column + 1) if mark else Position(file, 1, 1)


def _syntax(error: yaml.YAMLError, file: str) -> Problem:
    if not isinstance(error, yaml.MarkedYAMLError):
        said = " ".join(str(error).split())
        return Problem(Position(file, 1, 1), "", f"invalid YAML: {said}")
    said = error.problem or ""
    if error.context:
        begun = error.context_mark
        since = f" from line {begun.line + 1}" if begun else ""
        said = f"{error.context}{since}, {said}"
    place = _position(error.problem_mark or error.context_mark, file)
    return Problem(place, "", f"invalid YAML: {said}{_HINTS.get(said, '')}")
