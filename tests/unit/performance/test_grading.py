from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.thresholds.levels import Levels
from tests.bundle import thresholds
from tests.performance import reports
from tests.performance.grading import Level, judge, level_of, of_users, percentile

ROWS = thresholds().rows()
SAMPLES = st.lists(st.floats(0, 1e6), min_size=1, max_size=300)


@pytest.mark.parametrize("name", ROWS)
def test_a_level_ends_with_its_number(name: str) -> None:
    """One step of a float beyond it the next one begins."""
    row = ROWS[name]
    worse = math.inf if row.worse == "above" else -math.inf
    for edge_name, edge in row.edges():
        level = Level[edge_name.upper()]
        assert level_of(row, edge) is level
        assert level_of(row, math.nextafter(edge, worse)) is Level(level + 1)


@given(st.sampled_from(list(ROWS.values())), st.floats(0, 1e12), st.floats(0, 1e12))
def test_a_worse_value_has_no_better_level(row: Levels, one: float, other: float) -> None:
    better, worse = sorted((one, other), reverse=row.worse == "below")
    assert level_of(row, better) <= level_of(row, worse)


@given(SAMPLES, st.sampled_from([0.5, 0.95, 0.99, 0.999]))
def test_a_percentile_is_the_first_sample_that_covers_the_share(
    samples: list[float], share: float
) -> None:
    """As counted: enough are at or under it, and too few are under it."""
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
def test_a_percentile_needs_a_sample_beyond(count: int, share: float, rank: int | None) -> None:
    assert percentile([float(each) for each in range(1, count + 1)], share) == rank


@pytest.mark.parametrize(
    ("users", "row"),
    [(1, "normal"), (100, "normal"), (101, "high"), (300, "high"), (301, "stress")],
)
def test_a_load_has_its_row(users: int, row: str) -> None:
    assert of_users(thresholds().targets.error_rate, users) == row


@pytest.mark.parametrize(
    ("seconds", "failed", "code", "said"),
    [
        ([0.2] * 1000, 0, 0, "verdict: target"),
        ([0.2] * 1000, 10, 0, "verdict: acceptable"),
        ([0.2] * 1000, 11, 1, "verdict: poor"),
        ([0.2] * 940 + [1.0] * 60, 0, 0, "verdict: acceptable"),
        ([0.2] * 940 + [1.01] * 60, 0, 1, "verdict: poor"),
        ([0.2] * 940 + [2.01] * 60, 0, 1, "verdict: critical"),
        ([0.2] * 19, 0, 2, "nothing proven: 19 verifications, fewer than 20"),
        ([], 500, 2, "nothing proven: none of 500 verifications succeeded; most often: status 500"),
        ([], 0, 2, "nothing proven: no verification was asked for"),
    ],
)
def test_a_run_has_a_verdict(seconds: list[float], failed: int, code: int, said: str) -> None:
    some = failed // 3
    problems = {"status 503": some, "status 500": failed - some}
    verdict = judge(thresholds(), seconds, problems, users=10)
    assert verdict.exit_code == code
    assert verdict.said.partition(", of ")[0] == said
    assert verdict.counted == f"{len(seconds) + failed} verifications"


def test_what_the_rate_limit_refused_is_counted_apart() -> None:
    enough = judge(thresholds(), [0.2] * 100, {}, users=10, limited=7)
    assert enough.exit_code == 0
    assert enough.counted == "100 verifications, 7 more refused by the rate limit (429)"
    few = judge(thresholds(), [0.2] * 3, {}, users=10, limited=900)
    assert few.exit_code == 2
    assert "the rate limit refused 900 requests (429): set ENABLE_RATE_LIMITING=false" in few.said


def test_the_table_shows_the_row_beside_the_value() -> None:
    lines = reports.text_of(
        judge(thresholds(), [0.25] * 200, {"status 500": 1}, users=150)
    ).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:-1]]
    assert cells[0] == ["metric", "measured", "target", "acceptable", "poor", "verdict"]
    assert cells[2] == ["latency.p50", "250ms", "200ms", "500ms", "1s", "acceptable"]
    assert cells[5] == ["latency.p999", "too few", "2s", "3s", "5s", ""]
    assert cells[6] == ["error_rate.high", "0.498%", "1%", "5%", "", "target"]
