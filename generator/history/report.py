"""The results of a backtest or a calibration as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from generator.history.backtest import RuleHistory
from generator.history.calibrate import Proposal
from generator.history.client import Range
from generator.markdown import table
from generator.measured import measured_text
from generator.texts import humanize_duration
from generator.thresholds.levels import Levels
from generator.thresholds.units import format_value

# The current thresholds, and the proposed ones if there are any.
Pair = tuple[RuleHistory, RuleHistory | None]
CELLS: Final = 48


def paired(current: Sequence[RuleHistory], proposed: Sequence[RuleHistory] | None) -> list[Pair]:
    """The histories by rule. A rule that only one side has never fired on the other."""
    if proposed is None:
        return [(each, None) for each in current]
    one, other = (
        {(each.alert, each.severity): each for each in rules} for rules in (current, proposed)
    )
    never = {key: RuleHistory(*key, ()) for key in one | other}
    return [(one.get(key, rule), other.get(key, rule)) for key, rule in never.items()]


def fired(pairs: Sequence[Pair]) -> list[Pair]:
    return [pair for pair in pairs if any(each and each.firings for each in pair)]


def backtest_lines(pairs: Sequence[Pair], span: Range) -> Iterator[str]:
    """A table of the rules that fired."""
    interval = humanize_duration(span.step)
    yield f"{timestamp(span.start)} to {timestamp(span.end)} UTC, every {interval}"
    yield ""
    shown = fired(pairs)
    if shown:
        both = any(proposed for _, proposed in pairs)
        thresholds = ["thresholds"] if both else []
        head = ["alert", "severity", *thresholds, "fired", "total", "longest", "when"]
        rows: list[Sequence[str]] = []
        for current, proposed in shown:
            label = ["current"] if both else []
            rows.append((current.alert, current.severity, *label, *_cells(current, span)))
            if proposed:
                rows.append(("", "", "proposed", *_cells(proposed, span)))
        yield table(head, rows)
        yield ""
    yield f"{len(pairs) - len(shown)} of {len(pairs)} rules never fired"


def _cells(rule: RuleHistory, span: Range) -> tuple[str, ...]:
    cells = ["."] * CELLS  # the range from left to right
    width = (span.end - span.start) / CELLS or 1
    for interval in rule.firings:
        first, last = (min(CELLS - 1, int((time - span.start) / width)) for time in interval)
        cells[first : last + 1] = "#" * (last + 1 - first)
    if not rule.firings:
        return "never", "", "", "".join(cells)
    return (
        str(len(rule.firings)),
        humanize_duration(rule.seconds),
        humanize_duration(max(end - start for start, end in rule.firings)),
        "".join(cells),
    )


def proposal_table(proposals: Sequence[Proposal]) -> str:
    rows = []
    for each in proposals:
        normal, levels = each.observed.value, each.levels
        rows.append(
            (
                each.observed.row,
                "" if normal is None else measured_text(normal, levels.unit),
                _numbers(levels, dict(levels.edges())),
                _numbers(levels, each.edges),
                each.observed.source if each.edges else each.why,
            )
        )
    return table(("row", "normal", "current", "proposed", "from"), rows)


def _numbers(levels: Levels, edges: Mapping[str, float]) -> str:
    return ", ".join(format_value(value, levels.unit) for value in edges.values())


def timestamp(time: float) -> str:
    """In UTC."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S}"
