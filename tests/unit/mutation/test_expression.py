"""PromQL to a tree and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mutation.expression import (
    COMPARISONS,
    SET_OPERATORS,
    Aggregation,
    Binary,
    Call,
    Matcher,
    Negation,
    Node,
    Number,
    Parens,
    Selector,
    Subquery,
    children,
)
from mutation.parser import PromqlError, parse
from tests.bundle import files

OURS = sorted(
    {
        rule["expr"]
        for path, text in files().items()
        if path.startswith("alerts/")
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
    }
)
OTHERS = [
    "-x ^ 2",
    "(-x) ^ 2",
    "a ^ b ^ c",
    "(a ^ b) ^ c",
    "a - (b - c)",
    "a - b - c",
    "a or b and c",
    "(a or b) and c",
    "-(a + b) * 2",
    "x[5m:1m] offset 5m",
    "x[5m:]",
    "sum(x)[1h:]",
    "max_over_time((a - b)[1h:] @ end())",
    "x offset -5m",
    "x @ 1609746000",
    "a / on (x) group_left (y) b",
    "a * ignoring (x) group_right () b",
    "a == bool on (x) b",
    "a and on () b",
    "topk by (a) (3, x)",
    "sum without () (x)",
    'count_values("value", x)',
    'label_replace(x, "a", "$1", "b", "(.*)")',
    '{__name__="x"}',
    '{"a.b", c="d"}',
    'sum by ("a.b") (x)',
    r'x{a=~"b\\d"}',
    r"x{a=~`b\d`}",
    "x{a='b\\'c'}",
    'x{a="`"} > 1  # a `comment` with "quotes',
    "a[1y2w3d]",
    "1e300",
    "Inf",
    "-Inf",
    "time() - 0.5",
]


def bare(node: Node) -> Node:
    """Without any parentheses, which the tree itself makes needless."""
    if isinstance(node, Parens):
        return bare(node.inner)
    for index, _ in enumerate(list(children(node))):
        child, put = list(children(node))[index]
        node = put(bare(child))
    return node


@pytest.mark.parametrize("expr", [*OURS, *OTHERS])
def test_an_expression_is_written_as_what_it_was_read_from(expr: str) -> None:
    tree = parse(expr)
    again = parse(str(tree))
    assert bare(again) == bare(tree)
    assert str(again) == str(tree)


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        ("sum(x) by(a)", "sum by (a) (x)"),
        ("a/b*100>5", "a / b * 100 > 5"),
        ("x{a='b'}[300s]", 'x{a="b"}[5m]'),
        (r"x{a=~`b\d`}", r'x{a=~"b\\d"}'),
        ("NaN", "NaN"),
    ],
)
def test_the_form_is_always_the_same(expr: str, text: str) -> None:
    assert str(parse(expr)) == text


@pytest.mark.parametrize(
    "expr", ["", "sum(", "x[5m", "x > ", 'x{a="1" or b="2"}', "sum(1)", "nosuch(x)"]
)
def test_what_is_no_promql_is_refused(expr: str) -> None:
    with pytest.raises(PromqlError):
        parse(expr)


NAMES = st.sampled_from(["a", "b:c", "up"])
DURATIONS = st.sampled_from([1, 30_000, 300_000, 5_400_000, 86_400_000])
OFFSETS = st.one_of(st.just(0), DURATIONS, DURATIONS.map(lambda each: -each))
MATCHERS = st.builds(
    Matcher,
    st.sampled_from(["job", "le"]),
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.text("ab.\"'\\`\n0", max_size=5),
).filter(lambda each: "~" not in each.op or "\\" not in each.value)
INSTANT = st.builds(Selector, NAMES, st.lists(MATCHERS, max_size=2).map(tuple), offset=OFFSETS)
NUMBERS = st.floats(allow_nan=False).map(Number)


def ranged(selector: Selector) -> Call:
    return Call("rate", (replace(selector, range=60_000),))


def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Trees of vectors around smaller ones."""
    labels = st.lists(st.sampled_from(["job", "a.b"]), max_size=2, unique=True).map(tuple)
    arithmetic = st.sampled_from(["+", "-", "*", "/", "%", "^", "atan2", *COMPARISONS])
    return st.one_of(
        st.builds(Binary, arithmetic, inner, st.one_of(inner, NUMBERS)),
        st.builds(Binary, arithmetic, NUMBERS, inner),
        st.builds(
            Binary,
            st.sampled_from(SET_OPERATORS),
            inner,
            inner,
            matching=st.sampled_from(["on", "ignoring"]),
            labels=labels,
        ),
        st.builds(
            Aggregation,
            st.sampled_from(["sum", "max"]),
            inner,
            grouping=st.sampled_from(["by", "without"]),
            labels=labels,
        ),
        st.builds(Negation, inner),
        st.builds(
            lambda *parts: Call("max_over_time", (Subquery(*parts),)),
            inner,
            DURATIONS,
            st.one_of(st.none(), DURATIONS),
            OFFSETS,
        ),
    )


VECTORS = st.recursive(st.one_of(INSTANT, INSTANT.map(ranged)), larger, max_leaves=6)


@given(VECTORS)
def test_any_tree_is_read_back_as_it_was_written(tree: Node) -> None:
    assert bare(parse(str(tree))) == bare(tree)
