"""Rule files and their promtool tests, as far as mutation testing needs to know them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from generator.mutation.documents import Located, SuiteError, is_null, items, load


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule where it stands; `body` is as in the file, without what is empty."""

    file: Path
    line: int
    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.body.get("alert") or self.body.get("record"))

    @property
    def alerts(self) -> bool:
        return "alert" in self.body

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def title(self) -> str:
        """The name, with what tells an alert's severities apart."""
        severity = (self.body.get("labels") or {}).get("severity")
        return f"{self.name} ({severity})" if self.alerts and severity else self.name


@dataclass(frozen=True, eq=False)
class Group:
    """A group of rules; `head` is all but the rules."""

    file: Path
    head: Mapping[str, Any]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, eq=False)
class Case:
    """One test of a test file; `number` counts from 1."""

    file: Path
    line: int
    number: int
    body: Mapping[str, Any]

    @property
    def title(self) -> str:
        name = self.body.get("name")
        return f"number {self.number}" if is_null(name) else str(name)

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, eq=False)
class CaseFile:
    """`head` is all but the tests and the names of the rule files."""

    path: Path
    head: Mapping[str, Any]
    groups: tuple[Group, ...]
    cases: tuple[Case, ...]


@dataclass(frozen=True, eq=False)
class Suite:
    """Test files with the groups of every rule file, those first that the tests name."""

    tests: tuple[CaseFile, ...]
    groups: tuple[Group, ...]

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(rule for group in self.groups for rule in group.rules)


def read_suite(paths: Iterable[Path], more_rules: Iterable[Path] = ()) -> Suite:
    """Test files, the rule files that they name, and more of these.

    Raises UnreadableError and SuiteError.
    """
    known: dict[Path, tuple[Group, ...]] = {}
    tests = tuple(_test_file(path, known) for path in paths)
    for file in (Path(os.path.normpath(each)) for each in more_rules):
        if file not in known:
            known[file] = tuple(_groups(file))
    groups = tuple(group for found in known.values() for group in found)
    if not any(group.rules for group in groups):
        raise SuiteError("the tests name no rule file that has a rule in `rule_files`")
    return Suite(tests, groups)


def _test_file(path: Path, known: dict[Path, tuple[Group, ...]]) -> CaseFile:
    document = load(path)
    groups: list[Group] = []
    for file in _rule_files(path, document):
        if file not in known:
            known[file] = tuple(_groups(file))
        groups += known[file]
    cases = tuple(
        Case(path, body.line, number, body)
        for number, body in enumerate(items(document, "tests", path), 1)
    )
    head = {key: each for key, each in document.items() if key not in ("tests", "rule_files")}
    return CaseFile(path, head, tuple(groups), cases)


def _rule_files(path: Path, document: Located) -> Iterator[Path]:
    """As promtool finds them: patterns relative to the test file; one that matches none is none."""
    patterns: Sequence[str] = document.get("rule_files") or ()
    if isinstance(patterns, str) or not all(isinstance(each, str) for each in patterns):
        raise SuiteError(f"{path}:{document.line}: found no list in `rule_files`, expected one")
    for pattern in patterns:
        for found in sorted(glob.glob(str(path.parent / pattern))):  # noqa: PTH207  # any pattern
            yield Path(os.path.normpath(found))


def _groups(file: Path) -> Iterator[Group]:
    for group in items(load(file), "groups", file):
        rules = tuple(_rule(file, body) for body in items(group, "rules", file))
        head = {key: each for key, each in group.items() if key != "rules"}
        yield Group(file, head, rules)


def _rule(file: Path, body: Located) -> Rule:
    filled = {key: value for key, value in body.items() if not is_null(value)}
    if not isinstance(filled.get("expr"), str) or not {"alert", "record"} & filled.keys():
        found = "a rule without `expr`, `alert` or `record`"
        raise SuiteError(f"{file}:{body.line}: found {found}, expected a rule")
    return Rule(file, body.line, filled)
