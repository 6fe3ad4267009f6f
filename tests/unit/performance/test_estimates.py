from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.performance.estimates import compare, percentile_interval, rate_interval
from tests.performance.grading import PERCENTILES, percentile

SAMPLES = st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=400)


@given(SAMPLES, st.sampled_from(list(PERCENTILES.values())))
def test_a_percentile_agrees_with_exact_arithmetic(samples: list[float], share: float) -> None:
    found = percentile(sorted(samples), share)
    if found is not None:
        assert found == sorted(samples)[ceil(Fraction(str(share)) * len(samples)) - 1]


@given(SAMPLES)
def test_a_percentile_is_within_one_rank_of_an_interpolated_one(
    samples: list[float],
) -> None:
    ordered = sorted(samples)
    found = percentile(ordered, 0.95)
    if found is not None:
        rank = ordered.index(found)
        other = np.percentile(samples, 95)
        assert ordered[max(0, rank - 1)] <= other <= ordered[min(len(ordered) - 1, rank + 1)]


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_the_interval_contains_the_true_percentile_as_often_as_stated(share: float) -> None:
    """With an exponential distribution, whose percentiles are known."""
    draw = np.random.default_rng(1)
    truth = -float(np.log(1 - share))
    hits = 0
    for _ in range(300):
        found = percentile_interval(sorted(draw.exponential(size=200)), share)
        assert found
        hits += found[0] <= truth <= found[1]
    assert hits / 300 >= 0.93


def test_too_few_samples_give_no_interval() -> None:
    assert percentile_interval([float(each) for each in range(20)], 0.99) is None


def test_the_interval_contains_the_true_rate() -> None:
    draw = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        low, high = rate_interval(sorted(draw.uniform(0, 10, draw.poisson(500))), 10)
        hits += low <= 50 <= high
    assert hits / 200 >= 0.9


def latencies(seed: int, factor: float = 1.0, count: int = 200) -> list[float]:
    return list(factor * np.random.default_rng(seed).lognormal(-2, 0.3, count))


@pytest.mark.parametrize(
    ("factor", "slower"), [(0.7, False), (1.0, False), (1.08, False), (1.3, True)]
)
def test_a_regression_exceeds_the_tolerance(factor: float, slower: bool) -> None:
    found = compare({"single": latencies(1)}, {"single": latencies(2, factor)}, tolerance=0.1)
    assert found["single"].slower is slower
    assert found["single"].change == pytest.approx(factor - 1, abs=0.07)


def test_an_unchanged_service_is_rarely_called_slower() -> None:
    """Seven benchmarks a hundred times, with no tolerance."""
    wrong = 0
    for seed in range(100):
        before = {str(each): latencies(1000 * seed + each, count=60) for each in range(7)}
        after = {str(each): latencies(1000 * seed + 500 + each, count=60) for each in range(7)}
        wrong += any(each.slower for each in compare(before, after, 0).values())
    assert wrong <= 3


def test_only_benchmarks_of_both_results_are_compared() -> None:
    assert compare({"a": [1.0], "b": []}, {"b": [1.0], "c": [1.0]}, 0.1) == {}
