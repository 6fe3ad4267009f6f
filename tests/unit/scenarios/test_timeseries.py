"""Quantities over time, and their samples."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.alerts.clock import Clock
from generator.scenarios.timeseries import SCRAPED, Sampler, Span, combine, steady, total
from tests.unit.test_series import samples

CLOCK = Clock(15)


def test_a_step_holds_until_the_next_one() -> None:
    steps = steady(1.0).then(30, 2.0)
    assert [steps.at(moment) for moment in (0, 29.9, 30, 99)] == [1, 1, 2, 2]


def test_a_step_may_be_taken_back() -> None:
    steps = steady(1.0).then(100, 5.0).during(Span(30, 60), 2.0)
    assert [steps.at(moment) for moment in (29, 30, 59, 60, 99, 100)] == [1, 2, 2, 1, 1, 5]


def test_what_was_to_come_within_a_while_is_there_after_it() -> None:
    steps = steady(1.0).then(40, 5.0).during(Span(30, 60), 2.0)
    assert [steps.at(moment) for moment in (30, 45, 60)] == [2, 2, 5]


def test_a_line_grows_from_where_it_is() -> None:
    line = steady(100.0).grow(60, 2.0).grow(120, 0.0)
    assert [line.at(moment) for moment in (0, 60, 90, 120, 500)] == [100, 100, 160, 220, 220]


def test_a_line_may_be_elsewhere_for_a_while() -> None:
    line = steady(7.0).during(Span(30, 60), 1.0)
    assert [line.at(moment) for moment in (0, 30, 59, 60)] == [7, 1, 1, 7]


def test_combined_steps_have_a_step_wherever_a_part_has_one() -> None:
    both = combine(lambda a, b: a + b, steady(1).then(30, 2), steady(10).then(60, 20))
    assert both.points == ((0, 11, 0), (30, 12, 0), (60, 22, 0))


def test_the_total_of_lines_is_that_of_their_values() -> None:
    lines = [steady(1.0).grow(20, 3.0), steady(10.0).then(35, 4.0, -1.0), steady(0.5)]
    whole = total(lines)
    for moment in (0, 10, 20, 34, 35, 36, 100):
        assert whole.at(moment) == sum(line.at(moment) for line in lines)


def test_failed_lost_and_unknown_scrapes_differ() -> None:
    scrapes = SCRAPED.during(Span(15, 45), "failed").during(Span(60, 90), "lost")
    assert Sampler(CLOCK, 120, scrapes).gauge(steady(3.0)) == "3x0 stale _x1 3x0 _x2 3x1"


def test_a_gauge_is_there_only_while_its_worker_is() -> None:
    alive = steady(True).during(Span(30, 60), False)
    assert Sampler(CLOCK, 90, SCRAPED).gauge(steady(3.0), alive) == "3x1 stale _x1 3x1"


@given(
    st.lists(
        st.tuples(st.floats(0, 900), st.floats(-1e9, 1e9), st.floats(-1e5, 1e5)),
        min_size=1,
        max_size=6,
    )
)
def test_a_gauge_is_sampled_where_its_line_is(points: list[tuple[float, float, float]]) -> None:
    line = steady(0.0)
    for moment, value, growth in sorted(points):
        line = line.then(moment, value, growth)
    found = samples(Sampler(CLOCK, 900, SCRAPED).gauge(line))
    assert len(found) == 60
    for turn, sample in enumerate(found):
        moment = 15.0 * turn
        # Within a stretch promtool adds up; a change between two samples shows at the next one.
        assert sample == pytest.approx(line.at(moment), rel=1e-6, abs=1e-2)


def test_stretches_begin_at_samples_and_leave_no_gap() -> None:
    stretches = Sampler(CLOCK, 120, SCRAPED).stretches((7.0, 30.0, 31.0, 500.0))
    assert stretches == [(0, 15), (15, 30), (30, 45), (45, 120)]
    assert all(end == start for (_, end), (start, _) in pairwise(stretches))
