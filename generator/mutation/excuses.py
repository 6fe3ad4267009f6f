"""Mutants that no test can tell from the rule, each with the reason why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.files import read
from generator.mutation.hunt import Result
from generator.thresholds import ConfigError
from generator.thresholds.model import Position
from generator.thresholds.nodes import Node, Scalar, Table, shown
from generator.thresholds.nodes import Sequence as List
from generator.thresholds.problems import Problem, quoted
from generator.thresholds.yaml_text import read_yaml

_KEYS: Final = ("rule", "change", "reason")


@dataclass(frozen=True)
class Excuse:
    """Of every mutant whose rule and change match; a ``*`` stands for any text."""

    position: Position
    rule: str
    change: str
    reason: str

    def matches(self, result: Result) -> bool:
        names = (result.rule.name, result.rule.title)
        return _like(self.change, result.mutant.what) and any(
            _like(self.rule, name) for name in names
        )


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def read_excuses(path: Path) -> tuple[Excuse, ...]:
    """Raises UnreadableError, and ConfigError for what is wrong in the file."""
    root, problems = read_yaml(read(path), str(path))
    found = list(problems)
    excuses = () if root is None else tuple(_excuses(root, found))
    if found:
        raise ConfigError(found)
    return excuses


def _excuses(root: Node, problems: list[Problem]) -> Iterator[Excuse]:
    listed = _entry(root, "excuses", problems)
    if not isinstance(listed, List):
        if listed is not None:
            problems.append(Problem(listed.position, "excuses", shown(listed), "a list of excuses"))
        return
    for index, node in enumerate(listed.items):
        excuse = _excuse(node, f"excuses[{index}]", problems)
        if excuse:
            yield excuse


def _entry(root: Node, key: str, problems: list[Problem]) -> Node | None:
    """The value of the only key of a file."""
    if not isinstance(root, Table) or root.entries.keys() != {key}:
        problems.append(Problem(root.position, "", shown(root), f"the key {quoted(key)} alone"))
        return None
    return root.entries[key].value


def _excuse(node: Node, path: str, problems: list[Problem]) -> Excuse | None:
    keys = ", ".join(map(quoted, _KEYS))
    if not isinstance(node, Table):
        problems.append(Problem(node.position, path, shown(node), f"a mapping with {keys}"))
        return None
    before = len(problems)
    for key, entry in node.entries.items():
        if key not in _KEYS:
            where = f"{path}.{key}"
            problems.append(Problem(entry.position, where, "an unknown key", f"one of {keys}"))
    texts = {key: _text(node, key, path, problems) for key in _KEYS}
    return Excuse(node.position, **texts) if len(problems) == before else None


def _text(table: Table, key: str, path: str, problems: list[Problem]) -> str:
    entry = table.entries.get(key)
    if entry is None:
        problems.append(Problem(table.position, f"{path}.{key}", "no such key", "a text"))
        return ""
    value = entry.value
    if isinstance(value, Scalar) and value.text and not value.is_null:
        return value.text
    problems.append(Problem(value.position, f"{path}.{key}", shown(value), "a text"))
    return ""


def excused(excuses: Sequence[Excuse], result: Result) -> Excuse | None:
    """What excuses a mutant that survived."""
    return next((each for each in excuses if result.survived and each.matches(result)), None)


def rotten(
    excuses: Iterable[Excuse], results: Sequence[Result], *, complete: bool
) -> Iterator[Problem]:
    """Excuses that excuse nothing, or what needs none; only the latter unless all mutants ran."""
    for excuse in excuses:
        meant = [result for result in results if excuse.matches(result)]
        if not meant and complete:
            yield _useless(excuse, "an excuse that fits no mutant")
        for result in meant:
            if not result.survived:
                fate = f"killed by {result.by.case.place}" if result.by else "no valid rule"
                what = f"{result.rule.title}: {result.mutant.what}"
                yield _useless(excuse, f"an excuse for {quoted(what)}, which is {fate}")


def _useless(excuse: Excuse, found: str) -> Problem:
    return Problem(excuse.position, "", found, "excuses only for mutants that survive")
