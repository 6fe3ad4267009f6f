"""Mutation operators: the changes of an expression that a test of its rule should notice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Final

from mutation.expression import (
    COMPARISONS,
    Aggregation,
    Binary,
    Call,
    Matcher,
    Node,
    Number,
    Parens,
    Selector,
    Subquery,
    children,
    selectors,
)

# The labels of the series that some selectors read, as far as the tests' input has such series.
Labels = Callable[[Iterable[Selector]], Sequence[str]]

_FLIPPED: Final = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "!=", "!=": "=="}
_BOUNDARY: Final = {">": ">=", "<": "<=", ">=": ">", "<=": "<"}
_AGGREGATIONS: Final = {
    "sum": "max",
    "max": "min",
    "min": "max",
    "avg": "max",
    "count": "sum",
    "group": "sum",
    "topk": "bottomk",
    "bottomk": "topk",
}
_FUNCTIONS: Final = {
    "rate": "increase",
    "increase": "rate",
    "irate": "rate",
    "deriv": "rate",
    "avg_over_time": "max_over_time",
    "max_over_time": "min_over_time",
    "min_over_time": "max_over_time",
    "sum_over_time": "max_over_time",
    "count_over_time": "sum_over_time",
    "clamp_min": "clamp_max",
    "clamp_max": "clamp_min",
}
_QUANTILE_FUNCTIONS: Final = ("histogram_quantile", "quantile_over_time")
_OTHER_GROUP: Final = {"group_left": "group_right", "group_right": "group_left"}
_MOST_LABELS_ADDED: Final = 3
_LONGEST: Final = 60


@dataclass(frozen=True)
class Mutation:
    """A changed expression.

    `description` tells the mutation from the rule's others, without any number of the expression,
    so that excuses survive a change of a number. `label` is the one that the hint speaks of.
    """

    operator: str
    description: str
    node: Node
    label: str = ""


def mutations(node: Node, labels: Labels) -> Iterator[Mutation]:
    """Those of the node itself, then those of its descendants."""
    yield from _own(node, labels)
    for child, put in children(node):
        if isinstance(child, Number):
            continue  # mutated together with its parent
        for mutation in mutations(child, labels):
            if mutation.operator != "scale" or not _ignores_scale(node):
                yield replace(mutation, node=put(mutation.node))


def _ignores_scale(node: Node) -> bool:
    return isinstance(node, Call) and node.function == "histogram_quantile"


def _own(node: Node, labels: Labels) -> Iterator[Mutation]:
    match node:
        case Binary():
            yield from _of_binary(node)
        case Aggregation():
            yield from _of_aggregation(node, labels)
        case Selector():
            yield from _of_matchers(node)
            yield from _of_times(node, shorten(node))
        case Subquery():
            yield from _of_times(node, f"{shorten(node.inner)}{node.suffix}")
        case Call():
            yield from _of_call(node)


def _of_binary(node: Binary) -> Iterator[Mutation]:
    left, right = shorten(node.left), shorten(node.right)
    if node.op in COMPARISONS:
        comparison = f"{left} {node.op} …"
        yield Mutation("comparison", f"{comparison} flipped", replace(node, op=_FLIPPED[node.op]))
        if node.op in _BOUNDARY and Number(0) in (node.left, node.right):
            other = _BOUNDARY[node.op]
            yield Mutation("boundary", f"{comparison} to {other}", replace(node, op=other))
        if not node.returns_bool:
            yield Mutation("comparison", f"{comparison} dropped", node.left)
    if node.op == "or":
        yield Mutation("alternative", f"or {right} dropped", node.left)
        yield Mutation("alternative", f"{left} or dropped", node.right)
    if node.op in ("and", "unless"):
        other = "unless" if node.op == "and" else "and"
        yield Mutation("guard", f"{node.op} {right} dropped", node.left)
        yield Mutation("guard", f"{node.op} {right} to {other}", replace(node, op=other))
    if node.op in ("/", "-"):
        group = _OTHER_GROUP.get(node.group, "")
        swapped = replace(node, left=node.right, right=node.left, group=group)
        yield Mutation("sides", f"sides of {left} {node.op} {right} swapped", swapped)
    role = "threshold" if node.op in COMPARISONS else "factor"
    if isinstance(node.right, Number):
        subject = f"{role} of {left} ({node.op})"
        yield from _of_number(node.right, subject, lambda new: replace(node, right=new))
    if isinstance(node.left, Number):
        subject = f"{role} of {right} ({node.op})"
        yield from _of_number(node.left, subject, lambda new: replace(node, left=new))


Put = Callable[[Node], Node]


def _of_number(number: Number, subject: str, put: Put) -> Iterator[Mutation]:
    if number.value:
        factors = {"-10%": 0.9, "+10%": 1.1, "doubled": 2.0}
        found = {word: float(f"{number.value * each:.12g}") for word, each in factors.items()}
    else:
        found = {"+1": 1.0, "-1": -1.0}
    for word, value in found.items():
        yield Mutation("number", f"{subject} {word}", put(Number(value)))


def _of_quantile(quantile: Number, subject: str, put: Put) -> Iterator[Mutation]:
    for value in (0.5, 0.9, 0.99):
        if value != quantile.value:
            yield Mutation("quantile", f"quantile of {subject} to {value}", put(Number(value)))


def _of_aggregation(node: Aggregation, labels: Labels) -> Iterator[Mutation]:
    inner = shorten(node.inner)
    subject = f"{node.op} of {inner}"
    if other := _AGGREGATIONS.get(node.op):
        yield Mutation("aggregation", f"{subject} to {other}", replace(node, op=other))
    if isinstance(node.param, Number):
        if node.op == "quantile":
            yield from _of_quantile(node.param, inner, lambda new: replace(node, param=new))
        else:
            number = f"number of {subject}"
            yield from _of_number(node.param, number, lambda new: replace(node, param=new))
    for label in node.labels:
        without = replace(node, labels=tuple(each for each in node.labels if each != label))
        yield Mutation("grouping", f"{label} dropped from {subject}", without, label)
    others = (each for each in labels(selectors(node.inner)) if each not in node.labels)
    for label in islice(others, _MOST_LABELS_ADDED):
        added = replace(node, grouping=node.grouping or "by", labels=(*node.labels, label))
        yield Mutation("grouping", f"{label} added to {subject}", added, label)


def _of_matchers(node: Selector) -> Iterator[Mutation]:
    for index, matcher in enumerate(node.matchers):
        before, after = node.matchers[:index], node.matchers[index + 1 :]
        subject = f"{matcher} of {shorten(node)}"
        if node.name or before or after:
            without = replace(node, matchers=(*before, *after))
            yield Mutation("matcher", f"{subject} dropped", without, matcher.label)
        other = Matcher(matcher.label, matcher.op, f"{matcher.value}x")
        changed = replace(node, matchers=(*before, other, *after))
        yield Mutation("matcher", f"{subject} to another value", changed, matcher.label)


def _of_times(node: Selector | Subquery, subject: str) -> Iterator[Mutation]:
    factors = {"halved": 0.5, "doubled": 2}
    if node.range is not None:
        for word, factor in factors.items():
            changed = replace(node, range=round(node.range * factor))
            yield Mutation("window", f"window of {subject} {word}", changed)
    if node.offset:
        yield Mutation("offset", f"offset of {subject} dropped", replace(node, offset=0))
        for word, factor in factors.items():
            changed = replace(node, offset=round(node.offset * factor))
            yield Mutation("offset", f"offset of {subject} {word}", changed)


def _of_call(node: Call) -> Iterator[Mutation]:
    if other := _FUNCTIONS.get(node.function):
        operator = "scale" if {node.function, other} == {"rate", "increase"} else "function"
        description = f"{node.function} of {shorten(node.args[0])} to {other}"
        yield Mutation(operator, description, replace(node, function=other))
    if node.function == "vector":
        return  # in a rule that always fires, whatever the value
    for index, arg in enumerate(node.args):
        put = partial(node.with_arg, index)
        if not isinstance(arg, Number):
            continue
        if node.function in _QUANTILE_FUNCTIONS:
            yield from _of_quantile(arg, shorten(node.args[1 - index]), put)
        else:
            yield from _of_number(arg, f"number of {node.function} of {shorten(node.args[0])}", put)


def shorten(node: Node) -> str:
    """A part of an expression in a few words: if it is long, the first series that it reads."""
    while isinstance(node, Parens):
        node = node.inner
    text = str(node)
    if len(text) <= _LONGEST:
        return text
    first = next(selectors(node), None)
    kept = f"{text[:_LONGEST]}…" if first is None else _abridged(first)
    match node:
        case Selector():
            return kept
        case Aggregation():
            return f"{node.op}(… {kept} …)"
        case Call():
            return f"{node.function}(… {kept} …)"
    return f"{kept} …"


def _abridged(selector: Selector) -> str:
    text = str(selector)
    return text if len(text) <= _LONGEST else f"{selector.name}{{…}}{selector.suffix}"
