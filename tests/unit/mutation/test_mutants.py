"""Which mutants a rule has: all of them, and no other."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from generator.mutation.mutants import HINTS, milliseconds, mutants, normal
from tests.bundle import files

EXPRESSIONS = {
    "up == 0": {"up != 0", "up", "up == 1", "up == -1"},
    "x > 2": {"x < 2", "x", "x > 1.8", "x > 2.2", "x > 4"},
    "x > 0": {"x < 0", "x >= 0", "x", "x > 1", "x > -1"},
    "0.5 <= x": {"0.5 >= x", "0.5", "0.45 <= x", "0.55 <= x", "1 <= x"},
    "x > bool 2": {"x < bool 2", "x > bool 1.8", "x > bool 2.2", "x > bool 4"},
    "a and b": {"a", "a unless b"},
    "a unless on (c) b": {"a", "a and on (c) b"},
    "a or b": {"a", "b"},
    "a - b": {"b - a"},
    "a / on (c) group_left () b": {"b / on (c) group_right () a"},
    "a * 60": {"a * 54", "a * 66", "a * 120"},
    "0 * a": {"1 * a", "-1 * a"},
    "sum by (job, le) (x)": {
        "max by (job, le) (x)",
        "sum by (le) (x)",
        "sum by (job) (x)",
        "sum by (job, le, instance) (x)",
    },
    "min(x)": {"max(x)", "min by (instance) (x)", "min by (job) (x)", "min by (le) (x)"},
    "topk(2, y)": {"bottomk(2, y)", "topk(1.8, y)", "topk(2.2, y)", "topk(4, y)"},
    'x{job="a",le!="1"}': {
        'x{le!="1"}',
        'x{job="ax",le!="1"}',
        'x{job="a"}',
        'x{job="a",le!="1x"}',
    },
    '{__name__="x"}': {'{__name__="xx"}'},
    "rate(x[5m])": {"increase(x[5m])", "rate(x[2m30s])", "rate(x[10m])"},
    "deriv(y[1h:5m])": {"rate(y[1h:5m])", "deriv(y[30m:5m])", "deriv(y[2h:5m])"},
    "x offset 5m": {"x", "x offset 2m30s", "x offset 10m"},
    "histogram_quantile(0.9, rate(y[1m]))": {
        "histogram_quantile(0.5, rate(y[1m]))",
        "histogram_quantile(0.99, rate(y[1m]))",
        "histogram_quantile(0.9, rate(y[30s]))",
        "histogram_quantile(0.9, rate(y[2m]))",
    },
    "quantile(0.5, y)": {"quantile(0.9, y)", "quantile(0.99, y)"},
    "vector(1)": set(),
    "clamp_min(y, 1)": {
        "clamp_max(y, 1)",
        "clamp_min(y, 0.9)",
        "clamp_min(y, 1.1)",
        "clamp_min(y, 2)",
    },
    "predict_linear(y[1h], 60)": {
        "predict_linear(y[30m], 60)",
        "predict_linear(y[2h], 60)",
        "predict_linear(y[1h], 54)",
        "predict_linear(y[1h], 66)",
        "predict_linear(y[1h], 120)",
    },
    "absent(x)": set(),
    "no promql (": set(),
}


def labels(read: object) -> list[str]:
    """Of the series x alone: instance, job and le."""
    names = {each.name for each in read}  # type: ignore[attr-defined]  # selectors
    return ["instance", "job", "le"] if "x" in names else []


@pytest.mark.parametrize(("expr", "expected"), EXPRESSIONS.items(), ids=EXPRESSIONS)
def test_of_an_expression(expr: str, expected: set[str]) -> None:
    found = [each.body["expr"] for each in mutants({"record": "r", "expr": expr}, labels)]
    assert sorted(found) == sorted(expected)


def test_of_waits() -> None:
    rule = {"alert": "A", "expr": "vector(1)", "for": "1m30s"}
    found = [
        (each.body.get("for"), each.body.get("keep_firing_for"), each.what)
        for each in mutants(rule, labels)
    ]
    assert found == [
        (None, None, "for dropped"),
        ("45s", None, "for halved"),
        ("3m", None, "for doubled"),
        ("1m30s", "5m", "keep_firing_for of 5m added"),
    ]


def test_of_texts() -> None:
    rule = {
        "record": "r",
        "expr": "vector(1)",
        "labels": {"a": "1", "b": "2"},
        "annotations": {"c": "3"},
    }
    found = [
        (each.what, each.body["labels"], each.body["annotations"]) for each in mutants(rule, labels)
    ]
    assert found == [
        ("label a damaged", {"a": "1 damaged", "b": "2"}, {"c": "3"}),
        ("label a dropped", {"b": "2"}, {"c": "3"}),
        ("label b damaged", {"a": "1", "b": "2 damaged"}, {"c": "3"}),
        ("label b dropped", {"a": "1"}, {"c": "3"}),
        ("annotation c damaged", {"a": "1", "b": "2"}, {"c": "3 damaged"}),
        ("annotation c dropped", {"a": "1", "b": "2"}, {}),
    ]


OURS = [
    rule
    for path, text in files().items()
    if path.startswith("alerts/")
    for group in yaml.safe_load(text)["groups"]
    for rule in group["rules"]
]


@pytest.mark.parametrize("rule", OURS, ids=lambda rule: rule.get("record") or rule["alert"])
def test_each_changes_one_thing_of_a_rule_and_says_which_case_is_missing(
    rule: dict[str, Any],
) -> None:
    found = list(mutants(rule, labels))
    assert found
    for each in found:
        keys = {*rule, *each.body}
        assert len([key for key in keys if rule.get(key) != each.body.get(key)]) == 1, each.what
        assert each.body["expr"] != normal(rule)["expr"] or each.kind not in ("number", "window")
        assert "{}" not in each.hint
    assert {each.kind for each in found} <= HINTS.keys()
    assert len({str(each.body) for each in found}) == len(found)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("5m", 300_000),
        ("1d12h", 129_600_000),
        ("1m30s500ms", 90_500),
        ("1y", 31_536_000_000),
    ],
)
def test_durations_are_read_as_prometheus_spells_them(text: str, value: int) -> None:
    assert milliseconds(text) == value


@pytest.mark.parametrize("text", ["", "5", "5 m", "1h 5m", "m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        milliseconds(text)
