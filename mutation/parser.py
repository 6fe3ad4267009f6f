"""Parsing PromQL, by way of promql-parser, whose own trees cannot be changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import promql_parser

from mutation.expression import (
    Aggregation,
    Binary,
    Call,
    Matcher,
    Negation,
    Node,
    Number,
    Parens,
    Selector,
    String,
    Subquery,
)


class PromqlError(ValueError):
    """An expression that cannot be parsed; the text says why."""


# promql-parser unescapes raw strings (`\d`), which Prometheus does not. The other strings and the
# comments are matched only so that no backquote inside them counts.
_STRING: Final = re.compile(
    r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`(?P<raw>[^`]*)`|\#[^\n]*", re.DOTALL
)


def parse(expr: str) -> Node:
    """Raises PromqlError."""
    try:
        return _node(promql_parser.parse(_STRING.sub(_requote, expr)))
    except ValueError as error:
        raise PromqlError(str(error)) from error


def normalize(expr: str) -> str:
    """`expr` in the spelling of the mutants; unchanged if it cannot be parsed."""
    try:
        return str(parse(expr))
    except PromqlError:
        return expr


def prettify(expr: str) -> str:
    """`expr` over several lines if it is long; unchanged if it cannot be parsed."""
    try:
        return str(promql_parser.parse(expr).prettify())
    except ValueError:
        return expr


def _requote(found: re.Match[str]) -> str:
    raw = found["raw"]
    return found[0] if raw is None else json.dumps(raw, ensure_ascii=False)


def _node(found: Any) -> Node:
    for kind, convert in _CONVERTERS.items():
        if isinstance(found, kind):
            return convert(found)
    raise PromqlError(f"unknown kind of expression: {type(found).__name__}")


def _selector(found: Any) -> Selector:
    if found.matchers.or_matchers:
        raise PromqlError("PromQL has no `or` between matchers")
    matchers = tuple(
        Matcher(each.name, _MATCH_OPS[str(each.op)], each.value) for each in found.matchers.matchers
    )
    return Selector(found.name or "", matchers, offset=_offset(found), at=_at(found))


def _range_selector(found: Any) -> Selector:
    return replace(_selector(found.vector_selector), range=_milliseconds(found.range))


def _subquery(found: Any) -> Subquery:
    step = None if found.step is None else _milliseconds(found.step)
    range_ = _milliseconds(found.range)
    return Subquery(_node(found.expr), range_, step, _offset(found), _at(found))


def _offset(found: Any) -> int:
    return 0 if found.offset is None else _milliseconds(found.offset)


def _at(found: Any) -> str:
    return "" if found.at is None else str(found.at).removeprefix("@ ")


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def _aggregation(found: Any) -> Aggregation:
    modifier = found.modifier
    return Aggregation(
        op=str(found.op),
        inner=_node(found.expr),
        param=None if found.param is None else _node(found.param),
        grouping="" if modifier is None else _member(modifier.type).lower(),
        labels=() if modifier is None else tuple(modifier.labels),
    )


def _binary(found: Any) -> Binary:
    node = Binary(str(found.op), _node(found.lhs), _node(found.rhs))
    modifier = found.modifier
    if modifier is None:
        return node
    if modifier.matching is not None:
        matching = _MATCHINGS[_member(modifier.matching.type)]
        node = replace(node, matching=matching, labels=tuple(modifier.matching.labels))
    group = _GROUPS.get(_member(modifier.card), "")
    include = tuple(modifier.group_labels or ()) if group else ()
    return replace(node, returns_bool=modifier.return_bool, group=group, include=include)


def _member(enum: object) -> str:
    return str(enum).rpartition(".")[2]


_MATCH_OPS: Final = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}
_MATCHINGS: Final = {"Include": "on", "Exclude": "ignoring"}
_GROUPS: Final = {"ManyToOne": "group_left", "OneToMany": "group_right"}
_CONVERTERS: Final[Mapping[type, Callable[[Any], Node]]] = {
    promql_parser.NumberLiteral: lambda found: Number(found.val),
    promql_parser.StringLiteral: lambda found: String(found.val),
    promql_parser.VectorSelector: _selector,
    promql_parser.MatrixSelector: _range_selector,
    promql_parser.SubqueryExpr: _subquery,
    promql_parser.Call: lambda found: Call(found.func.name, tuple(map(_node, found.args))),
    promql_parser.AggregateExpr: _aggregation,
    promql_parser.BinaryExpr: _binary,
    promql_parser.UnaryExpr: lambda found: Negation(_node(found.expr)),
    promql_parser.ParenExpr: lambda found: Parens(_node(found.expr)),
}
