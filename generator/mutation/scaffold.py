"""Test files of one case each, over the rules alone that its assertions read."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from generator.mutation.documents import dump
from generator.mutation.mutants import Body, normal
from generator.mutation.reach import Reach
from generator.mutation.suite import Case, CaseFile, Group, Rule, Suite

_ALERTS: Final = "alert_rule_test"
_EXPRESSIONS: Final = "promql_expr_test"


@dataclass(frozen=True)
class Assertion:
    """One entry of a case's list `key`, and the rules that it can be touched by."""

    key: str
    body: Mapping[str, Any]
    reach: frozenset[Rule]

    def fires(self, rule: Rule) -> bool:
        """Whether it expects the rule itself to fire, as far as its fixed labels tell."""
        if self.key != _ALERTS or self.body.get("alertname") != rule.name:
            return False
        fixed = {
            (name, text)
            for name, text in (rule.body.get("labels") or {}).items()
            if "{{" not in text
        }
        expected = self.body.get("exp_alerts") or ()
        return any(fixed <= (each.get("exp_labels") or {}).items() for each in expected)


@dataclass(frozen=True, eq=False)
class Unit:
    """A case with some of its assertions, over the rules that these read."""

    number: int
    file: CaseFile
    case: Case
    assertions: tuple[Assertion, ...]

    @cached_property
    def rules(self) -> frozenset[Rule]:
        return frozenset().union(*(each.reach for each in self.assertions))

    def fires(self, rule: Rule) -> bool:
        return any(each.fires(rule) for each in self.assertions)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        return tuple(group for group in self.file.groups if not self.rules.isdisjoint(group.rules))

    @cached_property
    def document(self) -> str:
        """The test file but for the names of the rule files."""
        asserted = {
            key: [each.body for each in self.assertions if each.key == key]
            for key in (_ALERTS, _EXPRESSIONS)
        }
        rest = {key: value for key, value in self.case.body.items() if key not in asserted}
        kept = {key: found for key, found in asserted.items() if found}
        return dump({**self.file.head, "tests": [{**rest, **kept}]})


class Scaffold:
    """Every unit of a suite, each once."""

    def __init__(self, suite: Suite) -> None:
        self.units: list[Unit] = []
        self.of_rule: dict[Rule, list[Unit]] = {rule: [] for rule in suite.rules}
        for file in suite.tests:
            reach = Reach(file.groups)
            for case in file.cases:
                self._add(file, case, tuple(_assertions(case, reach)))

    def _add(self, file: CaseFile, case: Case, assertions: Sequence[Assertion]) -> None:
        """A unit for each set of assertions that some rule can touch."""
        touching: dict[Rule, list[Assertion]] = {}
        for assertion in assertions:
            for rule in assertion.reach:
                touching.setdefault(rule, []).append(assertion)
        made: dict[tuple[int, ...], Unit] = {}
        for rule, found in touching.items():
            key = tuple(id(each) for each in found)
            if key not in made:
                made[key] = Unit(len(self.units), file, case, tuple(found))
                self.units.append(made[key])
            self.of_rule[rule].append(made[key])


def whole(suite: Suite) -> Iterator[Unit]:
    """Every case with all of its assertions."""
    for file in suite.tests:
        reach = Reach(file.groups)
        for number, case in enumerate(file.cases):
            yield Unit(number, file, case, tuple(_assertions(case, reach)))


def _assertions(case: Case, reach: Reach) -> Iterator[Assertion]:
    for body in case.body.get(_ALERTS) or ():
        yield Assertion(_ALERTS, body, reach.of_alert(str(body.get("alertname"))))
    for body in case.body.get(_EXPRESSIONS) or ():
        yield Assertion(_EXPRESSIONS, body, reach.of_expression(str(body.get("expr"))))


class Workshop:
    """Writes the files of units and mutants into a folder; its own are kept apart by a number."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[Rule, str] = {}
        self._heads: dict[Group, str] = {}
        self._rule_files: dict[tuple[frozenset[Rule], Path], Path] = {}
        self._count = 0

    def test(self, unit: Unit, rule: Rule | None = None, body: Body | None = None) -> list[Path]:
        """The test file of a unit in which `body`, if any, stands for a rule; then what it uses.

        Of these only the first, and the last if there is a body, are its own.
        """
        files: list[Path] = []
        own: list[Path] = []
        for file in dict.fromkeys(group.file for group in unit.groups):
            if rule is not None and body is not None and rule.file == file:
                own.append(self._write("rules", self._rules(unit, file, rule, body)))
                files += own
            else:
                files.append(self._shared(unit, file))
        names = "".join(f"- {path.name}\n" for path in files)
        return [self._write("test", f"rule_files:\n{names}{unit.document}"), *own]

    def alone(self, body: Body) -> Path:
        """A rule file with one rule."""
        return self._write("rule", f"groups:\n- name: alone\n  rules:\n  - {_line(body)}\n")

    def _shared(self, unit: Unit, file: Path) -> Path:
        key = (unit.rules, file)
        if key not in self._rule_files:
            self._rule_files[key] = self._write("rules", self._rules(unit, file))
        return self._rule_files[key]

    def _rules(
        self, unit: Unit, file: Path, changed: Rule | None = None, body: Body | None = None
    ) -> str:
        parts = ["groups:\n"]
        for group in unit.groups:
            if group.file != file:
                continue
            if group not in self._heads:
                head = textwrap.indent(dump(group.head), "  ")
                self._heads[group] = f"-{head[1:]}  rules:\n"
            parts.append(self._heads[group])
            for rule in group.rules:
                if rule in unit.rules:
                    line = _line(body) if rule is changed and body is not None else self._own(rule)
                    parts.append(f"  - {line}\n")
        return "".join(parts)

    def _own(self, rule: Rule) -> str:
        if rule not in self._lines:
            self._lines[rule] = _line(normal(rule.body))
        return self._lines[rule]

    def _write(self, kind: str, text: str) -> Path:
        self._count += 1
        path = self._folder / f"{kind}{self._count}.yml"
        path.write_text(text, "utf-8")
        return path


def _line(body: Body) -> str:
    """A rule as one line of YAML, which JSON is as well."""
    return json.dumps(body, ensure_ascii=False)
