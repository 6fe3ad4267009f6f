"""What the alerts and the guide's rules detect in a scenario, who is notified, and false alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from generator.alerts.clock import Clock
from generator.alerts.model import Alert
from generator.scenarios.render import due, with_lower_severities
from generator.scenarios.scenario import RequiredAlert, Scenario
from generator.scoreboard.notifications import Firing, Notification
from generator.thresholds.settings import SEVERITIES, Severity

# Receivers that wake somebody; `fallback` is for pages that do not arrive.
PAGING: Final = ("pages", "fallback")
TICKETS: Final = "tickets"


@dataclass(frozen=True)
class Observed:
    """What fires in a scenario, and what is sent of it."""

    firings: Sequence[Firing]
    notifications: Sequence[Notification]


@dataclass(frozen=True)
class Notified:
    """How many pages and tickets are sent, of firing or resolved alerts.

    `paged_after`: seconds from the beginning of the incident to its first page.
    """

    paged_after: float | None
    pages: int
    tickets: int

    @property
    def paged(self) -> bool:
        return self.paged_after is not None

    @property
    def pages_nobody(self) -> bool:
        return not self.pages


@dataclass(frozen=True)
class Detection:
    """A required alert: its deadline and its first firing, in seconds since the incident began."""

    required: RequiredAlert
    due: float
    after: float | None

    @property
    def in_time(self) -> bool:
        return self.after is not None and self.after <= self.due

    @property
    def name(self) -> str:
        return f"{self.required.alert.name} ({self.required.trigger.severity})"


@dataclass(frozen=True)
class Result:
    """Detections, false alerts and notifications, by the bundle and by the guide's rules.

    For the guide any rule that fires after the start of the incident counts as detection.
    """

    scenario: Scenario
    detections: tuple[Detection, ...]
    false_alerts: tuple[str, ...]
    notified: Notified
    guide_after: float | None
    guide_rules: tuple[str, ...]
    guide_false_alerts: tuple[str, ...]
    guide_notified: Notified

    @property
    def negative(self) -> bool:
        return not self.scenario.required

    @property
    def severity(self) -> Severity:
        """The highest one that is required of an incident."""
        required = (each.trigger.severity for each in self.scenario.required)
        return min(required, key=SEVERITIES.index)

    @property
    def urgent(self) -> bool:
        """An incident that must page."""
        return self.severity == "critical"

    @property
    def detected(self) -> bool:
        return all(each.after is not None for each in self.detections)

    @property
    def in_time(self) -> bool:
        return all(each.in_time for each in self.detections)

    @property
    def silent(self) -> bool:
        return not self.false_alerts

    @property
    def good(self) -> bool:
        return self.in_time and self.silent

    @property
    def guide_detected(self) -> bool:
        return self.guide_after is not None

    @property
    def guide_in_time(self) -> bool:
        """By the last of the bundle's deadlines."""
        latest = max((each.due for each in self.detections), default=0.0)
        return self.guide_after is not None and self.guide_after <= latest

    @property
    def guide_silent(self) -> bool:
        return not self.guide_false_alerts


def result(
    scenario: Scenario,
    clock: Clock,
    alerts: Sequence[Alert],
    bundle: Observed,
    guide: Observed,
) -> Result:
    begins, fired = scenario.begins, bundle.firings
    detecting = [each for each in guide.firings if begins is not None and each.start >= begins]
    first = min((each.start for each in detecting), default=None)
    return Result(
        scenario,
        _slowest(_detection(each, clock, fired) for each in scenario.required),
        _names(_false_alerts(scenario, alerts, fired)),
        _notified(begins, bundle.notifications),
        None if first is None or begins is None else first - begins,
        _names(each for each in detecting if each.start == first),
        _names(each for each in guide.firings if each not in detecting),
        _notified(begins, guide.notifications),
    )


def _notified(begins: float | None, notifications: Sequence[Notification]) -> Notified:
    pages = [each for each in notifications if each.receiver in PAGING]
    first = min(
        (each.at for each in pages if begins is not None and each.at >= begins), default=None
    )
    return Notified(
        None if first is None or begins is None else first - begins,
        len(pages),
        sum(each.receiver == TICKETS for each in notifications),
    )


def _slowest(detections: Iterable[Detection]) -> tuple[Detection, ...]:
    """Of each alert, the detection on the instance where it takes longest."""
    found: dict[str, Detection] = {}
    for each in detections:
        known = found.setdefault(each.name, each)
        if known.after is not None and (each.after is None or each.after > known.after):
            found[each.name] = each
    return tuple(found.values())


def _detection(required: RequiredAlert, clock: Clock, fired: Sequence[Firing]) -> Detection:
    severity = required.trigger.severity
    times = [
        each.start
        for each in fired
        if _matches(each, required) and each.labels["severity"] == severity
    ]
    after = min(times) - required.since if times else None
    return Detection(required, due(required, clock) - required.since, after)


def _false_alerts(
    scenario: Scenario, alerts: Sequence[Alert], fired: Sequence[Firing]
) -> Iterable[Firing]:
    begins, allowed = scenario.begins, scenario.allowed(alerts)
    for each in fired:
        matches = any(_matches(each, one) for one in scenario.required)
        expected = matches or each.labels["alertname"] in allowed
        if begins is None or each.start < begins or not expected:
            yield each


def _matches(fired: Firing, required: RequiredAlert) -> bool:
    """The required alert, at its severity or a lower one."""
    name, instance = required.alert.name, required.labels.get("instance", "")
    same = (fired.labels["alertname"], fired.labels["instance"]) == (name, instance)
    return same and fired.labels["severity"] in with_lower_severities(required)


def _names(fired: Iterable[Firing]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.name for each in fired))
