from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from generator.config import load
from generator.history.backtest import History
from generator.history.calibrate import (
    Observed,
    ResultError,
    from_history,
    from_results,
    overlay,
    propose,
)
from generator.history.client import Range, RangeSeries
from tests.bundle import FILE, ROOT, text, thresholds
from tests.unit.history.fake_prometheus import FakePrometheus

ROWS = thresholds().rows()
SPAN = Range(0, 100, 1)
# Rows with known numbers, whatever the committed ones are.
KNOWN = load(
    text(),
    FILE,
    [
        (
            "test",
            """
targets:
  latency:
    p50: {target: 200ms, acceptable: 500ms, poor: 1s}
    p95: {target: 500ms, acceptable: 1s, poor: 2s}
    p99: {target: 1s, acceptable: 2s, poor: 3s}
    p999: {target: 2s, acceptable: 3s, poor: 5s}
  throughput:
    low: {target: 30/s, acceptable: 20/s}
  error_rate:
    normal: {target: 0.1%, acceptable: 1%}
  worker:
    fds: {target: 50%, acceptable: 80%, poor: 90%}
    threads: {target: 32, acceptable: 64, poor: 128}
""",
        )
    ],
)


def proposed(row: str, value: float, margin: float = 0.2) -> dict[str, float]:
    found = propose(KNOWN, [Observed(row, value, "here")], margin)
    return dict(found[0].edges)


@pytest.mark.parametrize(
    ("row", "value", "expected"),
    [
        ("latency.p95", 0.8, {"target": 1, "acceptable": 2.5, "poor": 5}),
        ("latency.p50", 0.02, {"target": 0.025, "acceptable": 0.075, "poor": 0.25}),
        ("throughput.low", 11.3, {"target": 8, "acceptable": 6}),
        ("worker.threads", 40, {"target": 50, "acceptable": 100, "poor": 200}),
        ("latency.p95", 0.42, {}),  # the current numbers fit
        ("error_rate.normal", 0, {}),  # zero
        ("worker.fds", 0.5, {}),  # above 100%
        ("latency.p50", 2.0, {}),  # above the buckets
    ],
)
def test_the_target_has_a_margin_to_what_is_normal(
    row: str, value: float, expected: dict[str, float]
) -> None:
    assert proposed(row, value) == pytest.approx(expected)


@given(st.sampled_from(list(ROWS)), st.floats(1e-6, 1e9), st.floats(0, 0.9))
def test_a_proposal_is_a_valid_row(row: str, value: float, margin: float) -> None:
    found, *_ = propose(thresholds(), [Observed(row, value, "here")], margin)
    if not found.edges:
        assert found.why
        return
    worse = found.levels.worse == "above"
    numbers = list(found.edges.values())
    assert numbers == sorted(set(numbers), reverse=not worse)
    room = value * (1 + margin) if worse else value * (1 - margin)
    assert numbers[0] >= room * 0.999 if worse else numbers[0] <= room * 1.001
    text = yaml.safe_dump(overlay([found]), sort_keys=False)
    read = yaml.safe_load(text)["targets"]
    for part in row.split("."):
        read = read[part]
    assert list(read) == [*found.edges, "why"]


@given(
    st.dictionaries(
        st.sampled_from([row for row in ROWS if row.startswith("latency")]),
        st.floats(1e-3, 100),
        min_size=1,
    )
)
def test_an_overlay_with_any_latencies_can_be_loaded(values: dict[str, float]) -> None:
    """Rows follow those that they must not be below."""
    proposals = propose(thresholds(), [Observed(row, v, "here") for row, v in values.items()], 0.2)
    text = yaml.safe_dump(overlay(proposals) or {"targets": {}})
    base = ROOT / "thresholds.yaml"
    found = load(base.read_text(), "base", [("proposal", text)]).rows()
    for each in proposals:
        if each.edges:
            assert dict(found[each.observed.row].edges()) == pytest.approx(dict(each.edges))


def test_a_higher_percentile_follows() -> None:
    found = {
        each.observed.row: each
        for each in propose(KNOWN, [Observed("latency.p95", 0.8, "here")], 0.2)
    }
    assert found["latency.p95"].why == "calibrated: 20% above 800ms (here)"
    assert found["latency.p99"].why == "calibrated: not below latency.p95"
    assert dict(found["latency.p99"].edges) == {"target": 1, "acceptable": 2.5, "poor": 5}
    assert "latency.p999" not in found, "its numbers are high enough"


def test_normal_is_what_holds_most_of_the_time_on_the_worst_instance() -> None:
    def query(expr: str, _: Range) -> list[RangeSeries]:
        if "p95_rate5m" not in expr:
            return []
        good = RangeSeries({"instance": "a"}, {float(t): 0.1 for t in range(100)})
        incident = {float(t): (9.0 if t < 5 else 0.3) for t in range(100)}
        broken = RangeSeries({"instance": "c"}, {float(t): float("nan") for t in range(100)})
        return [good, RangeSeries({"instance": "b"}, incident), broken]

    (found,) = from_history(History(FakePrometheus(query), thresholds(), SPAN))
    assert found == Observed("latency.p95", 0.3, "AuditorHighLatency, 95% of the time")


def test_the_other_rows_of_an_alert_keep_their_ratio() -> None:
    def query(expr: str, _: Range) -> list[RangeSeries]:
        found = expr.startswith("last_over_time(auditor_worker_resident_memory_bytes[")
        return [RangeSeries({}, {1.0: 2.0**31})] if found else []

    found = {
        each.row: each for each in from_history(History(FakePrometheus(query), thresholds(), SPAN))
    }
    assert found["memory.peak_1h"].value == 2**31
    memory = thresholds().targets.memory
    other = found["memory.peak_24h"]
    assert other.value == pytest.approx(2**31 * memory.peak_24h.target / memory.peak_1h.target)
    assert other.source == "in proportion to memory.peak_1h"
    proposals = propose(thresholds(), found.values(), 0.2)
    target = {each.observed.row: each.edges["target"] for each in proposals}
    assert target["memory.peak_24h"] > target["memory.peak_1h"]


def result(p95: float | None, low: float) -> dict[str, Any]:
    latency = {"p50": {"value": 0.1}, "p95": p95 and {"value": p95}}
    at_once = thresholds().targets.throughput.low.concurrency
    return {
        "form": 1,
        "verdict": "poor",
        "exit_code": 1,
        "benchmarks": [
            {"benchmark": "single", "concurrency": 1, "throughput": 1, "latency": latency},
            {"benchmark": "callers-10", "concurrency": at_once, "throughput": low, "latency": {}},
            {"benchmark": "callers-25", "concurrency": 25, "throughput": 1, "latency": {}},
            {"benchmark": "heavy", "concurrency": 1, "throughput": 1, "latency": latency},
        ],
    }


def test_the_worst_of_several_results_counts() -> None:
    texts = {
        "one.json": json.dumps(result(0.4, 50)),
        "two.json": json.dumps(result(0.6, 40)),
        "three.json": json.dumps(result(None, 60)),
    }
    found = {each.row: each for each in from_results(thresholds(), texts)}
    assert found.keys() == {"latency.p50", "latency.p95", "throughput.low"}
    assert found["latency.p95"] == Observed("latency.p95", 0.6, "two.json")
    assert found["throughput.low"] == Observed("throughput.low", 40, "two.json")


def test_an_inconclusive_result_is_an_error() -> None:
    void = result(0.4, 50) | {"exit_code": 2, "said": "inconclusive: no traffic"}
    with pytest.raises(ResultError, match=r"^here\.json: inconclusive: no traffic$"):
        list(from_results(thresholds(), {"here.json": json.dumps(void)}))


@pytest.mark.parametrize("low", [0, -1, float("nan"), float("inf")])
def test_an_impossible_value_is_an_error(low: float) -> None:
    with pytest.raises(ResultError, match="is not a result of the benchmark"):
        list(from_results(thresholds(), {"here.json": json.dumps(result(0.4, low))}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"form": 2}',
        '{"form": 1}',
        '{"form": 1, "exit_code": 0, "benchmarks": [1]}',
    ],
)
def test_another_file_is_an_error(text: str) -> None:
    with pytest.raises(ResultError, match=r"^here\.json"):
        list(from_results(thresholds(), {"here.json": text}))
