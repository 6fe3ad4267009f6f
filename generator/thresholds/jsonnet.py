"""An overlay in jsonnet, or JSON, to nodes.

jsonnet keeps no positions of what it evaluates, so a value is placed at the key in the source that
has its path, or at the only key of its name; where neither is certain, only the file is named.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final

from generator.thresholds.nodes import Node, joined
from generator.thresholds.problems import Position, Problem, escaped
from generator.thresholds.yaml_text import read_yaml

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
_FRACTION: Final = re.compile(r"-?[0-9]+[.e].*")
_LONGEST_REASON: Final = 200


def is_jsonnet(file: str) -> bool:
    """Whether jsonnet evaluates the file: it takes JSON too."""
    return file.endswith(_SUFFIXES)


def read_jsonnet(
    text: str, file: str, problems: list[Problem], importer: Importer | None
) -> Node | None:
    """The root of what a jsonnet program evaluates to; adds why it does not."""
    import _jsonnet  # takes 100 ms, and most runs have no jsonnet

    try:
        output = _jsonnet.evaluate_snippet(file, text, import_callback=importer or _no_import)
    except UnicodeDecodeError:
        problems.append(Problem(Position(file), "", "half a character", "whole characters"))
        return None
    except RuntimeError as error:
        problems.append(_failure(str(error), file))
        return None
    # JSON is YAML, once what only strings can hold is escaped in a way that both know.
    wrong: list[Problem] = []
    root = read_yaml(output.encode("ascii", "backslashreplace").decode(), file, wrong)
    places = _Places(text, file)
    problems += [replace(each, position=places.at(each.path)) for each in wrong]
    return _placed(root, places) if root else None


def _placed(node: Node, places: _Places) -> Node:
    """The node as written by jsonnet, with a guess at its place and short numbers."""
    value = node.value
    match value:
        case dict():
            value = {key: _placed(each, places) for key, each in value.items()}
        case list():
            value = [_placed(each, places) for each in value]
        case str() if node.plain and _FRACTION.fullmatch(value):
            value = f"{Decimal(repr(float(value))):f}"
    position = places.at(node.path)
    return replace(node, value=value, position=position, key=position)


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
    return Problem(place, "", f"jsonnet error: {reason}")


class _Places:
    """Where each key of the literal objects stands, by its path and by its name alone."""

    def __init__(self, source: str, file: str) -> None:
        self._file = file
        self._found: defaultdict[str, list[Position]] = defaultdict(list)
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
                for name in {below, f".{joined('', key)}"}:
                    self._found[name].append(place)
                key = ""
            elif kind == "mark":
                key = ""
                if text in "{[":
                    stack.append((text, below))
                elif text in "}]" and stack:
                    below = stack.pop()[1]
                elif text == "," and stack:
                    below = stack[-1][1]

    def at(self, path: str) -> Position:
        """The only place that a value at `path` can come from; of an item that of its list."""
        if not path:
            return Position(self._file, 1, 1)
        path = re.sub(r"(\[[0-9]+\])+$", "", path)
        for name in (path, f".{path.rpartition('.')[2]}"):
            if len(self._found[name]) == 1:
                return self._found[name][0]
        return Position(self._file)
