"""PromQL text to a tree, by way of promql-parser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import promql_parser

from generator.mutation.tree import (
    Aggregation,
    Binary,
    Call,
    Matcher,
    Negative,
    Node,
    Number,
    Parens,
    Selector,
    Subquery,
    Text,
    When,
)


class PromqlError(ValueError):
    """An expression that cannot be parsed; the text says why."""


# Strings in their three kinds of quotes, and comments, in which quotes are none.
_STRING: Final = re.compile(
    r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`(?P<raw>[^`]*)`|\#[^\n]*", re.DOTALL
)


def parse(expr: str) -> Node:
    """Raises PromqlError."""
    try:
        return _node(promql_parser.parse(_STRING.sub(_escaped, expr)))
    except ValueError as error:
        raise PromqlError(str(error)) from error


def laid_out(expr: str) -> str:
    """`expr` over several lines where it is long, as a reader would like it."""
    text: str = promql_parser.parse(expr).prettify()
    return text


def _escaped(found: re.Match[str]) -> str:
    """A string in backquotes as one in double quotes: the parser takes its backslashes amiss."""
    raw = found["raw"]
    return found[0] if raw is None else json.dumps(raw, ensure_ascii=False)


def _node(found: Any) -> Node:
    for kind, read in _READERS.items():
        if isinstance(found, kind):
            return read(found)
    raise PromqlError(f"{type(found).__name__} is not known")


def _range(found: Any) -> Selector:
    inner = _selector(found.vector_selector)
    return replace(inner, when=replace(inner.when, range=_seconds(found.range)))


def _subquery(found: Any) -> Subquery:
    when = replace(
        _when(found), range=_seconds(found.range), step=_seconds(found.step), subquery=True
    )
    return Subquery(_node(found.expr), when)


def _selector(found: Any) -> Selector:
    if found.matchers.or_matchers:
        raise PromqlError("matchers with `or` are no PromQL")
    matchers = tuple(
        Matcher(each.name, _MATCHES[str(each.op)], each.value) for each in found.matchers.matchers
    )
    return Selector(found.name or "", matchers, _when(found))


_MATCHES: Final = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}


def _when(found: Any) -> When:
    at = "" if found.at is None else str(found.at).removeprefix("@ ")
    return When(offset=_seconds(found.offset), at=at)


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _aggregation(found: Any) -> Aggregation:
    modifier = found.modifier
    return Aggregation(
        op=str(found.op),
        inner=_node(found.expr),
        param=None if found.param is None else _node(found.param),
        grouping="" if modifier is None else _last_word(modifier.type).lower(),
        labels=() if modifier is None else tuple(modifier.labels),
    )


def _binary(found: Any) -> Binary:
    plain = Binary(str(found.op), _node(found.lhs), _node(found.rhs))
    modifier = found.modifier
    if modifier is None:
        return plain
    if modifier.matching is not None:
        plain = replace(
            plain,
            matching=_MATCHINGS[_last_word(modifier.matching.type)],
            labels=tuple(modifier.matching.labels),
        )
    group = _GROUPS.get(_last_word(modifier.card), "")
    include = tuple(modifier.group_labels or ()) if group else ()
    return replace(plain, bool_=modifier.return_bool, group=group, include=include)


_MATCHINGS: Final = {"Include": "on", "Exclude": "ignoring"}
_GROUPS: Final = {"ManyToOne": "group_left", "OneToMany": "group_right"}


def _last_word(enum: object) -> str:
    return str(enum).rpartition(".")[2]


_READERS: Final[Mapping[type, Callable[[Any], Node]]] = {
    promql_parser.NumberLiteral: lambda found: Number(found.val),
    promql_parser.StringLiteral: lambda found: Text(found.val),
    promql_parser.VectorSelector: _selector,
    promql_parser.MatrixSelector: _range,
    promql_parser.SubqueryExpr: _subquery,
    promql_parser.Call: lambda found: Call(found.func.name, tuple(map(_node, found.args))),
    promql_parser.AggregateExpr: _aggregation,
    promql_parser.BinaryExpr: _binary,
    promql_parser.UnaryExpr: lambda found: Negative(_node(found.expr)),
    promql_parser.ParenExpr: lambda found: Parens(_node(found.expr)),
}
