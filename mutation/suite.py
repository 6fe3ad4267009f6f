"""Reading rule files and the promtool tests that run them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mutation.durations import parse_duration
from mutation.errors import InputError
from mutation.parser import normalize
from mutation.yamlfile import Located, load, mappings

Body = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Rule:
    """`body` is the rule as in its file, without the keys that have no value."""

    file: Path
    line: int
    body: Body

    @property
    def name(self) -> str:
        return str(self.body.get("alert") or self.body.get("record"))

    @property
    def is_alert(self) -> bool:
        return "alert" in self.body

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def title(self) -> str:
        """The name, with the severity of an alert, which may have a rule for each."""
        severity = self.body.get("labels", {}).get("severity")
        return f"{self.name} ({severity})" if self.is_alert and severity else self.name

    @cached_property
    def normalized(self) -> Body:
        """The body with its expression in the spelling of the mutants."""
        return {**self.body, "expr": normalize(self.body["expr"])}


@dataclass(frozen=True, eq=False)
class Group:
    """A group of rules; `head` is everything but the rules."""

    file: Path
    head: Mapping[str, Any]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, eq=False)
class Case:
    """One entry of `tests` in a test file; `number` counts from 1."""

    file: Path
    line: int
    number: int
    body: Mapping[str, Any]

    @property
    def title(self) -> str:
        return str(self.body.get("name") or f"number {self.number}")

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, eq=False)
class CaseFile:
    """A test file; `head` is everything but the tests and the names of the rule files."""

    path: Path
    head: Mapping[str, Any]
    groups: tuple[Group, ...]
    cases: tuple[Case, ...]


@dataclass(frozen=True, eq=False)
class Suite:
    """Test files, and the groups of all rule files."""

    files: tuple[CaseFile, ...]
    groups: tuple[Group, ...]

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(rule for group in self.groups for rule in group.rules)


def read_suite(tests: Iterable[Path], rules: Iterable[Path] = ()) -> Suite:
    """Test files, the rule files that they name, and further rule files.

    Raises OSError and InputError.
    """
    reader = _Reader()
    files = tuple(reader.test_file(path) for path in tests)
    for path in rules:
        reader.rule_file(path)
    suite = Suite(files, reader.groups)
    if not suite.rules:
        raise InputError("no rules found: the tests name no rule file that has any")
    return suite


class _Reader:
    """Reads every rule file once, by whatever path it is named."""

    def __init__(self) -> None:
        self._rule_files: dict[Path, tuple[Group, ...]] = {}

    @property
    def groups(self) -> tuple[Group, ...]:
        return tuple(group for groups in self._rule_files.values() for group in groups)

    def test_file(self, path: Path) -> CaseFile:
        document = load(path)
        groups = [group for file in _rule_files(path, document) for group in self.rule_file(file)]
        bodies = mappings(document, "tests", path)
        for body in bodies:
            for key in ("input_series", "alert_rule_test", "promql_expr_test"):
                mappings(body, key, path)
        cases = tuple(Case(path, body.line, number, body) for number, body in enumerate(bodies, 1))
        head = {key: each for key, each in document.items() if key not in ("tests", "rule_files")}
        return CaseFile(path, head, tuple(groups), cases)

    def rule_file(self, path: Path) -> tuple[Group, ...]:
        key = path.resolve()
        if key not in self._rule_files:
            self._rule_files[key] = tuple(_groups(Path(os.path.normpath(path))))
        return self._rule_files[key]


def _rule_files(path: Path, document: Located) -> Iterator[Path]:
    """As promtool finds them: patterns relative to the test file; it ignores those that fail."""
    patterns: Sequence[str] = document.get("rule_files") or ()
    if isinstance(patterns, str) or not all(isinstance(each, str) for each in patterns):
        raise InputError(f"{path}:{document.line}: `rule_files` must be a list of paths")
    for pattern in patterns:
        yield from map(Path, sorted(glob.glob(str(path.parent / pattern))))  # noqa: PTH207  # may be absolute


def _groups(file: Path) -> Iterator[Group]:
    for group in mappings(load(file), "groups", file):
        rules = tuple(_rule(file, body) for body in mappings(group, "rules", file))
        head = {key: each for key, each in group.items() if key != "rules"}
        yield Group(file, head, rules)


def _rule(file: Path, body: Located) -> Rule:
    filled = {key: value for key, value in body.items() if value is not None}
    place = f"{file}:{body.line}"
    if not isinstance(filled.get("expr"), str) or not {"alert", "record"} & filled.keys():
        raise InputError(f"{place}: a rule needs `expr`, and `alert` or `record`")
    for key in {"labels", "annotations"} & filled.keys():
        if not isinstance(filled[key], dict):
            raise InputError(f"{place}: `{key}` must be a mapping")
        filled[key] = {name: str(text or "") for name, text in filled[key].items()}
    for key in {"for", "keep_firing_for"} & filled.keys():
        try:
            parse_duration(str(filled[key]))
        except ValueError as error:
            raise InputError(f"{place}: `{key}`: {error}") from error
    return Rule(file, body.line, filled)
