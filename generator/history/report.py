"""What a backtest or a calibration found, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from generator.history.backtest import Past
from generator.history.calibrate import Proposal
from generator.history.client import Range
from generator.markdown import table
from generator.measured import measured_text
from generator.texts import humanize_duration
from generator.thresholds.levels import Levels
from generator.thresholds.units import format_value

CELLS: Final = 48


def of_pasts(before: Sequence[Past], after: Sequence[Past] | None, span: Range) -> Iterator[str]:
    """A table of what fired; `after` is beside it what other thresholds would have done."""
    pairs = paired(before, before if after is None else after)
    fired = [(one, other) for one, other in pairs if one.episodes or other.episodes]
    yield f"{_moment(span.start)} to {_moment(span.end)}, every {humanize_duration(span.step)}"
    yield ""
    both = after is not None
    if fired:
        head = ["alert", "severity", *([""] if both else []), "fired", "for", "longest", "when"]
        rows: list[Sequence[str]] = []
        for one, other in fired:
            rows.append((one.alert, one.severity, *(["today"] if both else []), *_cells(one, span)))
            if both:
                rows.append(("", "", "proposed", *_cells(other, span)))
        yield table(head, rows)
        yield ""
    yield f"{len(pairs) - len(fired)} of {len(pairs)} rules never fired"


def paired(before: Sequence[Past], after: Sequence[Past]) -> list[tuple[Past, Past]]:
    """By rule; one that only the other thresholds have never fired."""
    found = [{(each.alert, each.severity): each for each in pasts} for pasts in (before, after)]
    return [
        (found[0].get(key, Past(*key, ())), found[1].get(key, Past(*key, ())))
        for key in found[0] | found[1]
    ]


def _cells(past: Past, span: Range) -> tuple[str, ...]:
    if not past.episodes:
        return "never", "", "", _timeline(past, span)
    lengths = [end - start for start, end in past.firings(span)]
    return (
        str(len(past.episodes)),
        humanize_duration(past.seconds(span)),
        humanize_duration(max(lengths)),
        _timeline(past, span),
    )


def _timeline(past: Past, span: Range) -> str:
    """The range from left to right; a cell is dark if the alert fires at any time of it."""
    cells = [False] * CELLS
    width = (span.end - span.start) / CELLS or 1
    for start, end in past.firings(span):
        first = min(CELLS - 1, int((start - span.start) / width))
        last = min(CELLS - 1, int((end - span.start) / width))
        for cell in range(first, last + 1):
            cells[cell] = True
    return "".join("#" if cell else "." for cell in cells)


def of_proposals(proposals: Sequence[Proposal]) -> Iterator[str]:
    rows = [
        (
            each.observed.row,
            ""
            if (normal := each.observed.value) is None
            else measured_text(normal, each.levels.unit),
            _numbers(each.levels, dict(each.levels.edges())),
            _numbers(each.levels, dict(each.edges)) if each.edges else "",
            each.observed.source if each.edges else each.why,
        )
        for each in proposals
    ]
    yield table(("row", "normal", "today", "proposed", "from"), rows)


def _numbers(levels: Levels, edges: dict[str, float]) -> str:
    return ", ".join(format_value(value, levels.unit) for value in edges.values())


def _moment(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S}Z"
