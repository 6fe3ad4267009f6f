"""What every alert would have done over a range of what a Prometheus remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from generator.alerts import all_alerts, all_recordings
from generator.alerts.model import Alert, Recording, Trigger
from generator.history.client import Range, RangeSeries
from generator.history.episodes import Episode, episodes
from generator.history.inline import inlined
from generator.promql import number, plain
from generator.thresholds import Thresholds

# What every Prometheus has that scrapes anything or evaluates the watchdog.
ANYTHING: Final = "count(up{}) or count(ALERTS{})"

# Seconds of a range in which a series is there if it is ever recorded.
BEGINNING: Final = 3600.0

# A range query, and whether a series was recorded.
Query = Callable[[str, Range], list[RangeSeries]]
Known = Callable[[str, Range], bool]


@dataclass(frozen=True)
class Past:
    """The firings of one severity of an alert, of all its series, by their start."""

    alert: str
    severity: str
    episodes: tuple[Episode, ...]

    def firings(self, span: Range) -> list[tuple[float, float]]:
        """Start and end of each, as far as they are in the range."""
        return [
            (max(each.start, span.start), span.end if each.end is None else each.end)
            for each in self.episodes
        ]

    def seconds(self, span: Range) -> float:
        """Of the range in which it fires at all."""
        total, reached = 0.0, span.start
        for start, end in self.firings(span):
            total += max(0.0, end - max(start, reached))
            reached = max(reached, end)
        return total


@dataclass(frozen=True)
class History:
    """Asks for what was, with what was not recorded written out."""

    query: Query
    missing: Mapping[str, Recording]
    step: float

    def series(self, expr: str, span: Range) -> list[RangeSeries]:
        """Of an expression with braces at every selector."""
        return self.query(plain(inlined(expr, self.missing, self.step)), span)


def history(query: Query, known: Known, thresholds: Thresholds, span: Range) -> History:
    """Of one Prometheus, as far as the rules of these thresholds need it.

    A series that is not there at the beginning of the range may have been recorded later only.
    """
    beginning = replace(span, end=min(span.end, span.start + BEGINNING))
    recorded = all_recordings(thresholds, all_alerts(thresholds))
    rules = {each.name: each for family in recorded.values() for each in family}
    missing = {name: rule for name, rule in rules.items() if not known(name, beginning)}
    return History(query, missing, thresholds.service.evaluation_interval)


def backtest(past: History, alerts: Iterable[Alert], span: Range) -> Iterator[Past]:
    """Every severity of every alert, but those that always fire.

    The range begins early enough that what fires at its start is known to. Moments of which there
    is nothing at all, before Prometheus ran or beyond what it keeps, are left out.
    """
    rules = [
        (alert, trigger)
        for alert in alerts
        if alert.key != "watchdog"
        for trigger in alert.triggers
    ]
    lead = max(trigger.for_ + alert.keep_firing_for for alert, trigger in rules)
    known = {time for each in past.series(ANYTHING, span.earlier(lead)) for time in each.values}
    for alert, trigger in rules:
        yield Past(alert.name, trigger.severity, _fired(past, alert, trigger, span, known))


def _fired(
    past: History, alert: Alert, trigger: Trigger, span: Range, known: set[float]
) -> tuple[Episode, ...]:
    whole = span.earlier(trigger.for_ + alert.keep_firing_for)
    guard = f"\n{trigger.guard}" if trigger.guard else ""
    expr = f"{alert.quantity} {alert.op} {number(alert.bound(trigger))}{guard}"
    found = [
        episode
        for series in past.series(expr, whole)
        for episode in episodes(
            known & series.values.keys(), whole, trigger.for_, alert.keep_firing_for
        )
        if episode.end is None or episode.end > span.start
    ]
    return tuple(sorted(found, key=lambda each: each.start))
