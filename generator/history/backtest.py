"""When each alert would have fired over a range of a Prometheus's history."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from generator.alerts import all_alerts, all_recordings
from generator.alerts.model import Alert, Recording, Trigger
from generator.history.client import Prometheus, Range, RangeSeries
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

# Start and end of a firing in Unix time.
Interval = tuple[float, float]


@dataclass(frozen=True)
class RuleHistory:
    """The firings of one severity of an alert within a range, of all its series, by start."""

    alert: str
    severity: str
    firings: tuple[Interval, ...]

    @property
    def seconds(self) -> float:
        """How long any of its series fires."""
        total, reached = 0.0, -math.inf
        for start, end in self.firings:
            total += max(0.0, end - max(start, reached))
            reached = max(reached, end)
        return total


class History:
    """A range of a Prometheus's history, as far as the rules of some thresholds need it."""

    def __init__(self, prometheus: Prometheus, thresholds: Thresholds, span: Range) -> None:
        """A recording rule without samples at the start of the range counts as missing."""
        self.alerts = all_alerts(thresholds)
        self.span = span
        self._prometheus = prometheus
        self._interval = thresholds.service.evaluation_interval
        beginning = replace(span, end=min(span.end, span.start + _RECORDED_WITHIN))
        recordings = all_recordings(thresholds, self.alerts)
        self.missing = {
            rule.name: rule
            for family in recordings.values()
            for rule in family
            if not prometheus.has(rule.name, beginning)
        }

    def series(self, expr: str, span: Range | None = None) -> list[RangeSeries]:
        """The result of an expression with braces at every selector; expands missing recordings."""
        query = plain(expand(expr, self.missing, self._interval))
        return self._prometheus.range(query, span or self.span)

    def backtest(self) -> list[RuleHistory]:
        """Every severity of every alert except the watchdog.

        Evaluation starts before the range, to know what fires at its start. Times without any data,
        before Prometheus ran or beyond its retention, are ignored.
        """
        rules = [
            (alert, trigger)
            for alert in self.alerts
            if alert.key != "watchdog"
            for trigger in alert.triggers
        ]
        lead = max(trigger.for_ + alert.keep_firing_for for alert, trigger in rules)
        found = self.series(RUNNING, self.span.earlier(lead))
        running = {time for each in found for time in each.values}
        return [
            RuleHistory(
                alert.name, trigger.severity, tuple(sorted(self._firings(alert, trigger, running)))
            )
            for alert, trigger in rules
        ]

    def _firings(self, alert: Alert, trigger: Trigger, running: set[float]) -> Iterator[Interval]:
        whole = self.span.earlier(trigger.for_ + alert.keep_firing_for)
        guard = f"\n{trigger.guard}" if trigger.guard else ""
        expr = f"{alert.quantity} {alert.op} {number(alert.bound(trigger))}{guard}"
        for series in self.series(expr, whole):
            times = running & series.values.keys()
            for start, end in firings(times, whole, trigger.for_, alert.keep_firing_for):
                if end > self.span.start:
                    yield max(start, self.span.start), end


def firings(
    true_at: Collection[float], span: Range, for_: float, keep_firing_for: float
) -> Iterator[Interval]:
    """The firings of a series whose condition is true at these times of the range.

    One that lasts longer ends with the range. The states are those of `AlertingRule.Eval` in
    Prometheus (rules/alerting.go): pending while the condition is true, firing once it has been
    true for `for`, inactive once it has been false for `keep_firing_for`.
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
                yield firing_since, time
                pending_since = firing_since = false_since = None
        else:
            pending_since = None
    if firing_since is not None:
        yield firing_since, span.end


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
