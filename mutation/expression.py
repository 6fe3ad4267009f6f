"""PromQL expressions as trees that can be changed; `str` writes one as PromQL again.

Durations are in milliseconds.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from mutation.durations import format_duration

COMPARISONS: Final = ("==", "!=", ">", "<", ">=", "<=")
SET_OPERATORS: Final = ("and", "or", "unless")

_PRECEDENCE: Final = {
    "or": 1,
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(COMPARISONS, 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%", "atan2"), 5),
    "^": 6,
}
_SIGN_PRECEDENCE: Final = 5.5  # -a * b is (-a) * b, but -a ^ b is -(a ^ b)
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Number:
    value: float

    def __str__(self) -> str:
        """The shortest spelling, without an exponent below 1e15."""
        if math.isnan(self.value):
            return "NaN"
        if math.isinf(self.value):
            return "Inf" if self.value > 0 else "-Inf"
        whole = self.value.is_integer() and abs(self.value) < 1e15
        return str(int(self.value)) if whole else repr(self.value)


@dataclass(frozen=True)
class String:
    value: str

    def __str__(self) -> str:
        return _quoted(self.value)


@dataclass(frozen=True)
class Matcher:
    label: str
    op: str
    value: str

    def __str__(self) -> str:
        return f"{_label(self.label)}{self.op}{_quoted(self.value)}"


@dataclass(frozen=True)
class Selector:
    """An instant vector selector, or a range vector selector if it has a range."""

    name: str
    matchers: tuple[Matcher, ...] = ()
    range: int | None = None
    offset: int = 0
    at: str = ""

    @property
    def suffix(self) -> str:
        """What follows the matchers."""
        window = "" if self.range is None else f"[{format_duration(self.range)}]"
        return window + _modifiers(self)

    def __str__(self) -> str:
        braces = f"{{{','.join(map(str, self.matchers))}}}" if self.matchers else ""
        return f"{self.name}{braces}{self.suffix}"


@dataclass(frozen=True)
class Subquery:
    inner: Node
    range: int
    step: int | None = None
    offset: int = 0
    at: str = ""

    @property
    def suffix(self) -> str:
        """What follows the inner expression."""
        step = "" if self.step is None else format_duration(self.step)
        return f"[{format_duration(self.range)}:{step}]{_modifiers(self)}"

    def __str__(self) -> str:
        closed = isinstance(self.inner, Call | Parens | Aggregation)
        plain = isinstance(self.inner, Selector) and not self.inner.suffix
        return f"{self.inner}{self.suffix}" if closed or plain else f"({self.inner}){self.suffix}"


@dataclass(frozen=True)
class Call:
    function: str
    args: tuple[Node, ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.args))})"

    def with_arg(self, index: int, arg: Node) -> Call:
        return replace(self, args=(*self.args[:index], arg, *self.args[index + 1 :]))


@dataclass(frozen=True)
class Aggregation:
    """`grouping` is `by`, `without` or empty."""

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
    """`matching` is `on`, `ignoring` or empty, `group` `group_left`, `group_right` or empty."""

    op: str
    left: Node
    right: Node
    returns_bool: bool = False
    matching: str = ""
    labels: tuple[str, ...] = ()
    group: str = ""
    include: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [self.op]
        if self.returns_bool:
            parts.append("bool")
        if self.matching:
            parts.append(f"{self.matching} ({_labels(self.labels)})")
        if self.group:
            parts.append(f"{self.group} ({_labels(self.include)})")
        right_associative = self.op == "^"
        left = self._operand(self.left, bare_if_equal=not right_associative)
        right = self._operand(self.right, bare_if_equal=right_associative)
        return f"{left} {' '.join(parts)} {right}"

    def _operand(self, node: Node, *, bare_if_equal: bool) -> str:
        own, operand = _PRECEDENCE[self.op], _precedence(node)
        bare = operand > own or (operand == own and bare_if_equal)
        return str(node) if bare else f"({node})"


@dataclass(frozen=True)
class Negation:
    inner: Node

    def __str__(self) -> str:
        bare = _precedence(self.inner) > _SIGN_PRECEDENCE
        return f"-{self.inner}" if bare else f"-({self.inner})"


@dataclass(frozen=True)
class Parens:
    inner: Node

    def __str__(self) -> str:
        return f"({self.inner})"


Node = Number | String | Selector | Subquery | Call | Aggregation | Binary | Negation | Parens


def _precedence(node: Node) -> float:
    match node:
        case Binary():
            return _PRECEDENCE[node.op]
        case Negation():
            return _SIGN_PRECEDENCE
        case Number() if node.value < 0:
            return _SIGN_PRECEDENCE
    return math.inf


def _modifiers(node: Selector | Subquery) -> str:
    text = f" @ {node.at}" if node.at else ""
    if node.offset:
        sign = "-" if node.offset < 0 else ""
        text += f" offset {sign}{format_duration(abs(node.offset))}"
    return text


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _label(name: str) -> str:
    return name if _LABEL.fullmatch(name) else _quoted(name)


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(map(_label, names))


def children(node: Node) -> Iterator[tuple[Node, Callable[[Node], Node]]]:
    """Each child with a function that gives `node` with another child in its place."""
    match node:
        case Subquery() | Negation() | Parens():
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
                yield arg, partial(node.with_arg, index)


def selectors(node: Node) -> Iterator[Selector]:
    """Every selector of the tree."""
    if isinstance(node, Selector):
        yield node
    for child, _ in children(node):
        yield from selectors(child)
