"""PromQL as a tree of values that can be changed and written out again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from generator.promql import number
from generator.thresholds.units import format_duration

COMPARISONS: Final = ("==", "!=", ">", "<", ">=", "<=")
SETS: Final = ("and", "or", "unless")

# How tightly an operator binds.
_BINDS: Final = {
    "or": 1,
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(COMPARISONS, 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%", "atan2"), 5),
    "^": 6,
}
_SIGN: Final = 5.5  # of a negative operand: tighter than a product, looser than a power
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Number:
    value: float

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "NaN"
        if math.isinf(self.value):
            return "Inf" if self.value > 0 else "-Inf"
        return number(self.value)


@dataclass(frozen=True)
class Text:
    value: str

    def __str__(self) -> str:
        return _quoted(self.value)


@dataclass(frozen=True)
class Matcher:
    name: str
    op: str
    value: str

    def __str__(self) -> str:
        return f"{_label(self.name)}{self.op}{_quoted(self.value)}"


@dataclass(frozen=True)
class When:
    """Seconds of a range, of a subquery's step and of an offset; `at` is what stands behind @."""

    range: float | None = None
    step: float | None = None
    subquery: bool = False
    offset: float | None = None
    at: str = ""

    def __str__(self) -> str:
        text = ""
        if self.range is not None:
            step = "" if self.step is None else format_duration(self.step)
            text = f"[{format_duration(self.range)}{f':{step}' if self.subquery else ''}]"
        if self.at:
            text += f" @ {self.at}"
        if self.offset:
            sign = "-" if self.offset < 0 else ""
            text += f" offset {sign}{format_duration(abs(self.offset))}"
        return text


@dataclass(frozen=True)
class Selector:
    name: str
    matchers: tuple[Matcher, ...] = ()
    when: When = field(default_factory=When)

    def __str__(self) -> str:
        braces = f"{{{','.join(map(str, self.matchers))}}}" if self.matchers else ""
        return f"{self.name}{braces}{self.when}"


@dataclass(frozen=True)
class Subquery:
    inner: Node
    when: When

    def __str__(self) -> str:
        closed = isinstance(self.inner, Call | Parens | Aggregation)
        plain = isinstance(self.inner, Selector) and self.inner.when == When()
        return f"{self.inner}{self.when}" if closed or plain else f"({self.inner}){self.when}"


@dataclass(frozen=True)
class Call:
    name: str
    args: tuple[Node, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.args))})"


@dataclass(frozen=True)
class Aggregation:
    """`grouping` is by, without, or nothing at all."""

    op: str
    inner: Node
    param: Node | None = None
    grouping: str = ""
    labels: tuple[str, ...] = ()

    def __str__(self) -> str:
        group = f" {self.grouping} ({_labels(self.labels)}) " if self.grouping else ""
        param = "" if self.param is None else f"{self.param}, "
        return f"{self.op}{group}({param}{self.inner})"


@dataclass(frozen=True)
class Binary:
    """`matching` is on, ignoring or nothing, `group` is group_left, group_right or nothing."""

    op: str
    left: Node
    right: Node
    bool_: bool = False
    matching: str = ""
    labels: tuple[str, ...] = ()
    group: str = ""
    include: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [self.op]
        if self.bool_:
            parts.append("bool")
        if self.matching:
            parts.append(f"{self.matching} ({_labels(self.labels)})")
        if self.group:
            parts.append(f"{self.group} ({_labels(self.include)})")
        return f"{self._operand(self.left)} {' '.join(parts)} {self._operand(self.right)}"

    def _operand(self, node: Node) -> str:
        """In parentheses where it would be read otherwise; equals group to the left, powers not."""
        binds, own = _binds(node), _BINDS[self.op]
        first = node is self.left
        grouped = first if own != _BINDS["^"] else not first
        return str(node) if binds > own or (binds == own and grouped) else f"({node})"


@dataclass(frozen=True)
class Negative:
    inner: Node

    def __str__(self) -> str:
        return f"-{self.inner}" if _binds(self.inner) > _SIGN else f"-({self.inner})"


@dataclass(frozen=True)
class Parens:
    inner: Node

    def __str__(self) -> str:
        return f"({self.inner})"


Node = Number | Text | Selector | Subquery | Call | Aggregation | Binary | Negative | Parens


def _binds(node: Node) -> float:
    match node:
        case Binary():
            return _BINDS[node.op]
        case Negative():
            return _SIGN
        case Number() if node.value < 0:
            return _SIGN
    return math.inf


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _label(name: str) -> str:
    return name if _LABEL.fullmatch(name) else _quoted(name)


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(map(_label, names))


def bare(node: Node) -> Node:
    """Without parentheses around it."""
    return bare(node.inner) if isinstance(node, Parens) else node


def selectors(node: Node) -> Iterator[Selector]:
    """Every selector of the tree."""
    if isinstance(node, Selector):
        yield node
    for child, _ in children(node):
        yield from selectors(child)


def children(node: Node) -> Iterator[tuple[Node, Callable[[Node], Node]]]:
    """Each node right below, with what puts another one in its place."""
    match node:
        case Subquery() | Negative() | Parens():
            yield node.inner, lambda new: replace(node, inner=new)
        case Aggregation():
            if node.param is not None:
                yield node.param, lambda new: replace(node, param=new)
            yield node.inner, lambda new: replace(node, inner=new)
        case Binary():
            yield node.left, lambda new: replace(node, left=new)
            yield node.right, lambda new: replace(node, right=new)
        case Call():
            for index, arg in enumerate(node.args):
                yield arg, _with_argument(node, index)


def _with_argument(call: Call, index: int) -> Callable[[Node], Node]:
    def put(new: Node) -> Node:
        return replace(call, args=(*call.args[:index], new, *call.args[index + 1 :]))

    return put
