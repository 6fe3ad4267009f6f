from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as Xml

from hypothesis import given
from hypothesis import strategies as st

from generator.history.backtest import Past
from generator.history.client import Range
from generator.history.episodes import Episode
from generator.history.picture import COLOURS, LEFT, RIGHT, SEVERITY, TICKS, WIDTH, Scale, picture
from tests.bundle import alerts

DAY = 86400.0
MONDAY = 1777852800.0  # 2026-05-04, midnight in UTC
WEEK = Range(MONDAY, MONDAY + 7 * DAY, 15)
SVG = "{http://www.w3.org/2000/svg}"
HIGH = Past("AuditorHighLatency", "warning", (Episode(MONDAY + DAY, MONDAY + 2 * DAY),))
LOW = Past("AuditorLowThroughput", "info", ())


def drawn(pairs: list[tuple[Past, Past | None]], span: Range = WEEK) -> Xml.Element:
    return Xml.fromstring(picture(pairs, span))  # noqa: S314  # our own


def texts(svg: Xml.Element) -> list[str]:
    return [each.text or "" for each in svg.iter(f"{SVG}text")]


def bars(svg: Xml.Element) -> list[Xml.Element]:
    """Those of firings, each with what it says when it is pointed at."""
    return [each for each in svg.iter(f"{SVG}rect") if each.find(f"{SVG}title") is not None]


def ends(bar: Xml.Element) -> tuple[float, float]:
    return float(bar.attrib["x"]), float(bar.attrib["x"]) + float(bar.attrib["width"])


def test_a_firing_is_a_bar_from_its_start_to_its_end() -> None:
    svg = drawn([(HIGH, None), (LOW, None)])
    (bar,) = bars(svg)
    day = (WIDTH - LEFT - RIGHT) / 7
    begin, end = ends(bar)
    assert abs(begin - (LEFT + day)) <= 0.1
    assert abs(end - (LEFT + 2 * day)) <= 0.2
    assert bar.attrib["fill"] == COLOURS["warning"]
    assert bar.findtext(f"{SVG}title") == (
        "AuditorHighLatency (warning): 2026-05-05 00:00:00 to 2026-05-06 00:00:00 UTC, 1d 0h 0m 0s"
    )
    said = texts(svg)
    assert said[0] == "Alerts that fired"
    assert said[1] == "2026-05-04 00:00:00 to 2026-05-11 00:00:00 UTC; 1 of 2 rules never fired"
    assert {"warning", "AuditorHighLatency", "1 \N{MULTIPLICATION SIGN}, 1d 0h 0m 0s"} <= {*said}
    assert "AuditorLowThroughput" not in said


def test_other_thresholds_have_a_lane_of_their_own() -> None:
    svg = drawn([(Past(HIGH.alert, HIGH.severity, ()), HIGH)])
    said = texts(svg)
    assert said[0] == "Alerts that fired: today's thresholds and the proposed ones"
    places = {each.text: float(each.attrib["y"]) for each in svg.iter(f"{SVG}text")}
    assert places["today"] == places["never"] < places["proposed"]
    (bar,) = bars(svg)
    assert places["today"] < float(bar.attrib["y"]) < places["proposed"]


def test_where_nothing_fired_it_says_so() -> None:
    svg = drawn([(LOW, None)])
    assert "no alert fired" in texts(svg)
    assert bars(svg) == []


def test_every_name_and_every_severity_has_room() -> None:
    for alert in alerts():
        assert 16 + 8.4 * len(alert.name) < SEVERITY, alert.name
        assert {each.severity for each in alert.triggers} <= COLOURS.keys()


def test_days_have_dates_and_hours_their_date_once() -> None:
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
def test_ticks_of_any_range_are_few_and_apart(seconds: int, step: int) -> None:
    scale = Scale(Range.until(MONDAY, max(seconds, step), step))
    times = [time for time, _, _ in scale.ticks()]
    assert len(times) <= TICKS + 1
    assert all(scale.x(other) - scale.x(one) >= 80 for one, other in pairwise(times))


@given(
    st.lists(
        st.tuples(st.floats(-DAY, 7 * DAY), st.one_of(st.none(), st.floats(1, 9 * DAY))), max_size=5
    )
)
def test_every_bar_is_seen_and_within_the_range(times: list[tuple[float, float | None]]) -> None:
    episodes = [
        Episode(MONDAY + start, None if length is None else MONDAY + start + length)
        for start, length in times
        if length is None or 0 < start + length <= 7 * DAY
    ]
    found = bars(drawn([(Past("AuditorX", "critical", tuple(episodes)), None)]))
    assert len(found) == len(episodes)
    for bar in found:
        begin, end = ends(bar)
        assert LEFT - 0.1 <= begin < begin + 1.9 <= end <= WIDTH - RIGHT + 0.2
