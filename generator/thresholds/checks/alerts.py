"""Rules for the alerts' settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from generator.thresholds import shapes
from generator.thresholds.checks.service import LONGEST_INTERVAL
from generator.thresholds.draft import Draft
from generator.thresholds.levels import EDGE_BEFORE, Unit
from generator.thresholds.problems import Problem, nearest, quoted
from generator.thresholds.settings import SEVERITIES, BoundAlert, ConditionAlert, LeakAlert, Rows
from generator.thresholds.units import format_value

_BUCKETS: Final = "service.latency_buckets"
# The last windows that `rate` can use hold two samples.
_WINDOWS: Final = ("window", "short_window", "envelope")
_LEVELS: Final = tuple(EDGE_BEFORE)
# Shares of one core: a worker can use more than one.
_UNLIMITED_SHARES: Final = "targets.cpu."


@dataclass(frozen=True)
class Aim:
    """An existing name in `fires_at`: the alert and severity that say it, and what it names."""

    path: str
    alert: str
    severity: str
    rows: Rows
    row: str
    level: str
    shape: shapes.Record

    @property
    def edge(self) -> str:
        """Path of the number where the level begins."""
        return f"{self.row}.{EDGE_BEFORE[self.level]}"

    def is_milder(self, bound: float, other: Aim, limit: float) -> bool:
        """Whether this one, at `bound`, is reached before the other, at `limit`."""
        if self.row == other.row:
            # Levels of one row have a check of their own.
            return _LEVELS.index(self.level) < _LEVELS.index(other.level)
        return bound < limit if self.shape.cls.worse == "above" else bound > limit


def aims(draft: Draft) -> Iterator[Aim]:
    """Every `fires_at` that names a row and level which the alert may fire at."""
    for alert, rows in shapes.alert_rows().items():
        for severity in SEVERITIES:
            path = f"alerts.{alert}.{severity}.fires_at"
            name = draft.text(path)
            if name is not None and name in shapes.aims(rows):
                row, _, level = name.rpartition(".")
                shape = shapes.rows()[row]
                yield Aim(path, f"alerts.{alert}", severity, rows, f"targets.{row}", level, shape)


def names_exist(draft: Draft) -> Iterator[Problem]:
    """`fires_at` names a row that the alert compares with, and a level of it."""
    for alert, rows in shapes.alert_rows().items():
        for severity in SEVERITIES:
            path = f"alerts.{alert}.{severity}.fires_at"
            name, known = draft.text(path), shapes.aims(rows)
            if name is None or name in known:
                continue
            row, _, level = name.rpartition(".")
            if level in EDGE_BEFORE and f"{row}.poor" in known:
                yield draft.problem(path, _unreached(f"targets.{row}", level))
            else:
                near = nearest(name, known)
                hint = f"did you mean {quoted(near)}?" if near else f"one of {', '.join(known)}"
                yield draft.problem(path, f"a row and level that alerts.{alert} knows: {hint}")


def rows_reach_their_levels(draft: Draft) -> Iterator[Problem]:
    """The row has the number where the level begins."""
    for aim in aims(draft):
        known = aim.row in draft.records and aim.row not in draft.flawed
        optional = not aim.shape.fields[EDGE_BEFORE[aim.level]].required
        if known and optional and aim.edge not in draft.positions:
            yield draft.problem(aim.path, _unreached(aim.row, aim.level))


def _unreached(row: str, level: str) -> str:
    edge = EDGE_BEFORE[level]
    return f"another level: {row} has no `{edge}` number, so nothing in it is {level}"


def severities_are_set(draft: Draft) -> Iterator[Problem]:
    """An alert on a bound has at least one severity."""
    for path, _ in draft.of(BoundAlert):
        if not _severities(draft, path) and path not in draft.flawed:
            expected = f"at least one of {_list(SEVERITIES)}"
            yield draft.problem(path, expected, "no severity")


def conditions_have_one_severity(draft: Draft) -> Iterator[Problem]:
    """A state is there or not: one severity says how bad it is."""
    for path, _ in draft.of(ConditionAlert):
        found = _severities(draft, path)
        if len(found) != 1 and path not in draft.flawed:
            shown = _list(found) if found else "no severity"
            yield draft.problem(path, f"exactly one of {_list(SEVERITIES)}", shown)


def _severities(draft: Draft, alert: str) -> list[str]:
    return [severity for severity in SEVERITIES if f"{alert}.{severity}" in draft.positions]


def _list(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(quoted(name) for name in names)


def severities_are_in_order(draft: Draft) -> Iterator[Problem]:
    """A milder severity fires at a milder bound."""
    by_alert: dict[str, list[Aim]] = {}
    for aim in aims(draft):
        by_alert.setdefault(aim.alert, []).append(aim)
    for found in by_alert.values():
        # SEVERITIES begins with the worst, and so does each pair.
        for worse, lower in combinations(found, 2):
            limit, value = draft.number(worse.edge), draft.number(lower.edge)
            if limit is None or value is None or lower.is_milder(value, worse, limit):
                continue
            unit = lower.shape.cls.unit
            shown = f"{quoted(draft.leaves[lower.path].text)} ({format_value(value, unit)})"
            spelled = f"{worse.severity} ({format_value(limit, unit)})"
            yield draft.problem(lower.path, f"a milder bound than that of {spelled}", shown)


def bounds_can_be_read(draft: Draft) -> Iterator[Problem]:
    """A quantile of a histogram never reads more than the highest finite bucket."""
    buckets = draft.whole_list(_BUCKETS)
    for aim in _first_of_each_bound(draft):
        value = draft.number(aim.edge)
        if aim.rows.histogram and buckets and value is not None and value >= buckets[-1]:
            top = format_value(buckets[-1], Unit.DURATION)
            reason = f"{aim.alert}.{aim.severity} fires above it, and no quantile reads more"
            yield draft.problem(
                aim.edge, f"a duration below the highest of {_BUCKETS} ({top}): {reason}"
            )


def shares_can_be_exceeded(draft: Draft) -> Iterator[Problem]:
    """Nothing is more than all."""
    for aim in _first_of_each_bound(draft):
        whole = aim.shape.cls.unit is Unit.RATIO and draft.number(aim.edge) == 1
        if whole and not aim.edge.startswith(_UNLIMITED_SHARES):
            reason = f"{aim.alert}.{aim.severity} fires above it, and no share is more"
            yield draft.problem(aim.edge, f"a share below 100%: {reason}")


def _first_of_each_bound(draft: Draft) -> list[Aim]:
    by_bound: dict[str, Aim] = {}
    for aim in aims(draft):
        by_bound.setdefault(aim.edge, aim)
    return list(by_bound.values())


def windows_hold_two_samples(draft: Draft) -> Iterator[Problem]:
    """A rate or a slope needs two samples."""
    interval = draft.number("service.scrape_interval")
    if interval is None or interval > LONGEST_INTERVAL:
        return
    ranges = [f"{record}.{name}" for record in draft.records for name in _WINDOWS]
    least = format_value(2 * interval, Unit.DURATION)
    for path in ranges:
        value = draft.number(path)
        if value is not None and value < 2 * interval:
            reason = "two of service.scrape_interval, as a rate needs two samples"
            yield draft.problem(path, f"at least {least}: {reason}")


def leaks_outlast_a_jump(draft: Draft) -> Iterator[Problem]:
    """A single jump stays in the slope for the whole window."""
    for path, _ in draft.of(LeakAlert):
        window = draft.number(f"{path}.window")
        for severity in SEVERITIES:
            wait = f"{path}.{severity}.for"
            value = draft.number(wait)
            if window is not None and value is not None and value <= window:
                limit = format_value(window, Unit.DURATION)
                reason = "a single jump of memory stays in the slope as long"
                yield draft.problem(wait, f"a duration above {path}.window ({limit}): {reason}")
