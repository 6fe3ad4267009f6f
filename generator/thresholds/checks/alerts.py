"""Rules for the bounds and the windows of the alerts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from generator.thresholds.document import Document
from generator.thresholds.levels import EDGE_BEFORE, Levels
from generator.thresholds.model import LONGEST_INTERVAL, AlertForm
from generator.thresholds.problems import Problem, nearest, quoted
from generator.thresholds.settings import SEVERITIES, Rows
from generator.thresholds.units import Unit, format_value

_BUCKETS: Final = "service.latency_buckets"
# The last windows that `rate` can use hold two samples.
_WINDOWS: Final = (".window", ".short_window", ".envelope")
_LEVELS: Final = tuple(EDGE_BEFORE)
# Shares of one core: a worker can use more than one.
_UNLIMITED_SHARES: Final = "cpu."


@dataclass(frozen=True)
class _Aim:
    """A `fires_at` that names a row and level which its alert may fire at."""

    alert: str
    severity: str
    rows: Rows
    row: str
    level: str
    levels: type[Levels]

    @property
    def path(self) -> str:
        return f"{self.alert}.{self.severity}.fires_at"

    @property
    def edge(self) -> str:
        """Path of the number where the level begins."""
        return f"targets.{self.row}.{EDGE_BEFORE[self.level]}"

    def is_lower(self, bound: float, other: _Aim, limit: float) -> bool:
        """Whether this one, at `bound`, is reached before the other, at `limit`."""
        if self.row == other.row:
            # Levels of one row have a check of their own.
            return _LEVELS.index(self.level) < _LEVELS.index(other.level)
        return bound < limit if self.levels.worse == "above" else bound > limit


def bounds(
    document: Document, forms: Mapping[str, AlertForm], rows: Mapping[str, type[Levels]]
) -> Iterator[Problem]:
    """What is wrong with the levels that the alerts fire at."""
    found: list[_Aim] = []
    for key, form in forms.items():
        if form.rows is None:
            continue
        own: list[_Aim] = []
        for severity in SEVERITIES:
            name = document.text(f"alerts.{key}.{severity}.fires_at")
            path, (row, _, level) = f"alerts.{key}.{severity}", (name or "").rpartition(".")
            if name in form.aims:
                own.append(_Aim(f"alerts.{key}", severity, form.rows, row, level, rows[row]))
                yield from _row_reaches_its_level(document, own[-1])
            elif name is not None:
                yield _unknown(document, path, name, form)
        yield from _severities_are_in_order(document, own)
        found += own
    for aim in {aim.edge: aim for aim in reversed(found)}.values():
        value = document.number(aim.edge)
        if value is not None:
            yield from _bound_can_be_read(document, aim, value)
            yield from _share_can_be_exceeded(document, aim, value)


def _unknown(document: Document, severity: str, name: str, form: AlertForm) -> Problem:
    """`fires_at` of the severity at that path is none of the alert's."""
    row, _, level = name.rpartition(".")
    path = f"{severity}.fires_at"
    if level in EDGE_BEFORE and f"{row}.poor" in form.aims:
        return document.problem(path, _unreached(row, level))
    near = nearest(name, form.aims)
    hint = f"did you mean {quoted(near)}?" if near else f"one of {', '.join(form.aims)}"
    alert = severity.rpartition(".")[0]
    return document.problem(path, f"a row and level that {alert} knows: {hint}")


def _row_reaches_its_level(document: Document, aim: _Aim) -> Iterator[Problem]:
    """The row has the number where the level begins."""
    optional = not aim.levels.model_fields[EDGE_BEFORE[aim.level]].is_required()
    if optional and document.is_complete(f"targets.{aim.row}") and not document.has(aim.edge):
        yield document.problem(aim.path, _unreached(aim.row, aim.level))


def _unreached(row: str, level: str) -> str:
    edge = EDGE_BEFORE[level]
    return f"another level: targets.{row} has no `{edge}` number, so nothing in it is {level}"


def _severities_are_in_order(document: Document, aims: list[_Aim]) -> Iterator[Problem]:
    """A lower severity fires at a lower bound."""
    # SEVERITIES begins with the worst, and so does each pair.
    for worse, lower in combinations(aims, 2):
        limit, value = document.number(worse.edge), document.number(lower.edge)
        if limit is None or value is None or lower.is_lower(value, worse, limit):
            continue
        unit = lower.levels.unit
        shown = f"{quoted(f'{lower.row}.{lower.level}')} ({format_value(value, unit)})"
        spelled = f"{worse.severity} ({format_value(limit, unit)})"
        yield document.problem(
            lower.path, f"a bound that is reached before that of {spelled}", shown
        )


def _bound_can_be_read(document: Document, aim: _Aim, value: float) -> Iterator[Problem]:
    """A quantile of a histogram never reads more than the highest finite bucket."""
    buckets = document.whole_list(_BUCKETS)
    if aim.rows.histogram and buckets and value >= buckets[-1]:
        top = format_value(buckets[-1], Unit.DURATION)
        reason = f"{aim.alert}.{aim.severity} fires above it, and no quantile reads more"
        yield document.problem(
            aim.edge, f"a duration below the highest of {_BUCKETS} ({top}): {reason}"
        )


def _share_can_be_exceeded(document: Document, aim: _Aim, value: float) -> Iterator[Problem]:
    """Nothing is more than all."""
    if value == 1 and aim.levels.unit is Unit.RATIO and not aim.row.startswith(_UNLIMITED_SHARES):
        reason = f"{aim.alert}.{aim.severity} fires above it, and no share is more"
        yield document.problem(aim.edge, f"a share below 100%: {reason}")


def windows_hold_two_samples(document: Document) -> Iterator[Problem]:
    """A rate or a slope needs two samples."""
    interval = document.number("service.scrape_interval")
    if interval is None or interval > LONGEST_INTERVAL:
        return
    least = format_value(2 * interval, Unit.DURATION)
    for path in [each for each in document.values if each.endswith(_WINDOWS)]:
        value = document.number(path)
        if value is not None and value < 2 * interval:
            reason = "two of service.scrape_interval, as a rate needs two samples"
            yield document.problem(path, f"at least {least}: {reason}")
