"""Changes of an expression that a test of its rule should notice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from generator.mutation.tree import (
    COMPARISONS,
    Aggregation,
    Binary,
    Call,
    Matcher,
    Node,
    Number,
    Selector,
    Subquery,
    When,
    bare,
    children,
    selectors,
)
from generator.promql import number

# Labels of the series that a part of an expression reads, as far as the tests' input has them.
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
# Where the quantile stands among the arguments.
_QUANTILES: Final = ("histogram_quantile", "quantile_over_time")
_SIDES: Final = {"group_left": "group_right", "group_right": "group_left"}
_MOST_ADDED: Final = 3


@dataclass(frozen=True)
class Change:
    """`kind` tells what sort of change it is, `what` tells it from the rule's others.

    Neither holds a number of the expression. `about` is the label that the kind's hint speaks of.
    """

    kind: str
    what: str
    node: Node
    about: str = ""


def changes(node: Node, labels: Labels) -> Iterator[Change]:
    """Of the node itself, then of all below it, each put back into the whole."""
    yield from _own(node, labels)
    for child, put in children(node):
        if isinstance(child, Number):
            continue  # changed with the node around it
        for change in changes(child, labels):
            if change.kind != "scale" or not _ignores_scale(node):
                yield replace(change, node=put(change.node))


def _ignores_scale(node: Node) -> bool:
    return isinstance(node, Call) and node.name == "histogram_quantile"


def _own(node: Node, labels: Labels) -> Iterator[Change]:
    match node:
        case Binary():
            yield from _of_binary(node)
        case Aggregation():
            yield from _of_aggregation(node, labels)
        case Selector():
            yield from _of_matchers(node)
            yield from _of_when(node.when, short(node), lambda when: replace(node, when=when))
        case Subquery():
            subject = f"{short(node.inner)}{node.when}"
            yield from _of_when(node.when, subject, lambda when: replace(node, when=when))
        case Call():
            yield from _of_call(node)


def _of_binary(node: Binary) -> Iterator[Change]:
    left, right = short(node.left), short(node.right)
    if node.op in COMPARISONS:
        turned = f"{left} {node.op} …"
        yield Change("comparison", f"{turned} flipped", replace(node, op=_FLIPPED[node.op]))
        if node.op in _BOUNDARY and Number(0) in (node.left, node.right):
            other = _BOUNDARY[node.op]
            yield Change("boundary", f"{turned} to {other}", replace(node, op=other))
        if not node.bool_:
            yield Change("comparison", f"{turned} dropped", node.left)
    if node.op == "or":
        yield Change("alternative", f"or {right} dropped", node.left)
        yield Change("alternative", f"{left} or dropped", node.right)
    if node.op in ("and", "unless"):
        other = "unless" if node.op == "and" else "and"
        yield Change("guard", f"{node.op} {right} dropped", node.left)
        yield Change("guard", f"{node.op} {right} to {other}", replace(node, op=other))
    if node.op in ("/", "-"):
        swapped = replace(node, left=node.right, right=node.left, group=_SIDES.get(node.group, ""))
        yield Change("sides", f"sides of {left} {node.op} {right} swapped", swapped)
    for value, side, put in _numbers(node):
        word = "bound" if node.op in COMPARISONS else "factor"
        yield from _of_number(value, f"{word} of {side} ({node.op})", put)


Put = Callable[[Node], Node]


def _numbers(node: Binary) -> Iterator[tuple[Number, str, Put]]:
    """The numbers among the operands, what stands on the other side, and what replaces each."""
    if isinstance(node.right, Number):
        yield node.right, short(node.left), lambda new: replace(node, right=new)
    if isinstance(node.left, Number):
        yield node.left, short(node.right), lambda new: replace(node, left=new)


def _of_number(value: Number, subject: str, put: Put) -> Iterator[Change]:
    if value.value:
        variants = ((0.9, "-10%"), (1.1, "+10%"), (2.0, "doubled"))
        found = [(_rounded(value.value * factor), word) for factor, word in variants]
    else:
        found = [(1.0, "1 more"), (-1.0, "1 less")]
    for new, word in found:
        yield Change("number", f"{subject} {word}", put(Number(new)))


def _rounded(value: float) -> float:
    return float(f"{value:.12g}")


def _of_aggregation(node: Aggregation, labels: Labels) -> Iterator[Change]:
    inner = short(node.inner)
    if other := _AGGREGATIONS.get(node.op):
        yield Change("aggregation", f"{node.op} of {inner} to {other}", replace(node, op=other))
    if node.op == "quantile" and isinstance(node.param, Number):
        yield from _of_quantile(node.param, inner, lambda new: replace(node, param=new))
    elif isinstance(node.param, Number):
        yield from _of_number(
            node.param, f"number of {node.op} of {inner}", lambda new: replace(node, param=new)
        )
    where = f"{node.op} of {inner}"
    for label in node.labels:
        rest = tuple(each for each in node.labels if each != label)
        changed = replace(node, labels=rest)
        yield Change("grouping", f"{label} dropped from {where}", changed, label)
    known = (each for each in labels(selectors(node.inner)) if each not in node.labels)
    for label, _ in zip(known, range(_MOST_ADDED), strict=False):
        changed = replace(node, grouping=node.grouping or "by", labels=(*node.labels, label))
        yield Change("grouping", f"{label} added to {where}", changed, label)


def _of_matchers(node: Selector) -> Iterator[Change]:
    for index, matcher in enumerate(node.matchers):
        before, after = node.matchers[:index], node.matchers[index + 1 :]
        if node.name or before or after:
            without = replace(node, matchers=(*before, *after))
            yield Change("matcher", f"{matcher} of {short(node)} dropped", without, matcher.name)
        wrong = Matcher(matcher.name, matcher.op, f"{matcher.value}x")
        changed = replace(node, matchers=(*before, wrong, *after))
        yield Change(
            "matcher", f"{matcher} of {short(node)} to another value", changed, matcher.name
        )


def _of_when(when: When, subject: str, put: Callable[[When], Node]) -> Iterator[Change]:
    if when.range is not None:
        for factor, word in ((0.5, "halved"), (2.0, "doubled")):
            changed = replace(when, range=_milliseconds(when.range * factor))
            yield Change("window", f"window of {subject} {word}", put(changed))
    if when.offset:
        yield Change("offset", f"offset of {subject} dropped", put(replace(when, offset=None)))
        for factor, word in ((0.5, "halved"), (2.0, "doubled")):
            changed = replace(when, offset=_milliseconds(when.offset * factor))
            yield Change("offset", f"offset of {subject} {word}", put(changed))


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000) / 1000


def _of_call(node: Call) -> Iterator[Change]:
    if other := _FUNCTIONS.get(node.name):
        what = f"{node.name} of {short(node.args[0])} to {other}"
        kind = "scale" if {node.name, other} == {"rate", "increase"} else "function"
        yield Change(kind, what, replace(node, name=other))
    if node.name == "vector":
        return  # of an alert that always fires: no value of it changes anything
    for index, arg in enumerate(node.args):
        if not isinstance(arg, Number):
            continue
        put = _argument(node, index)
        if node.name in _QUANTILES:
            yield from _of_quantile(arg, short(node.args[1 - index]), put)
        else:
            yield from _of_number(arg, f"number of {node.name} of {short(node.args[0])}", put)


def _argument(node: Call, index: int) -> Put:
    def put(new: Node) -> Node:
        return replace(node, args=(*node.args[:index], new, *node.args[index + 1 :]))

    return put


def _of_quantile(share: Number, inner: str, put: Put) -> Iterator[Change]:
    for new in (0.5, 0.9, 0.99):
        if new != share.value:
            yield Change("quantile", f"quantile of {inner} to {number(new)}", put(Number(new)))


def short(node: Node) -> str:
    """A part of an expression in a few words: where it is long, the first series that it reads."""
    node = bare(node)
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
            return f"{node.name}(… {kept} …)"
    return f"{kept} …"


def _abridged(selector: Selector) -> str:
    text = str(selector)
    return text if len(text) <= _LONGEST else f"{selector.name}{{…}}{selector.when}"


_LONGEST: Final = 60
