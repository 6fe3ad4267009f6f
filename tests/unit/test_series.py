import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.alerts.clock import Clock
from generator.alerts.testcases.series import (
    Phase,
    counter,
    gauge,
    just_over,
    just_under,
    quantile_share,
    ramp,
)

CLOCK = Clock(15)
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


def samples(values: str) -> list[float | None]:
    """promtool's notation written out as its documentation says; None is a missing sample."""
    found: list[float | None] = []
    for part in values.split():
        body, _, times = part.partition("x")
        count = int(times) if times else 0
        if body in ("stale", "_"):
            found += [None] * max(1, count)
            continue
        cut = max(body.rfind("+", 1), body.rfind("-", 1))
        while cut > 0 and body[cut - 1] in "eE":
            cut = max(body.rfind("+", 1, cut), body.rfind("-", 1, cut))
        start, growth = (float(body), 0.0) if cut < 1 else (float(body[:cut]), float(body[cut:]))
        for _ in range(count + 1):
            found.append(start)
            start += growth
    return found


def test_a_clock_finds_the_next_evaluation() -> None:
    assert (CLOCK.tick(0), CLOCK.tick(30), CLOCK.tick(31)) == (0, 30, 45)


def test_a_gauge_holds_each_phase_and_a_failed_scrape_is_stale() -> None:
    phases = [Phase(30, 1.0), Phase(15, None), Phase(45, 2.0)]
    values = gauge(CLOCK, phases, lambda value: 10 * value)
    assert values == "10x1 stale 20x2"
    assert samples(values) == [10, 10, None, 20, 20, 20]


def test_a_counter_takes_the_new_growth_from_the_first_sample_of_a_phase() -> None:
    phases = [Phase(45, 2.0), Phase(30, 5.0), Phase(30, 1.0, reset=True)]
    values = counter(CLOCK, phases, lambda phase: phase.value or 0.0)
    assert samples(values) == [0, 2, 4, 9, 14, 1, 2]


def test_a_counter_goes_on_while_scrapes_fail() -> None:
    phases = [Phase(30, 2.0), Phase(30, None), Phase(30, 2.0)]
    assert samples(counter(CLOCK, phases, lambda phase: phase.value or 0.0)) == [
        0,
        2,
        None,
        None,
        8,
        10,
    ]


def test_a_ramp_rises_per_second_and_starts_again_at_its_base() -> None:
    phases = [Phase(45, 2.0), Phase(30, 0.0, reset=True)]
    assert samples(ramp(CLOCK, phases, 100.0)) == [100, 130, 160, 100, 100]


@given(st.lists(st.tuples(st.integers(1, 400), st.floats(0, 1e6)), min_size=1, max_size=6))
def test_a_counter_never_falls_by_a_rounding_error(parts: list[tuple[int, float]]) -> None:
    phases = [Phase(15 * length, value) for length, value in parts]
    values = samples(counter(CLOCK, phases, lambda phase: phase.value or 0.0))
    assert len(values) == sum(length for length, _ in parts)
    assert all(
        after >= before
        for before, after in pairwise(values)
        if before is not None and after is not None
    )


@given(st.floats(1e-6, 1e12))
def test_numbers_on_either_side_of_a_bound_are_near_and_short(bound: float) -> None:
    over, under = just_over(bound), just_under(bound)
    assert under < bound < over
    assert over <= bound * 1.003
    assert under >= bound * 0.997
    assert {float(f"{value:.4g}") for value in (over, under)} == {over, under}


def histogram_quantile(q: float, counts: list[float]) -> float:
    """Prometheus's rule for classic histograms: linear inside the bucket that holds the rank."""
    rank = q * counts[-1]
    index = next(i for i, count in enumerate(counts) if count >= rank)
    if index >= len(BUCKETS):
        return BUCKETS[-1]
    low, before = (BUCKETS[index - 1], counts[index - 1]) if index else (0.0, 0.0)
    return low + (BUCKETS[index] - low) * (rank - before) / (counts[index] - before)


@given(st.sampled_from([0.5, 0.95, 0.99, 0.999]), st.floats(0.0051, 9.99))
def test_a_quantile_reads_the_value_that_its_shares_are_made_for(q: float, value: float) -> None:
    share = quantile_share(q, BUCKETS)
    counts = [share(value, bound) for bound in BUCKETS] + [1.0]
    assert all(after >= before for before, after in pairwise(counts))
    assert histogram_quantile(q, counts) == pytest.approx(value, rel=1e-9)


def test_a_value_in_the_first_bucket_is_read_as_well() -> None:
    share = quantile_share(0.95, BUCKETS)
    counts = [share(0.00475, bound) for bound in BUCKETS] + [1.0]
    assert math.isclose(histogram_quantile(0.95, counts), 0.00475)
