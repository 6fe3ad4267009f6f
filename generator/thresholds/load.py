"""Text to `Thresholds`, with every problem of the file and its overlays at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any, Final

from pydantic import ValidationError

from generator.thresholds.checks import problems_across
from generator.thresholds.document import Document
from generator.thresholds.fields import Model, below, described, listed
from generator.thresholds.jsonnet import Importer, is_jsonnet, read_jsonnet
from generator.thresholds.model import Thresholds
from generator.thresholds.nodes import Node, joined, merged
from generator.thresholds.notes import misplaced
from generator.thresholds.problems import ConfigError, Problem, nearest, quoted
from generator.thresholds.yaml_text import read_yaml, unprintable

NO_KEY: Final = "missing"
UNKNOWN_KEY: Final = "unknown key"

Loc = tuple[str | int, ...]


def load(
    text: str,
    file: str,
    model: type[Thresholds],
    overlays: Sequence[tuple[str, str]] = (),
    importer: Importer | None = None,
) -> Thresholds:
    """The thresholds that `text` spells, changed by each overlay, a pair of file and text, in turn.

    `model` is the form of the file, with the settings of the alerts that there are.
    File names are shown as given; jsonnet evaluates those that end in .jsonnet, .libsonnet or
    .json, and `importer` reads its imports. Raises ConfigError with every problem there is.
    """
    found: list[Problem] = []
    root = _read(text, file, read_yaml, found)
    for name, overlay in overlays:
        reader = partial(read_jsonnet, importer=importer) if is_jsonnet(name) else read_yaml
        change = _read(overlay, name, reader, found)
        if change and not isinstance(change.value, dict):
            expected = "a mapping of the keys to change"
            found.append(Problem(change.position, "", change.shown(), expected))
        elif change and root and isinstance(root.value, dict):
            root = merged(root, change)
    thresholds = _validated(root, model, found) if root else None
    if thresholds and not found and not overlays:
        found += misplaced(thresholds)
    if found or not thresholds:
        ranks = {name: rank for rank, name in enumerate([file, *(name for name, _ in overlays)])}
        raise ConfigError(sorted(found, key=lambda problem: _rank(problem, ranks)))
    return thresholds


def _read(
    text: str,
    file: str,
    reader: Callable[[str, str, list[Problem]], Node | None],
    problems: list[Problem],
) -> Node | None:
    text = text.removeprefix("\ufeff")  # the byte order mark of some editors
    wrong = unprintable(text, file)
    if wrong:
        problems.append(wrong)
        return None
    return reader(text, file, problems)


def _rank(problem: Problem, ranks: dict[str, int]) -> tuple[int, int, int, str]:
    place = problem.position
    return ranks.get(place.file, len(ranks)), place.line, place.column, problem.path


def _validated(root: Node, model: type[Thresholds], problems: list[Problem]) -> Thresholds | None:
    """The file of a root, None if any part of it is broken; adds everything that is wrong."""
    file = Document(root)
    thresholds = None
    try:
        read = model.model_validate(_plain(root), context=file.values)
        thresholds = read.placed(file.positions())
    except ValidationError as error:
        problems += _problems(file, model, error)
    problems += problems_across(file, model)
    return thresholds


def _plain(node: Node) -> Any:
    """Mappings and lists as Python's own, and None for what an overlay's null removes."""
    match node.value:
        case dict(inner):
            return {key: _plain(each) for key, each in inner.items()}
        case list(items):
            return [_plain(item) for item in items]
    return None if node.removes else node


def _problems(file: Document, model: type[Thresholds], error: ValidationError) -> list[Problem]:
    errors = error.errors(include_url=False, include_input=False)
    found: list[Problem] = []
    meant: set[str] = set()  # missing keys that somebody misspelt
    for each in errors:
        if each["type"] == "extra_forbidden":
            file.flawed.add(_path(each["loc"][:-1]))
            problem, absent = _unknown(file, model, each["loc"])
            found.append(problem)
            meant.add(absent)
    for each in errors:
        loc = each["loc"]
        path = _path(loc)
        if each["type"] == "missing":
            if path not in meant:
                place = file.nodes[_path(loc[:-1])].position
                expected = described(_kind(model, loc))
                found.append(Problem(place, path, f"{NO_KEY}; expected {expected}"))
        elif each["type"] != "extra_forbidden" and file.nodes[path].value is not None:
            node = file.nodes[path]
            raised = each.get("ctx", {}).get("error")
            expected = str(raised or described(_kind(model, loc)))
            found.append(Problem(node.position, path, node.shown(), expected))
    return found


def _unknown(file: Document, model: type[Thresholds], loc: Loc) -> tuple[Problem, str]:
    """An unknown key, and the path of the key that it was meant to be if that is missing."""
    parent, key = _path(loc[:-1]), str(loc[-1])
    keys = _kind(model, loc[:-1]).by_key()
    missing = [name for name in keys if joined(parent, name) not in file.nodes]
    required = [name for name in missing if keys[name].is_required()]
    absent = nearest(key, missing) or (required[0] if len(required) == 1 else None)
    near = absent or nearest(key, keys)
    hint = f"did you mean {quoted(near)}?" if near else f"expected one of {listed(keys)}"
    path = _path(loc)
    problem = Problem(file.nodes[path].key, path, f"{UNKNOWN_KEY}; {hint}")
    return problem, joined(parent, absent) if absent else ""


def _kind(model: type[Model], loc: Loc) -> Any:
    return reduce(below, loc, model)


def _path(loc: Loc) -> str:
    return reduce(joined, loc, "")
