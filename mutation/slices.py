"""Slices of test cases: the assertions that a rule affects, with the rules that these depend on.

A mutant runs against slices rather than whole test files, which takes a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from mutation.dependencies import Dependencies
from mutation.suite import Case, CaseFile, Group, Rule, Suite
from mutation.yamlfile import dump

_ALERT_TEST: Final = "alert_rule_test"
_EXPR_TEST: Final = "promql_expr_test"


@dataclass(frozen=True, eq=False)
class Assertion:
    """An entry of a case's `alert_rule_test` or `promql_expr_test`."""

    kind: str
    body: Mapping[str, Any]
    rules: frozenset[Rule]

    def expects_firing(self, rule: Rule) -> bool:
        """Whether the alert must fire with the labels of this rule, templates aside."""
        if self.kind != _ALERT_TEST or self.body.get("alertname") != rule.name:
            return False
        labels = rule.body.get("labels", {})
        fixed = {(name, text) for name, text in labels.items() if "{{" not in text}
        expected = self.body.get("exp_alerts") or ()
        return any(fixed <= (each.get("exp_labels") or {}).items() for each in expected)


@dataclass(frozen=True, eq=False)
class Slice:
    """A test case with some of its assertions, and the rules that these depend on."""

    file: CaseFile
    case: Case
    assertions: tuple[Assertion, ...]

    @cached_property
    def rules(self) -> frozenset[Rule]:
        return frozenset().union(*(each.rules for each in self.assertions))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        return tuple(group for group in self.file.groups if not self.rules.isdisjoint(group.rules))

    @cached_property
    def document(self) -> str:
        """The test file without `rule_files`."""
        body = {
            key: value
            for key, value in self.case.body.items()
            if key not in (_ALERT_TEST, _EXPR_TEST)
        }
        for assertion in self.assertions:
            body.setdefault(assertion.kind, []).append(assertion.body)
        return dump({**self.file.head, "tests": [body]})

    def expects_firing(self, rule: Rule) -> bool:
        return any(each.expects_firing(rule) for each in self.assertions)


def whole_cases(suite: Suite) -> Iterator[Slice]:
    """Every case with all of its assertions."""
    for file in suite.files:
        dependencies = Dependencies(file.groups)
        for case in file.cases:
            yield Slice(file, case, tuple(_assertions(case, dependencies)))


def slices_by_rule(suite: Suite) -> dict[Rule, list[Slice]]:
    """For each rule the slice of every case that it affects; rules may share a slice."""
    found: dict[Rule, list[Slice]] = {rule: [] for rule in suite.rules}
    for whole in whole_cases(suite):
        made: dict[tuple[Assertion, ...], Slice] = {}
        for rule, slices in found.items():
            if rule not in whole.rules:
                continue
            affected = tuple(each for each in whole.assertions if rule in each.rules)
            if affected not in made:
                made[affected] = Slice(whole.file, whole.case, affected)
            slices.append(made[affected])
    return found


def _assertions(case: Case, dependencies: Dependencies) -> Iterator[Assertion]:
    for body in case.body.get(_ALERT_TEST) or ():
        rules = dependencies.of_alert(str(body.get("alertname")))
        yield Assertion(_ALERT_TEST, body, rules)
    for body in case.body.get(_EXPR_TEST) or ():
        yield Assertion(_EXPR_TEST, body, dependencies.of_expression(str(body.get("expr"))))
