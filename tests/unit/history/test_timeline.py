from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as Xml

from hypothesis import given
from hypothesis import strategies as st

from generator.history.backtest import RuleHistory
from generator.history.client import Range
from generator.history.report import Pair
from generator.history.timeline import LEFT, MAX_TICKS, WIDTH, Scale, timeline
from tests.bundle import alerts

DAY = 86400.0
MONDAY = 1777852800.0  # 2026-05-04, midnight in UTC
WEEK = Range(MONDAY, MONDAY + 7 * DAY, 15)
SVG = "{http://www.w3.org/2000/svg}"
HIGH = RuleHistory("AuditorHighLatency", "warning", ((MONDAY + DAY, MONDAY + 2 * DAY),))
LOW = RuleHistory("AuditorLowThroughput", "info", ())


def drawn(pairs: list[Pair], span: Range = WEEK) -> Xml.Element:
    return Xml.fromstring(timeline(pairs, span))  # noqa: S314  # our own


def texts(svg: Xml.Element) -> list[str]:
    return [each.text or "" for each in svg.iter(f"{SVG}text")]


def bars(svg: Xml.Element) -> list[Xml.Element]:
    """The bars of firings, which have tooltips."""
    return [each for each in svg.iter(f"{SVG}rect") if each.find(f"{SVG}title") is not None]


def ends(bar: Xml.Element) -> tuple[float, float]:
    return float(bar.attrib["x"]), float(bar.attrib["x"]) + float(bar.attrib["width"])


def test_a_firing_is_a_bar_from_its_start_to_its_end() -> None:
    svg = drawn([(HIGH, None), (LOW, None)])
    (bar,) = bars(svg)
    day = WIDTH / 7
    begin, end = ends(bar)
    assert abs(begin - (LEFT + day)) <= 0.1
    assert abs(end - (LEFT + 2 * day)) <= 0.2
    assert bar.attrib["class"] == "warning"
    assert bar.findtext(f"{SVG}title") == (
        "AuditorHighLatency (warning): 2026-05-05 00:00:00 to 2026-05-06 00:00:00 UTC, 1d 0h 0m 0s"
    )
    found = texts(svg)
    assert found[0] == "Alerts that fired"
    assert found[1] == "2026-05-04 00:00:00 to 2026-05-11 00:00:00 UTC; 1 of 2 rules never fired"
    assert {"warning", "AuditorHighLatency", "1\N{MULTIPLICATION SIGN}, 1d 0h 0m 0s"} <= {*found}
    assert "AuditorLowThroughput" not in found


def test_proposed_thresholds_have_their_own_lane() -> None:
    svg = drawn([(RuleHistory(HIGH.alert, HIGH.severity, ()), HIGH)])
    title, *_ = texts(svg)
    assert title == "Alerts that fired with the current and the proposed thresholds"
    y = {each.text: float(each.attrib["y"]) for each in svg.iter(f"{SVG}text")}
    assert y["current"] == y["never"] < y["proposed"]
    (bar,) = bars(svg)
    assert y["current"] < float(bar.attrib["y"]) < y["proposed"]


def test_a_timeline_without_firings() -> None:
    svg = drawn([(LOW, None)])
    assert "no alert fired" in texts(svg)
    assert bars(svg) == []


def test_every_name_has_room_and_every_severity_a_colour() -> None:
    style = drawn([(HIGH, None)]).findtext(f"{SVG}style") or ""
    for alert in alerts():
        rule = RuleHistory(alert.name, alert.triggers[0].severity, HIGH.firings)
        (severity,) = (
            float(each.attrib["x"])
            for each in drawn([(rule, None)]).iter(f"{SVG}text")
            if each.text == rule.severity
        )
        assert 16 + 8.4 * len(alert.name) < severity - 16, alert.name
        assert all(f".{each.severity} {{" in style for each in alert.triggers)


def test_ticks_show_days_or_times_with_the_date_where_it_changes() -> None:
    assert [(clock, date) for _, clock, date in Scale(WEEK).ticks()][:2] == [
        ("", "2026-05-04"),
        ("", "2026-05-05"),
    ]
    night = Range(MONDAY - 7200, MONDAY + 7200, 15)
    assert [(clock, date) for _, clock, date in Scale(night).ticks()] == [
        ("22:00", "2026-05-03"),
        ("22:30", ""),
        ("23:00", ""),
        ("23:30", ""),
        ("00:00", "2026-05-04"),
        ("00:30", ""),
        ("01:00", ""),
        ("01:30", ""),
        ("02:00", ""),
    ]


@given(st.integers(1, 600_000_000), st.sampled_from([1, 15, 60]))
def test_ticks_are_few_and_far_apart(seconds: int, step: int) -> None:
    scale = Scale(Range.until(MONDAY, max(seconds, step), step))
    positions = [x for x, _, _ in scale.ticks()]
    assert len(positions) <= MAX_TICKS + 1
    assert all(other - one >= 80 for one, other in pairwise(positions))


@given(st.lists(st.tuples(st.floats(0, 7 * DAY), st.floats(0, 7 * DAY)).map(sorted), max_size=5))
def test_every_bar_is_visible_and_within_the_range(times: list[list[float]]) -> None:
    firings = tuple((MONDAY + start, MONDAY + end) for start, end in times)
    found = bars(drawn([(RuleHistory("AuditorX", "critical", firings), None)]))
    assert len(found) == len(firings)
    for bar in found:
        begin, end = ends(bar)
        assert LEFT - 0.1 <= begin < begin + 1.9 <= end <= LEFT + WIDTH + 0.2
