"""Mutants: a rule with one change that its tests should notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from mutation.durations import format_duration, parse_duration
from mutation.operators import Labels, mutations
from mutation.parser import PromqlError, parse
from mutation.suite import Body, Rule

# The mutation operators, each with the test that kills its mutants.
OPERATORS: Final = {
    "comparison": "a case on either side of the comparison",
    "boundary": "a case exactly at the threshold",
    "number": "a case just below the number and one just above",
    "alternative": "a case in which only the dropped side has a value",
    "guard": "a case that the guard silences and one that it lets through",
    "sides": "a case that expects the exact value",
    "aggregation": "a case with several differing series to aggregate",
    "grouping": "a case with series that differ only in {}",
    "matcher": "a case with another series that differs in {}",
    "function": "a case that expects the exact value",
    "scale": "a case that expects the exact value",
    "window": "a case whose values change within the window, and a window's length ago",
    "offset": "a case in which the past differs from the present",
    "quantile": "a case whose distribution tells the quantiles apart",
    "for": "a case just before `for` has passed and one just after",
    "keep_firing_for": "a case just before `keep_firing_for` has passed and one just after",
    "label": "a case in which the alert fires and the label {} is expected",
    "annotation": "a case in which the alert fires and the annotation {} is expected",
}
_ADDED: Final = "5m"


@dataclass(frozen=True, eq=False)
class Mutant:
    """`body` is the changed rule; the rest is as in a mutation of an expression."""

    rule: Rule
    body: Body
    operator: str
    description: str
    label: str = ""

    @property
    def hint(self) -> str:
        """The test that would kill it."""
        return OPERATORS[self.operator].format(self.label)


def mutants(rule: Rule, labels: Labels) -> Iterator[Mutant]:
    """Every mutant of a rule, without those of an expression that cannot be parsed."""
    yield from _of_expression(rule, labels)
    if rule.is_alert:
        yield from _of_waits(rule)
    yield from _of_texts(rule)


def _of_expression(rule: Rule, labels: Labels) -> Iterator[Mutant]:
    try:
        tree = parse(rule.body["expr"])
    except PromqlError:
        return
    seen = {str(tree)}
    for mutation in mutations(tree, labels):
        text = str(mutation.node)
        if text not in seen and _is_valid(text):
            seen.add(text)
            body = {**rule.body, "expr": text}
            yield Mutant(rule, body, mutation.operator, mutation.description, mutation.label)


def _is_valid(expr: str) -> bool:
    try:
        parse(expr)
    except PromqlError:
        return False
    return True


def _of_waits(rule: Rule) -> Iterator[Mutant]:
    for key in ("for", "keep_firing_for"):
        length = parse_duration(str(rule.body.get(key, "0s")))
        if not length:
            yield Mutant(rule, {**rule.body, key: _ADDED}, key, f"{key} {_ADDED} added")
            continue
        without = {name: value for name, value in rule.body.items() if name != key}
        yield Mutant(rule, without, key, f"{key} dropped")
        for word, factor in (("halved", 0.5), ("doubled", 2)):
            changed = format_duration(max(1, round(length * factor)))
            yield Mutant(rule, {**rule.body, key: changed}, key, f"{key} {word}")


def _of_texts(rule: Rule) -> Iterator[Mutant]:
    for kind in ("label", "annotation"):
        texts: Mapping[str, str] = rule.body.get(f"{kind}s", {})
        for name, text in texts.items():
            others = {key: each for key, each in texts.items() if key != name}
            for word, changed in (
                ("changed", {**texts, name: f"{text} changed"}),
                ("dropped", others),
            ):
                body = {**rule.body, f"{kind}s": changed}
                yield Mutant(rule, body, kind, f"{kind} {name} {word}", name)
