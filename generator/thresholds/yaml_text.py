"""YAML text to nodes, with every fault of its form.

YAML is read more strictly than the language allows: duplicate keys, anchors, aliases, tags and
merge keys are refused, so that every value stands in one place, the one that its position names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from generator.thresholds.nodes import Entry, Hole, Node, Scalar, Sequence, Table, joined
from generator.thresholds.problems import Position, Problem, quoted

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MOST_VALUES: Final = 5000
DEEPEST: Final = 32
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_BREAK: Final = re.compile(r"\r\n?|[\n\x85\u2028\u2029]")


def read_yaml(text: str, file: str) -> tuple[Node | None, tuple[Problem, ...]]:
    """The root of a YAML text, None where it cannot be read, and what is wrong with its form."""
    text = text.removeprefix("\ufeff")  # the byte order mark of some editors
    wrong = unprintable(text, file)
    if wrong:
        return None, (wrong,)
    composer = _Composer(file, text)
    return composer.document(), tuple(composer.problems)


def unprintable(text: str, file: str) -> Problem | None:
    """The first character that has no place in a text file."""
    found = _UNPRINTABLE.search(text)
    if not found:
        return None
    lines = _BREAK.split(text[: found.start()])
    place = Position(file, len(lines), len(lines[-1]) + 1)
    what = f"the character U+{ord(found[0]):04X}"
    return Problem(place, "", what, "text without control characters")


class _StopError(Exception):
    """Nothing sensible can be read from here on; the problem is recorded."""


class _Composer:
    """Builds nodes from the parser's events."""

    def __init__(self, file: str, text: str) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self._count = 0

    def document(self) -> Node | None:
        """The root of the only document."""
        try:
            return self._document()
        except _StopError:
            return None
        except yaml.YAMLError as error:
            self.problems.append(self._syntax(error))
            return None

    def _document(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.NodeEvent):
                if root is not None:
                    self._refuse(event, "", "a second document", "one document a file")
                    raise _StopError
                root = self._node(event, "", 0)
        if root is None or (isinstance(root, Scalar) and not root.text and root.plain):
            place = Position(self._file, 1, 1)
            self.problems.append(Problem(place, "", "an empty file", "a mapping of keys to values"))
            return None
        return root

    def _node(self, event: yaml.Event, path: str, depth: int) -> Node:
        self._count += 1
        if self._count > MOST_VALUES:
            self._refuse(event, path, f"more than {MOST_VALUES} values", "a file of thresholds")
            raise _StopError
        if depth > DEEPEST:
            self._refuse(event, path, f"more than {DEEPEST} levels", "a file of thresholds")
            raise _StopError
        self._check_extras(event, path)
        position = self._at(event)
        match event:
            case yaml.SequenceStartEvent():
                return Sequence(position, tuple(self._items(path, depth)))
            case yaml.MappingStartEvent():
                return Table(position, self._entries(path, depth))
            case yaml.ScalarEvent():
                return Scalar(position, path, event.value, plain=not event.style)
        return Hole(position)

    def _check_extras(self, event: yaml.Event, path: str) -> None:
        match event:
            case yaml.AliasEvent():
                self._refuse(event, path, f"the alias {quoted(f'*{event.anchor}')}", "a value")
            case yaml.NodeEvent() if event.anchor is not None:
                self._refuse(event, path, f"the anchor {quoted(f'&{event.anchor}')}", "no anchor")
        if (
            isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
            and event.tag is not None
        ):
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._refuse(event, path, f"the tag {quoted(tag)}", "no tag")

    def _items(self, path: str, depth: int) -> Iterator[Node]:
        for index, event in enumerate(self._events):
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self._node(event, f"{path}[{index}]", depth + 1)

    def _entries(self, path: str, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._node(event, path, depth + 1)
            name = key.text if isinstance(key, Scalar) else ""
            inner = joined(path, name)
            value = self._node(next(self._events), inner, depth + 1)
            if not isinstance(key, Scalar):
                self._refuse(event, path, "a list or mapping as a key", "a text as a key")
            elif isinstance(event, yaml.AliasEvent):
                continue
            elif name == "<<" and key.plain:
                self._refuse(event, inner, "a merge key", "the keys themselves")
            elif name in entries:
                line = entries[name].position.line
                found = f"the key a second time, first in line {line}"
                self._refuse(event, inner, found, "each key once")
            else:
                entries[name] = Entry(key.position, value)
        return entries

    def _at(self, event: yaml.Event) -> Position:
        mark = event.start_mark
        return (
            Position(self._file, mark.line + 1, mark.column + 1)
            if mark
            else Position(self._file, 1, 1)
        )

    def _refuse(self, event: yaml.Event, path: str, found: str, expected: str) -> None:
        self.problems.append(Problem(self._at(event), path, found, expected))

    def _syntax(self, error: yaml.YAMLError) -> Problem:
        if not isinstance(error, yaml.MarkedYAMLError):
            said = " ".join(str(error).split())
            return Problem(Position(self._file, 1, 1), "", f"no YAML ({said})", "YAML")
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = error.problem or ""
        if error.context:
            begun = error.context_mark
            since = f" from line {begun.line + 1}" if begun else ""
            said = f"{error.context}{since}, {said}"
        place = Position(self._file, line, column)
        return Problem(place, "", f"a YAML syntax error ({said})", "valid YAML")
