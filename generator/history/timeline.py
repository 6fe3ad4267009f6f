"""A backtest as an SVG timeline: a row for each rule that fired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from jinja2 import PackageLoader

from generator.history.backtest import RuleHistory
from generator.history.client import Range
from generator.history.report import Pair, fired, timestamp
from generator.templates import environment
from generator.texts import humanize_duration

# Where the bars are, in pixels, and how wide one must be to be visible.
LEFT: Final = 430
WIDTH: Final = 660
MIN_BAR: Final = 2.0

MAX_TICKS: Final = 8
DAY: Final = 86400
TICK_STEPS: Final = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200),
    *(DAY * days for days in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)


@dataclass(frozen=True)
class Scale:
    """Maps the times of the range to x coordinates."""

    span: Range

    def x(self, time: float) -> float:
        return LEFT + WIDTH * (time - self.span.start) / ((self.span.end - self.span.start) or 1)

    def ticks(self) -> Iterator[tuple[float, str, str]]:
        """Position, time and date: the time unless ticks are days apart, the date if it is new."""
        length = self.span.end - self.span.start
        step = next((each for each in TICK_STEPS if length / each <= MAX_TICKS), TICK_STEPS[-1])
        clock = "" if step >= DAY else "%H:%M" if step >= 60 else "%H:%M:%S"
        last_date = ""
        tick = -(-self.span.start // step) * step
        while tick <= self.span.end:
            at = datetime.fromtimestamp(tick, UTC)
            date = f"{at:%Y-%m-%d}"
            yield self.x(tick), at.strftime(clock), "" if date == last_date else date
            last_date = date
            tick += step

    def bars(self, rule: RuleHistory) -> Iterator[tuple[float, float, str]]:
        """Position, width and title."""
        for start, end in rule.firings:
            x = min(self.x(start), LEFT + WIDTH - MIN_BAR)
            times = f"{timestamp(start)} to {timestamp(end)} UTC, {humanize_duration(end - start)}"
            title = f"{rule.alert} ({rule.severity}): {times}"
            yield x, max(MIN_BAR, self.x(end) - x), title


def timeline(pairs: Sequence[Pair], span: Range) -> str:
    """Each row has a lane for the current thresholds, and one for the proposed ones if given."""
    rows = fired(pairs)
    never = f"{len(pairs) - len(rows)} of {len(pairs)} rules never fired"
    templates = environment(PackageLoader("generator.history", ""), autoescape=True)
    return templates.get_template("timeline.svg").render(
        rows=rows,
        lanes=2 if any(proposed for _, proposed in pairs) else 1,
        scale=Scale(span),
        left=LEFT,
        width=WIDTH,
        subtitle=f"{timestamp(span.start)} to {timestamp(span.end)} UTC; {never}",
        duration=humanize_duration,
    )
