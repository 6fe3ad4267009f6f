from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.alerts.model import Recording
from generator.cli import main
from generator.history.backtest import ANYTHING, Past, backtest, history
from generator.history.client import MOST_POINTS, Range, RangeSeries
from generator.history.episodes import Episode, episodes
from generator.history.inline import inlined
from generator.history.report import of_pasts
from generator.promql import plain
from generator.thresholds.settings import TrafficAlert
from tests.bundle import alerts, recordings, thresholds

STEP = 15.0
SPAN = Range(0, 40 * STEP, STEP)


def fired(pattern: str, for_: float = 0, keep: float = 0) -> list[tuple[float, float | None]]:
    """Of a condition written as x and dots, the firings as numbers of evaluations."""
    span = Range(0, (len(pattern) - 1) * STEP, STEP)
    true_at = [number * STEP for number, mark in enumerate(pattern) if mark == "x"]
    return [
        (each.start / STEP, None if each.end is None else each.end / STEP)
        for each in episodes(true_at, span, for_ * STEP, keep * STEP)
    ]


@pytest.mark.parametrize(
    ("pattern", "for_", "keep", "expected"),
    [
        ("......", 0, 0, []),
        ("..x...", 0, 0, [(2, 3)]),
        ("..xx..", 2, 0, []),
        ("..xxx.", 2, 0, [(4, 5)]),
        ("..xxxx", 2, 0, [(4, None)]),
        (".xx.xxx.", 2, 0, [(6, 7)]),
        (".xxx.x..", 2, 2, [(3, None)]),
        (".xxx.x...", 2, 2, [(3, 8)]),
        (".xxx..x...", 2, 2, [(3, 9)]),
        ("x.x.x.x.....", 0, 3, [(0, 10)]),
    ],
)
def test_an_alert_fires_as_prometheus_has_it(
    pattern: str, for_: float, keep: float, expected: list[tuple[float, float | None]]
) -> None:
    assert fired(pattern, for_, keep) == expected


@given(st.text("x.", min_size=1, max_size=40), st.integers(0, 5), st.integers(0, 5))
def test_waiting_longer_fires_no_earlier_and_no_more(pattern: str, for_: int, keep: int) -> None:
    found = fired(pattern, for_, keep)
    starts = [start for start, _ in found]
    assert all(pattern[int(start) - for_ : int(start) + 1] == "x" * (for_ + 1) for start in starts)
    assert len(fired(pattern, for_ + 1, keep)) <= len(found)
    assert len(fired(pattern, for_, keep + 1)) <= len(found)


def test_a_range_is_asked_in_parts_that_prometheus_takes() -> None:
    span = Range.until(1_000_007, 7 * 86400, 15)
    assert (span.start % 15, span.end) == (0, 999_990 + 15)
    parts = list(span.parts())
    assert max(each.count for each in parts) <= MOST_POINTS
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
def test_what_was_not_recorded_is_written_out(expr: str, expected: str) -> None:
    assert inlined(expr, RULES, 15) == expected


def test_every_rule_can_be_written_out() -> None:
    """Nothing of a recorded name is left, in no alert."""
    rules = {each.name: each for each in recordings()}
    for alert in alerts():
        for trigger in alert.triggers:
            written = inlined(f"{alert.quantity}\n{trigger.guard}", rules, STEP)
            assert not any(f"{name}{{" in written for name in rules), alert.name


def ratio_of(value: float, begin: float, end: float) -> list[RangeSeries]:
    values = {time: value for time in SPAN.earlier(3600).times() if begin <= time < end}
    return [RangeSeries({"instance": "a"}, values)]


def test_a_past_is_that_of_the_alerts_own_settings() -> None:
    """Six minutes of errors in an hour: the wait is five, and so is the keeping."""
    asked = []

    def query(expr: str, span: Range) -> list[RangeSeries]:
        if expr == plain(ANYTHING):
            return [RangeSeries({}, dict.fromkeys(span.times(), 1.0))]
        asked.append((expr, span))
        found = "instance:auditor_verify_errors:ratio5m > 0.05" in expr
        return ratio_of(0.1, 60, 60 + 360) if found else []

    past = history(query, lambda *_: True, thresholds(), SPAN)
    pasts = {(each.alert, each.severity): each for each in backtest(past, alerts(), SPAN)}
    assert len(pasts) == sum(len(each.triggers) for each in alerts()) - 1, "all but the watchdog"
    high = pasts["AuditorHighErrorRate", "critical"]
    assert high.episodes == (Episode(360, None),)
    assert high.seconds(SPAN) == 240
    assert sum(bool(each.episodes) for each in pasts.values()) == 1
    settings = thresholds().alert("high_error_rate", TrafficAlert)
    expr, span = next(each for each in asked if "errors:ratio5m > 0.05" in each[0])
    assert expr == plain(alerts()[0].expr(alerts()[0].triggers[0]))
    assert settings.critical
    assert span.start == -(settings.critical.for_ + settings.keep_firing_for)


def test_a_report_counts_only_what_is_in_its_range() -> None:
    """An alert that fired before it began, and one that it does not see end."""
    span = Range(0, 4800, 100)
    pasts = [Past("AuditorX", "critical", (Episode(-600, 300), Episode(4200, None)))]
    cells = [
        each.strip() for each in list(of_pasts(pasts, None, span))[2].splitlines()[2].split("|")
    ]
    assert cells[1:6] == ["AuditorX", "critical", "2", "15m 0s", "10m 0s"]


def test_ctrl_c_ends_a_long_range(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("generator.history.command.run_backtest", interrupted)
    assert main(["backtest", "--prometheus", "http://127.0.0.1:1"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "ended early"


def test_the_report_shows_both() -> None:
    span = Range(0, 4800, 100)
    today = [Past("AuditorX", "critical", (Episode(1000, 2000), Episode(4000, None)))]
    other = [Past("AuditorX", "critical", ())]
    lines = "\n".join(of_pasts(today, other, span)).splitlines()
    cells = [[each.strip() for each in line.strip("|").split("|")] for line in lines[4:6]]
    assert cells[0][:6] == ["AuditorX", "critical", "today", "2", "30m 0s", "16m 40s"]
    assert cells[0][6] == "." * 10 + "#" * 11 + "." * 19 + "#" * 8
    assert cells[1][2:4] == ["proposed", "never"]
    assert lines[-1] == "0 of 1 rules never fired"
    new = [Past("AuditorNew", "info", (Episode(0, 100),))]
    assert "\n".join(of_pasts(today, new, span)).count("never") == 3
    assert lines[0].startswith("1970-01-01 00:00:00Z to 1970-01-01 01:20:00Z")
