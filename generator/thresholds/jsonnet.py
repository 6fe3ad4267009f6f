"""An overlay in jsonnet, or JSON, to nodes.

jsonnet keeps no positions of what it evaluates, so a value is placed at the key in the source that
has its path, or at the only key of its name; where neither is certain, only the file is named.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from generator.thresholds.nodes import Node, Value, joined
from generator.thresholds.problems import Position, Problem, escaped
from generator.thresholds.yaml_text import DEEPEST, MOST_VALUES, has_unprintable

Importer = Callable[[str, str], tuple[str, bytes]]
"""Reads an import: importing folder, path as written -> full path, content. Raises OSError."""

_SUFFIXES: Final = (".jsonnet", ".libsonnet", ".json")
_TOKEN: Final = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|\#[^\n]*|/\*.*?\*/|\|\|\|.*?\n\s*\|\|\||@'(?:[^']|'')*'
        |@"(?:[^"]|"")*")
    |"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<colon>\+?:{1,3})
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_PLACE: Final = re.compile(r"(?!std\.|<)([^\t]+?):\(?([0-9]+):([0-9]+)")
_LONGEST_REASON: Final = 200


def is_jsonnet(file: str) -> bool:
    """Whether jsonnet evaluates the file: it takes JSON too."""
    return file.endswith(_SUFFIXES)


def read_jsonnet(
    text: str, file: str, importer: Importer | None, problems: list[Problem]
) -> Node | None:
    """The root of what a jsonnet program evaluates to; adds why it does not."""
    if has_unprintable(text, file, problems):
        return None
    import _jsonnet  # takes 100 ms, and most runs have no jsonnet

    try:
        output = _jsonnet.evaluate_snippet(file, text, import_callback=importer or _no_import)
        value = json.loads(output, parse_int=Decimal, parse_float=_decimal)
        root = _Nodes(file, text).node(value, "", 0)
    except UnicodeDecodeError:
        found, expected = "half a character", "whole characters"
    except (_TooLargeError, RecursionError):
        found, expected = f"more than {DEEPEST} levels or {MOST_VALUES} values", "an overlay"
    except RuntimeError as error:
        problems.append(_failure(str(error), file))
        return None
    else:
        return root
    problems.append(Problem(Position(file), "", found, expected))
    return None


class _TooLargeError(Exception):
    """More than anybody writes into an overlay."""


def _decimal(text: str) -> Decimal:
    return Decimal(repr(float(text)))


def _no_import(_folder: str, path: str) -> tuple[str, bytes]:
    raise OSError(f"no import of {path} from here")


def _failure(said: str, file: str) -> Problem:
    """jsonnet's message, placed at the first line of its trace that is no library's."""
    message, _, trace = said.partition("\n\t")
    kind, _, message = message.partition(": ")
    if kind == "STATIC ERROR":
        trace, _, message = message.partition(": ")
    at = next(filter(None, map(_PLACE.match, trace.split("\n\t"))), None)
    place = Position(at[1], int(at[2]), int(at[3])) if at else Position(file)
    reason = escaped(" ".join(message.split()).removesuffix("."), _LONGEST_REASON)
    return Problem(place, "", f"a jsonnet error ({reason})", "jsonnet that evaluates")


class _Nodes:
    """Decoded JSON to nodes, with a guess at their places."""

    def __init__(self, file: str, source: str) -> None:
        self._file = file
        self._paths, self._names = _places(source, file)
        self._count = 0

    def node(self, value: object, path: str, depth: int) -> Node:
        """Raises _TooLargeError."""
        self._count += 1
        if self._count > MOST_VALUES or depth > DEEPEST:
            raise _TooLargeError
        read: Value
        match value:
            case dict():
                read = {k: self.node(v, joined(path, k), depth + 1) for k, v in value.items()}
            case list():
                read = [self.node(v, joined(path, i), depth + 1) for i, v in enumerate(value)]
            case str():
                read = value
            case Decimal():
                read = f"{value:f}"
            case _:
                read = json.dumps(value)
        place = self._place(path)
        plain = not isinstance(value, dict | list | str)
        return Node(read, path, place, place, plain)

    def _place(self, path: str) -> Position:
        if not path:
            return Position(self._file, 1, 1)
        key = re.sub(r"(\[[0-9]+\])+$", "", path)  # an item stands where its list does
        for places in (self._paths[key], self._names[key.rpartition(".")[2]]):
            if len(places) == 1:
                return places[0]
        return Position(self._file)


_Places = defaultdict[str, list[Position]]


def _places(source: str, file: str) -> tuple[_Places, _Places]:
    """Where each key of the literal objects stands, by its path and by its name alone."""
    paths: _Places = defaultdict(list)
    names: _Places = defaultdict(list)
    stack: list[tuple[str, str]] = []  # of each open object or list: its bracket and its path
    key, below, start = "", "", 0
    for token in _TOKEN.finditer(source):
        kind, text = token.lastgroup, token[token.lastgroup or 0]
        if kind in ("double", "single", "word"):
            key, start = text, token.start()
        elif kind == "colon" and key and stack and stack[-1][0] == "{":
            below = joined(stack[-1][1], key)
            line = source.count("\n", 0, start)
            place = Position(file, line + 1, start - source.rfind("\n", 0, start))
            paths[below].append(place)
            names[escaped(key)].append(place)
            key = ""
        elif kind == "mark":
            key = ""
            if text in "{[":
                stack.append((text, below))
            elif text in "}]" and stack:
                below = stack.pop()[1]
            elif text == "," and stack:
                below = stack[-1][1]
    return paths, names
