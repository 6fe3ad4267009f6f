"""What a file may say and yet ought to know: bounds read inexactly, or never reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from generator.thresholds.model import Bound, Thresholds
from generator.thresholds.nodes import joined
from generator.thresholds.problems import Note, Problem, quoted
from generator.thresholds.settings import SEVERITIES, BoundAlert, Rows
from generator.thresholds.units import Unit, format_value


def notes(thresholds: Thresholds) -> tuple[Note, ...]:
    """Every note that is not accepted, one for each number of the targets; then what is stale."""
    found = {note.path: note for note in _inexact_bounds(thresholds)}
    found |= {note.path: note for note in _unreachable_connections(thresholds)}
    accepted, positions = thresholds.accepted_notes, thresholds.positions
    shown = [note for path, note in found.items() if path not in accepted]
    for path in accepted:
        entry = joined("accepted_notes", path)
        # An overlay's value may lack the note that the file's own has.
        if path not in found and positions[path].file == positions[entry].file:
            text = "accepts a note that is gone: delete the line"
            shown.append(Note(positions[entry], entry, text))
    return tuple(shown)


def misplaced(thresholds: Thresholds) -> Iterator[Problem]:
    """Accepted notes on a value that does not exist."""
    for path in thresholds.accepted_notes:
        if path not in thresholds.positions:
            entry = joined("accepted_notes", path)
            expected = "the path of a value such as targets.latency.p95.poor"
            yield Problem(thresholds.positions[entry], entry, quoted(path), expected)


def between_buckets(value: float, buckets: Sequence[float]) -> tuple[float, float] | None:
    """The bucket of a histogram that holds `value`, as its bounds; None where `value` is exact.

    A bucket's bound is exact: the histogram counts what lies at or under it. Between two of them
    Prometheus's `histogram_quantile` interpolates, from 0 in the lowest; above the highest it
    reads nothing.
    """
    for lower, upper in pairwise((0.0, *buckets)):
        if lower < value < upper:
            return lower, upper
    return None


def _bounds(thresholds: Thresholds) -> Iterator[tuple[str, Rows, Bound]]:
    """Path of the severity, the alert's rows, and the bound, of every severity that has one."""
    for key, form in thresholds.forms.items():
        settings = thresholds.alerts[key]
        if form.rows is None or not isinstance(settings, BoundAlert):
            continue
        for severity in SEVERITIES:
            configured = getattr(settings, severity)
            if configured is not None:
                yield f"alerts.{key}.{severity}", form.rows, thresholds.bound(configured.fires_at)


def _inexact_bounds(thresholds: Thresholds) -> Iterator[Note]:
    """Bounds inside a bucket: a quantile anywhere in it can read anywhere in it."""
    for _, rows, bound in _bounds(thresholds):
        bucket = between_buckets(bound.value, thresholds.service.latency_buckets)
        if not rows.histogram or bucket is None:
            continue
        error = max(bound.value - bucket[0], bucket[1] - bound.value)
        value, low, high, worst = map(_duration, (bound.value, *bucket, error))
        quantile = bound.row.rpartition(".")[2]
        text = (
            f"({value}) lies between the buckets {low} and {high}: a true {quantile} of just over "
            f"{low} can read above it, one of {high} below it; worst error {worst}; "
            f"nearest bounds {low} and {high} are exact"
        )
        yield Note(thresholds.positions[bound.path], bound.path, text)


def _unreachable_connections(thresholds: Thresholds) -> Iterator[Note]:
    """Bounds on an instance's connections that the pools of its workers cannot open."""
    service = thresholds.service
    pool, workers = service.database_pool, service.expected_workers
    most = workers * (pool.size + pool.overflow)
    for path, rows, bound in _bounds(thresholds):
        if rows.below == "database.connections" and bound.value >= most:
            text = (
                f"({bound.value:.0f}) is no less than the {most} connections that the pools of "
                f"{workers} workers open ({pool.size} + {pool.overflow} each): {path} "
                "never fires for them"
            )
            yield Note(thresholds.positions[bound.path], bound.path, text)


def _duration(seconds: float) -> str:
    # The difference of two bounds may miss a millisecond by a rounding error.
    return format_value(round(seconds, 3), Unit.DURATION)
