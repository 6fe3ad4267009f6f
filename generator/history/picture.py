"""A backtest as a picture in SVG: who fired when, today and with other thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as Xml  # writes only

from generator.history.backtest import Past
from generator.history.client import Range
from generator.texts import humanize_duration

WIDTH: Final = 1240
LEFT: Final = 430  # names, severities, whose thresholds
RIGHT: Final = 150  # how often and how long
TOP: Final = 74
BOTTOM: Final = 48
LANE: Final = 20
GAP: Final = 14
LEAST: Final = 2.0  # a firing of seconds is to be seen, too

INK: Final = "#1f2328"
MUTED: Final = "#59636e"
LINE: Final = "#d1d9e0"
TRACK: Final = "#f6f8fa"
COLOURS: Final = {"critical": "#b3261e", "warning": "#e3a008", "info": "#2f6fbd"}
SEVERITY: Final = LEFT - 126  # where its colour and its word stand

DAY: Final = 86400
TICKS: Final = 8
STEPS: Final = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200),
    *(DAY * each for each in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)


@dataclass(frozen=True)
class Scale:
    """Where a moment of the range is drawn."""

    span: Range

    def x(self, time: float) -> float:
        width = WIDTH - LEFT - RIGHT
        return LEFT + width * (time - self.span.start) / ((self.span.end - self.span.start) or 1)

    def ticks(self) -> Iterator[tuple[float, str, str]]:
        """Moment, time and date; a date where it begins to hold, a time where there are several."""
        length = self.span.end - self.span.start
        step = next((each for each in STEPS if length / each <= TICKS), STEPS[-1])
        said = ""
        tick = -(-self.span.start // step) * step
        while tick <= self.span.end:
            at = datetime.fromtimestamp(tick, UTC)
            clock = f"{at:%H:%M}" if step >= 60 else f"{at:%H:%M:%S}"
            date = f"{at:%Y-%m-%d}"
            yield tick, "" if step >= DAY else clock, "" if date == said else date
            said = date
            tick += step


def picture(pairs: Sequence[tuple[Past, Past | None]], span: Range) -> str:
    """A row a rule, a lane for what today's thresholds do and one for the others if there are."""
    rows = [pair for pair in pairs if any(each and each.episodes for each in pair)]
    lanes = 1 if all(other is None for _, other in pairs) else 2
    height = TOP + max(1, len(rows)) * (lanes * LANE + GAP) + BOTTOM
    svg = Xml.Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        width=str(WIDTH),
        height=str(height),
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
    )
    svg.set("font-family", "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif")
    Xml.SubElement(svg, "title").text = "Alerts that fired"
    _box(svg, 0, 0, WIDTH, height, "#ffffff")
    _text(svg, 16, 28, _title(lanes), size=17, weight="600")
    never = f"{len(pairs) - len(rows)} of {len(pairs)} rules never fired"
    _text(svg, 16, 48, f"{_moment(span.start)} to {_moment(span.end)} UTC; {never}", fill=MUTED)
    _axis(svg, Scale(span), height - BOTTOM)
    if not rows:
        _text(svg, LEFT, TOP + LANE, "no alert fired", fill=MUTED)
    top = TOP
    for today, other in rows:
        _row(svg, Scale(span), top, today, other)
        top += lanes * LANE + GAP
    Xml.indent(svg)
    return Xml.tostring(svg, "unicode") + "\n"


def _title(lanes: int) -> str:
    return "Alerts that fired" + (": today's thresholds and the proposed ones" * (lanes > 1))


def _row(svg: Xml.Element, scale: Scale, top: float, today: Past, other: Past | None) -> None:
    _text(svg, 16, top + 14, today.alert, size=13, weight="600")
    _severity(svg, today.severity, top)
    lanes = [("today", today), *([("proposed", other)] if other else [])]
    for number, (name, past) in enumerate(lanes):
        _lane(svg, scale, top + number * LANE, name if other else "", past)


def _severity(svg: Xml.Element, severity: str, top: float) -> None:
    """Its word beside its colour."""
    _box(svg, SEVERITY, top + 5, 10, 10, COLOURS[severity])
    _text(svg, SEVERITY + 16, top + 14, severity)


def _lane(svg: Xml.Element, scale: Scale, top: float, name: str, past: Past) -> None:
    start, end = scale.x(scale.span.start), scale.x(scale.span.end)
    _text(svg, LEFT - 8, top + 14, name, size=11, fill=MUTED, anchor="end")
    _box(svg, start, top + 2, end - start, LANE - 4, TRACK)
    for begin, until in past.firings(scale.span):
        x = min(scale.x(begin), end - LEAST)
        bar = _box(
            svg, x, top + 2, max(LEAST, scale.x(until) - x), LANE - 4, COLOURS[past.severity]
        )
        said = f"{past.alert} ({past.severity}): {_moment(begin)} to {_moment(until)} UTC"
        Xml.SubElement(bar, "title").text = f"{said}, {humanize_duration(until - begin)}"
    seconds = humanize_duration(past.seconds(scale.span))
    said = f"{len(past.episodes)} \N{MULTIPLICATION SIGN}, {seconds}" if past.episodes else "never"
    _text(svg, end + 10, top + 14, said, size=12, fill=INK if past.episodes else MUTED)


def _axis(svg: Xml.Element, scale: Scale, bottom: float) -> None:
    for time, clock, date in scale.ticks():
        x = f"{scale.x(time):.1f}"
        Xml.SubElement(svg, "line", x1=x, x2=x, y1=str(TOP - 8), y2=f"{bottom:g}", stroke=LINE)
        _text(svg, float(x), bottom + 16, clock or date, size=11, fill=MUTED, anchor="middle")
        if clock and date:
            _text(svg, float(x), bottom + 31, date, size=11, fill=MUTED, anchor="middle")


def _box(
    svg: Xml.Element, x: float, y: float, width: float, height: float, fill: str
) -> Xml.Element:
    box = Xml.SubElement(svg, "rect", x=f"{x:.1f}", y=f"{y:g}", fill=fill)
    box.set("width", f"{width:.1f}")
    box.set("height", f"{height:g}")
    return box


def _text(svg: Xml.Element, x: float, y: float, said: str, **style: object) -> None:
    """`style`: size, fill, weight, anchor."""
    names = {"size": "font-size", "weight": "font-weight", "anchor": "text-anchor"}
    text = Xml.SubElement(svg, "text", x=f"{x:.1f}", y=f"{y:g}")
    for name, value in ({"size": 12, "fill": INK} | style).items():
        text.set(names.get(name, name), str(value))
    text.text = said


def _moment(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S}"
