"""When each alert would have fired over a range of a Prometheus's history."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from generator.alerts import all_alerts, all_recordings
from generator.alerts.model import Alert, Recording, Trigger
from generator.history.client import Range, RangeSeries
from generator.promql import number, plain
from generator.thresholds import Thresholds
from generator.thresholds.units import format_duration

# Has a value whenever Prometheus scraped a target or evaluated the watchdog.
RUNNING: Final = "count(up{}) or count(ALERTS{})"
# A series that is recorded at all has samples within the first hour of the range.
_RECORDED_WITHIN: Final = 3600.0
# A recorded series with empty braces, its range or subquery, and its offset.
_RECORDED: Final = re.compile(
    r"(?P<name>[a-z]+:\w+:\w+)\{\}(?:\[(?P<range>\w+)(?::(?P<step>\w*))?\])?"
    r"(?: offset (?P<offset>\w+))?"
)

# Runs a range query.
Query = Callable[[str, Range], list[RangeSeries]]
# Whether a series of that name exists in the range.
Exists = Callable[[str, Range], bool]


@dataclass(frozen=True)
class Firing:
    """In Unix time; `end` is None if the alert still fires at the end of the range."""

    start: float
    end: float | None


@dataclass(frozen=True)
class RuleHistory:
    """The firings of one severity of an alert, of all its series, ordered by start."""

    alert: str
    severity: str
    firings: tuple[Firing, ...]

    def intervals(self, span: Range) -> list[tuple[float, float]]:
        """Start and end of each firing within the range."""
        return [
            (max(each.start, span.start), span.end if each.end is None else each.end)
            for each in self.firings
        ]

    def firing_seconds(self, span: Range) -> float:
        """How long any of its series fires within the range."""
        total, reached = 0.0, span.start
        for start, end in self.intervals(span):
            total += max(0.0, end - max(start, reached))
            reached = max(reached, end)
        return total


@dataclass(frozen=True)
class History:
    """Queries a Prometheus, with the recording rules that it does not have expanded."""

    query: Query
    missing: Mapping[str, Recording]
    evaluation_interval: float

    def series(self, expr: str, span: Range) -> list[RangeSeries]:
        """The result of an expression with braces at every selector."""
        return self.query(plain(expand(expr, self.missing, self.evaluation_interval)), span)


def history(query: Query, exists: Exists, thresholds: Thresholds, span: Range) -> History:
    """A series that is missing at the start of the range counts as not recorded."""
    beginning = replace(span, end=min(span.end, span.start + _RECORDED_WITHIN))
    recordings = all_recordings(thresholds, all_alerts(thresholds))
    missing = {
        rule.name: rule
        for family in recordings.values()
        for rule in family
        if not exists(rule.name, beginning)
    }
    return History(query, missing, thresholds.service.evaluation_interval)


def backtest(past: History, alerts: Iterable[Alert], span: Range) -> Iterator[RuleHistory]:
    """The history of every severity of every alert except the watchdog.

    Evaluation starts before the range, to know what fires at its start. Times without any data,
    before Prometheus ran or beyond its retention, are ignored.
    """
    rules = [
        (alert, trigger)
        for alert in alerts
        if alert.key != "watchdog"
        for trigger in alert.triggers
    ]
    lead = max(trigger.for_ + alert.keep_firing_for for alert, trigger in rules)
    running = {time for each in past.series(RUNNING, span.earlier(lead)) for time in each.values}
    for alert, trigger in rules:
        found = tuple(_evaluate(past, alert, trigger, span, running))
        yield RuleHistory(
            alert.name, trigger.severity, tuple(sorted(found, key=lambda each: each.start))
        )


def _evaluate(
    past: History, alert: Alert, trigger: Trigger, span: Range, running: set[float]
) -> Iterator[Firing]:
    whole = span.earlier(trigger.for_ + alert.keep_firing_for)
    guard = f"\n{trigger.guard}" if trigger.guard else ""
    expr = f"{alert.quantity} {alert.op} {number(alert.bound(trigger))}{guard}"
    for series in past.series(expr, whole):
        times = running & series.values.keys()
        for each in firings(times, whole, trigger.for_, alert.keep_firing_for):
            if each.end is None or each.end > span.start:
                yield each


def firings(
    true_at: Collection[float], span: Range, for_: float, keep_firing_for: float
) -> Iterator[Firing]:
    """The firings of a series whose condition is true at these times of the range.

    The same states as in `AlertingRule.Eval` of Prometheus (rules/alerting.go): pending while the
    condition is true, firing once it has been true for `for`, inactive once it has been false for
    `keep_firing_for`.
    """
    indexes = {span.index(time) for time in true_at}
    pending_since = firing_since = false_since = None
    for index, time in enumerate(span.times()):
        if index in indexes:
            false_since = None
            pending_since = time if pending_since is None else pending_since
            if firing_since is None and time - pending_since >= for_:
                firing_since = time
        elif firing_since is not None:
            false_since = time if false_since is None else false_since
            if time - false_since >= keep_firing_for:
                yield Firing(firing_since, time)
                pending_since = firing_since = false_since = None
        else:
            pending_since = None
    if firing_since is not None:
        yield Firing(firing_since, None)


def expand(expr: str, missing: Mapping[str, Recording], interval: float) -> str:
    """Replace missing series by the expressions of their rules, and ranges over them by subqueries.

    `interval` is the rules' evaluation interval in seconds.
    """
    step = format_duration(interval)

    def expanded(found: re.Match[str]) -> str:
        recording = missing.get(found["name"])
        if recording is None:
            return found[0]
        inner = f"({expand(recording.expr, missing, interval)})"
        offset = f" offset {found['offset']}" if found["offset"] else ""
        if found["range"]:
            return f"{inner}[{found['range']}:{found['step'] or step}]{offset}"
        return f"last_over_time({inner}[{step}:{step}]{offset})" if offset else inner

    return _RECORDED.sub(expanded, expr)
