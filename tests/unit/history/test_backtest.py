from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.alerts.model import Recording
from generator.cli import main
from generator.history.backtest import RUNNING, History, RuleHistory, expand, firings
from generator.history.client import MAX_POINTS, Range, RangeSeries
from generator.history.report import backtest_lines, paired
from generator.promql import plain
from generator.thresholds.settings import TrafficAlert
from tests.bundle import alerts, recordings, thresholds
from tests.unit.history.fake_prometheus import FakePrometheus

STEP = 15.0
SPAN = Range(0, 40 * STEP, STEP)


def fired(pattern: str, for_: float = 0, keep: float = 0) -> list[tuple[float, float]]:
    """The firings of a condition (x is true, . is false), as numbers of evaluations."""
    span = Range(0, (len(pattern) - 1) * STEP, STEP)
    true_at = [number * STEP for number, mark in enumerate(pattern) if mark == "x"]
    found = firings(true_at, span, for_ * STEP, keep * STEP)
    return [(start / STEP, end / STEP) for start, end in found]


@pytest.mark.parametrize(
    ("pattern", "for_", "keep", "expected"),
    [
        ("......", 0, 0, []),
        ("..x...", 0, 0, [(2, 3)]),
        ("..xx..", 2, 0, []),
        ("..xxx.", 2, 0, [(4, 5)]),
        ("..xxxx", 2, 0, [(4, 5)]),
        (".xx.xxx.", 2, 0, [(6, 7)]),
        (".xxx.x..", 2, 2, [(3, 7)]),
        (".xxx.x....", 2, 2, [(3, 8)]),
        (".xxx..x...", 2, 2, [(3, 9)]),
        ("x.x.x.x.....", 0, 3, [(0, 10)]),
    ],
)
def test_an_alert_fires_as_in_prometheus(
    pattern: str, for_: float, keep: float, expected: list[tuple[float, float]]
) -> None:
    assert fired(pattern, for_, keep) == expected


@given(st.text("x.", min_size=1, max_size=40), st.integers(0, 5), st.integers(0, 5))
def test_a_longer_for_fires_later_and_less_often(pattern: str, for_: int, keep: int) -> None:
    found = fired(pattern, for_, keep)
    starts = [start for start, _ in found]
    assert all(pattern[int(start) - for_ : int(start) + 1] == "x" * (for_ + 1) for start in starts)
    assert len(fired(pattern, for_ + 1, keep)) <= len(found)
    assert len(fired(pattern, for_, keep + 1)) <= len(found)


def test_a_long_range_is_split_into_queries_that_prometheus_accepts() -> None:
    span = Range.until(1_000_007, 7 * 86400, 15)
    assert (span.start % 15, span.end) == (0, 999_990 + 15)
    parts = list(span.parts())
    assert max(each.count for each in parts) <= MAX_POINTS
    assert [time for each in parts for time in each.times()] == list(span.times())


RULES = {
    "a:b:c": Recording("f", "a:b:c", "rate(x{}[5m])"),
    "a:b:c_d": Recording("f", "a:b:c_d", "deriv(a:b:c{}[1h])"),
}


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("a:b:c{} > 1", "(rate(x{}[5m])) > 1"),
        ("a:b:c_d{}", "(deriv((rate(x{}[5m]))[1h:15s]))"),
        ("sum_over_time(a:b:c{}[1d:5m])", "sum_over_time((rate(x{}[5m]))[1d:5m])"),
        ("a:b:c{} offset 5m", "last_over_time((rate(x{}[5m]))[15s:15s] offset 5m)"),
        ("a:b:other{} + x{}", "a:b:other{} + x{}"),
    ],
)
def test_missing_recordings_are_expanded(expr: str, expected: str) -> None:
    assert expand(expr, RULES, 15) == expected


def test_every_rule_can_be_expanded() -> None:
    """No recorded series is left in any alert."""
    rules = {each.name: each for each in recordings()}
    for alert in alerts():
        for trigger in alert.triggers:
            expanded = expand(f"{alert.quantity}\n{trigger.guard}", rules, STEP)
            assert not any(f"{name}{{" in expanded for name in rules), alert.name


def ratio_of(value: float, begin: float, end: float) -> list[RangeSeries]:
    values = {time: value for time in SPAN.earlier(3600).times() if begin <= time < end}
    return [RangeSeries({"instance": "a"}, values)]


def test_a_backtest_uses_the_settings_of_the_alert() -> None:
    """Errors for six minutes, with `for` and `keep_firing_for` of five."""
    queries = []
    critical = plain(alerts()[0].expr(alerts()[0].triggers[0]))
    condition = critical.splitlines()[0]

    def query(expr: str, span: Range) -> list[RangeSeries]:
        if expr == plain(RUNNING):
            return [RangeSeries({}, dict.fromkeys(span.times(), 1.0))]
        queries.append((expr, span))
        return ratio_of(1.0, 60, 60 + 360) if condition in expr else []

    history = History(FakePrometheus(query), thresholds(), SPAN)
    rules = {(each.alert, each.severity): each for each in history.backtest()}
    assert len(rules) == sum(len(each.triggers) for each in alerts()) - 1, "all but the watchdog"
    high = rules["AuditorHighErrorRate", "critical"]
    assert list(high.firings) == [(360, SPAN.end)]
    assert sum(bool(each.firings) for each in rules.values()) == 1
    settings = thresholds().alert("high_error_rate", TrafficAlert)
    expr, span = next(each for each in queries if condition in each[0])
    assert expr == critical
    assert settings.critical
    assert span.start == -(settings.critical.for_ + settings.keep_firing_for)


def test_a_backtest_counts_only_time_within_its_range() -> None:
    """The alert starts to fire before the range and ends after it."""

    def query(_: str, span: Range) -> list[RangeSeries]:
        return [RangeSeries({}, dict.fromkeys(span.times(), 1.0))]

    found = History(FakePrometheus(query), thresholds(), SPAN).backtest()
    assert {each.firings for each in found} == {((SPAN.start, SPAN.end),)}


def test_overlapping_firings_count_once() -> None:
    assert RuleHistory("AuditorX", "critical", ((0, 60), (30, 90), (100, 110))).seconds == 100


def test_ctrl_c_stops_a_long_backtest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("generator.history.command.backtest", interrupted)
    assert main(["backtest", "--prometheus", "http://127.0.0.1:1"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "ended early"


def test_the_report_compares_both_thresholds() -> None:
    span = Range(0, 4800, 100)
    current = [RuleHistory("AuditorX", "critical", ((1000, 2000), (4000, 4800)))]
    other = [RuleHistory("AuditorX", "critical", ())]
    lines = "\n".join(backtest_lines(paired(current, other), span)).splitlines()
    cells = [[each.strip() for each in line.strip("|").split("|")] for line in lines[4:6]]
    assert cells[0][:6] == ["AuditorX", "critical", "current", "2", "30m 0s", "16m 40s"]
    assert cells[0][6] == "." * 10 + "#" * 11 + "." * 19 + "#" * 8
    assert cells[1][2:4] == ["proposed", "never"]
    assert lines[-1] == "0 of 1 rules never fired"
    new = [RuleHistory("AuditorNew", "info", ((0, 100),))]
    assert "\n".join(backtest_lines(paired(current, new), span)).count("never") == 3
    assert lines[0].startswith("1970-01-01 00:00:00 to 1970-01-01 01:20:00 UTC, every ")
