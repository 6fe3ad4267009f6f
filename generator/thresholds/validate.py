"""Nodes to the model, with every problem at its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError

from generator.thresholds import nodes
from generator.thresholds.checks import problems_across
from generator.thresholds.document import Document, document
from generator.thresholds.fields import Model, below, described, listed
from generator.thresholds.model import Thresholds
from generator.thresholds.nodes import Hole, Node, Table, joined, shown
from generator.thresholds.problems import Problem, nearest, quoted

NO_KEY: Final = "no such key"
UNKNOWN_KEY: Final = "an unknown key"

Loc = tuple[str | int, ...]


def validate(root: Node, model: type[Thresholds]) -> tuple[Thresholds | None, list[Problem]]:
    """The file of a root, None if any part of it is broken, and everything that is wrong."""
    file = document(root)
    found: list[Problem] = []
    thresholds = None
    try:
        read = model.model_validate(_plain(root), context=file.values)
        thresholds = read.placed(file.positions())
    except ValidationError as error:
        found = _problems(file, model, error)
    found += problems_across(file, model)
    return thresholds, found


def _plain(node: Node) -> Any:
    """Mappings and lists as Python's own, and None for what an overlay's null removes."""
    match node:
        case Table():
            return {
                key: None if each.removes else _plain(each.value)
                for key, each in node.entries.items()
            }
        case nodes.Sequence():
            return [_plain(item) for item in node.items]
    return node


def _problems(file: Document, model: type[Thresholds], error: ValidationError) -> list[Problem]:
    errors = error.errors(include_url=False, include_input=False)
    unknown: list[Loc] = [each["loc"] for each in errors if each["type"] == "extra_forbidden"]
    found: list[Problem] = []
    meant: set[str] = set()  # missing keys that somebody misspelt
    for loc in unknown:
        file.flawed.add(_path(loc[:-1]))
        problem, absent = _unknown(file, model, loc)
        found.append(problem)
        meant |= {absent} if absent else set()
    for each in errors:
        path = _path(each["loc"])
        if each["type"] == "missing" and path not in meant:
            parent = file.position(_path(each["loc"][:-1]))
            expected = described(_kind(model, each["loc"]))
            found.append(Problem(parent, path, NO_KEY, expected))
        elif each["type"] not in ("missing", "extra_forbidden"):
            node = file.entries[path].value
            raised = each.get("ctx", {}).get("error")
            expected = str(raised) if raised else described(_kind(model, each["loc"]))
            if not isinstance(node, Hole):
                found.append(Problem(node.position, path, shown(node), expected))
    return found


def _unknown(file: Document, model: type[Thresholds], loc: Loc) -> tuple[Problem, str | None]:
    """An unknown key, and the path of the key that it was meant to be if that is missing."""
    parent, key = _path(loc[:-1]), str(loc[-1])
    record: type[Model] = _kind(model, loc[:-1])
    keys = record.by_key()
    absent = nearest(key, [name for name in keys if joined(parent, name) not in file.entries])
    near = absent or nearest(key, keys)
    hint = f"did you mean {quoted(near)}?" if near else f"one of {listed(keys)}"
    path = joined(parent, key)
    position = file.entries[path].position
    problem = Problem(position, path, UNKNOWN_KEY, f"a known one: {hint}")
    return problem, joined(parent, absent) if absent else None


def _kind(model: type[Thresholds], loc: Sequence[str | int]) -> Any:
    found: Any = model
    for key in loc:
        found = below(found, key)
    return found


def _path(loc: Sequence[str | int]) -> str:
    path = ""
    for key in loc:
        path = f"{path}[{key}]" if isinstance(key, int) else joined(path, key)
    return path
