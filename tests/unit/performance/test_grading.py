from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.measured import measured_text
from generator.thresholds.levels import Levels
from generator.thresholds.settings import TrafficAlert
from generator.thresholds.units import format_value
from tests.bundle import thresholds
from tests.performance import reports
from tests.performance.grading import Level, error_row, evaluate, level_of, percentile

ROWS = thresholds().rows()
LATENCY = thresholds().targets.latency
ERROR_RATE = thresholds().targets.error_rate
MIN_REQUESTS = thresholds().alert("high_error_rate", TrafficAlert).min_requests
# On target for all percentiles, because their targets rise.
FAST = LATENCY.p50.target
REQUESTS = 10_000
SAMPLES = st.lists(st.floats(0, 1e6), min_size=1, max_size=300)


@pytest.mark.parametrize("name", ROWS)
def test_a_level_includes_its_number(name: str) -> None:
    """The next level begins with the next float."""
    row = ROWS[name]
    worse = math.inf if row.worse == "above" else -math.inf
    for edge_name, edge in row.edges():
        level = Level[edge_name.upper()]
        assert level_of(row, edge) is level
        assert level_of(row, math.nextafter(edge, worse)) is Level(level + 1)


@given(st.sampled_from(list(ROWS.values())), st.floats(0, 1e12), st.floats(0, 1e12))
def test_a_worse_value_never_has_a_better_level(row: Levels, one: float, other: float) -> None:
    better, worse = sorted((one, other), reverse=row.worse == "below")
    assert level_of(row, better) <= level_of(row, worse)


@given(SAMPLES, st.sampled_from([0.5, 0.95, 0.99, 0.999]))
def test_a_percentile_is_the_first_sample_that_covers_the_share(
    samples: list[float], share: float
) -> None:
    """By counting: enough samples are at or below it, and too few are below it."""
    found = percentile(sorted(samples), share)
    if found is None:
        assert len(samples) * (1 - share) < 1
        return
    wanted = share * len(samples) - 1e-6
    assert sum(each <= found for each in samples) >= wanted
    assert sum(each < found for each in samples) < wanted + 1e-5


@pytest.mark.parametrize(
    ("count", "share", "rank"),
    [(100, 0.95, 95), (20, 0.95, 19), (19, 0.95, None), (1000, 0.999, 999), (999, 0.999, None)],
)
def test_a_percentile_needs_a_sample_above_it(count: int, share: float, rank: int | None) -> None:
    assert percentile([float(each) for each in range(1, count + 1)], share) == rank


@pytest.mark.parametrize(
    ("users", "row"),
    [
        (1, "normal"),
        (ERROR_RATE.normal.up_to_users, "normal"),
        (1 + (ERROR_RATE.normal.up_to_users or 0), "high"),
        (ERROR_RATE.high.up_to_users, "high"),
        (1 + (ERROR_RATE.high.up_to_users or 0), "stress"),
    ],
)
def test_the_row_depends_on_the_users(users: int, row: str) -> None:
    assert error_row(thresholds().targets.error_rate, users) == row


@pytest.mark.parametrize(
    ("above", "level"),
    [
        (LATENCY.p95.acceptable, "acceptable"),
        (math.nextafter(LATENCY.p95.acceptable, math.inf), "poor"),
        (LATENCY.p95.poor, "poor"),
        (math.nextafter(LATENCY.p95.poor, math.inf), "critical"),
    ],
)
def test_a_run_is_as_good_as_its_worst_percentile(above: float, level: str) -> None:
    """6% of the requests are slow, so p95 is."""
    verdict = evaluate(thresholds(), [FAST] * 940 + [above] * 60, {}, users=1)
    assert verdict.label == level
    assert verdict.exit_code == (level in ("poor", "critical"))


@pytest.mark.parametrize(
    ("failed", "level"),
    [
        (0, "target"),
        (math.floor(ERROR_RATE.normal.acceptable * REQUESTS), "acceptable"),
        (math.floor(ERROR_RATE.normal.acceptable * REQUESTS) + 1, "poor"),
    ],
)
def test_a_run_is_as_good_as_its_error_rate(failed: int, level: str) -> None:
    seconds = [FAST] * (REQUESTS - failed)
    verdict = evaluate(thresholds(), seconds, {"status 500": failed}, users=1)
    assert verdict.summary == f"verdict: {level}, based on {REQUESTS} verifications"
    assert verdict.exit_code == (level == "poor")


@pytest.mark.parametrize(
    ("answered", "failed", "reason"),
    [
        (
            MIN_REQUESTS - 1,
            0,
            f"only {MIN_REQUESTS - 1} verifications, at least {MIN_REQUESTS} are needed",
        ),
        (0, 500, "all 500 verifications failed, most often with: status 500"),
        (0, 0, "no verifications were sent"),
    ],
)
def test_a_run_without_enough_responses_is_inconclusive(
    answered: int, failed: int, reason: str
) -> None:
    problems = {"status 503": failed // 3, "status 500": failed - failed // 3}
    verdict = evaluate(thresholds(), [FAST] * answered, problems, users=1)
    assert verdict.exit_code == 2
    assert verdict.summary == f"inconclusive: {reason}"
    assert verdict.basis == f"{answered + failed} verifications"


def test_requests_rejected_by_the_rate_limit_are_not_failures() -> None:
    enough = evaluate(thresholds(), [FAST] * MIN_REQUESTS, {}, users=1, limited=7)
    assert enough.exit_code == 0
    assert enough.basis == (f"{MIN_REQUESTS} verifications (7 more were rejected with 429)")
    few = evaluate(thresholds(), [FAST] * (MIN_REQUESTS - 1), {}, users=1, limited=900)
    assert few.exit_code == 2
    assert (
        "the rate limit rejected 900 requests (429): set ENABLE_RATE_LIMITING=false" in few.summary
    )


def test_the_table_shows_values_and_targets() -> None:
    users = ERROR_RATE.high.up_to_users or 0
    verdict = evaluate(thresholds(), [LATENCY.p50.acceptable] * 200, {}, users)
    lines = reports.as_text(verdict).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:-1]]
    assert cells[0] == ["metric", "measured", "target", "acceptable", "poor", "verdict"]
    p50 = measured_text(LATENCY.p50.acceptable, LATENCY.p50.unit)
    assert cells[2] == ["latency.p50", p50, *edges("latency.p50"), "acceptable"]
    assert cells[5] == ["latency.p999", "too few samples", *edges("latency.p999"), ""]
    assert cells[6] == ["error_rate.high", "0%", *edges("error_rate.high"), "target"]


def edges(name: str) -> list[str]:
    """The cells with the numbers of a row; empty if there is no `poor`."""
    row = ROWS[name]
    values = [row.edge(edge) for edge in ("target", "acceptable", "poor")]
    return ["" if value is None else format_value(value, row.unit) for value in values]
