"""Which mutants a rule has: all of them, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mutation.durations import format_duration, parse_duration
from mutation.mutants import OPERATORS, mutants
from mutation.suite import Rule
from tests.bundle import files
from tests.unit.mutation.suites import rule

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
    recording = Rule(Path("rules.yml"), 1, {"record": "r", "expr": expr})
    found = [each.body["expr"] for each in mutants(recording, labels)]
    assert sorted(found) == sorted(expected)


def test_of_waits() -> None:
    found = [
        (each.body.get("for"), each.body.get("keep_firing_for"), each.description)
        for each in mutants(rule(expr="vector(1)", **{"for": "1m30s"}), labels)
    ]
    assert found == [
        (None, None, "for dropped"),
        ("45s", None, "for halved"),
        ("3m", None, "for doubled"),
        ("1m30s", "5m", "keep_firing_for 5m added"),
    ]


def test_of_texts() -> None:
    texts = rule(expr="vector(1)", labels={"a": "1", "b": "2"}, annotations={"c": "3"})
    found = [
        (each.description, each.body["labels"], each.body["annotations"])
        for each in mutants(texts, labels)
        if each.operator in ("label", "annotation")
    ]
    assert found == [
        ("label a changed", {"a": "1 changed", "b": "2"}, {"c": "3"}),
        ("label a dropped", {"b": "2"}, {"c": "3"}),
        ("label b changed", {"a": "1", "b": "2 changed"}, {"c": "3"}),
        ("label b dropped", {"a": "1"}, {"c": "3"}),
        ("annotation c changed", {"a": "1", "b": "2"}, {"c": "3 changed"}),
        ("annotation c dropped", {"a": "1", "b": "2"}, {}),
    ]


OURS = [
    Rule(Path(path), 1, body)
    for path, text in files().items()
    if path.startswith("alerts/")
    for group in yaml.safe_load(text)["groups"]
    for body in group["rules"]
]


@pytest.mark.parametrize("ours", OURS, ids=lambda each: each.name)
def test_each_changes_one_thing_of_a_rule_and_says_which_case_is_missing(ours: Rule) -> None:
    found = list(mutants(ours, labels))
    assert found
    for each in found:
        keys = {*ours.body, *each.body}
        (changed,) = [key for key in keys if ours.body.get(key) != each.body.get(key)]
        assert changed != "expr" or each.body["expr"] != ours.normalized["expr"]
        assert "{}" not in each.hint
    assert {each.operator for each in found} <= OPERATORS.keys()
    assert len({str(each.body) for each in found}) == len(found)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0s", 0),
        ("5m", 300_000),
        ("1d12h", 129_600_000),
        ("1m30s500ms", 90_500),
        ("1y", 31_536_000_000),
        ("2w", 1_209_600_000),
        ("15d", 1_296_000_000),
    ],
)
def test_durations_are_spelled_as_in_prometheus(text: str, value: int) -> None:
    assert parse_duration(text) == value
    assert format_duration(value) == text


def test_a_zero_needs_no_unit() -> None:
    assert parse_duration("0") == 0


@pytest.mark.parametrize("text", ["", "5", "5 m", "1h 5m", "5m1h", "m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)
