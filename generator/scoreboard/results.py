"""What the alerts and the guide's rules detect in a scenario, after how long, and false alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from generator.alerts.clock import Clock
from generator.alerts.model import Alert
from generator.scenarios.render import due, with_lower_severities
from generator.scenarios.scenario import RequiredAlert, Scenario
from generator.scoreboard.firings import FirstFiring
from generator.thresholds.units import format_duration


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

    @property
    def time(self) -> str:
        return _text(self.after)

    @property
    def deadline(self) -> str:
        return format_duration(self.due)


@dataclass(frozen=True)
class BundleResult:
    detections: tuple[Detection, ...]
    false_alerts: tuple[str, ...]

    @property
    def detected(self) -> bool:
        return all(each.after is not None for each in self.detections)

    @property
    def in_time(self) -> bool:
        return all(each.in_time for each in self.detections)

    @property
    def good(self) -> bool:
        return self.in_time and not self.false_alerts


@dataclass(frozen=True)
class GuideResult:
    """Any rule that fires after the start of the incident counts as detection."""

    after: float | None
    rules: tuple[str, ...]
    false_alerts: tuple[str, ...]

    @property
    def time(self) -> str:
        return _text(self.after)


def bundle_result(
    scenario: Scenario, clock: Clock, alerts: Sequence[Alert], fired: Sequence[FirstFiring]
) -> BundleResult:
    allowed = scenario.allowed(alerts)
    begins = scenario.begins
    false_alerts = [
        each
        for each in fired
        if begins is None
        or each.at < begins
        or not (each.alert in allowed or any(_matches(each, one) for one in scenario.required))
    ]
    detections = tuple(_detection(required, clock, fired) for required in scenario.required)
    return BundleResult(detections, _names(false_alerts))


def _detection(required: RequiredAlert, clock: Clock, fired: Sequence[FirstFiring]) -> Detection:
    severity = required.trigger.severity
    times = [each.at for each in fired if _matches(each, required) and each.severity == severity]
    after = min(times) - required.since if times else None
    return Detection(required, due(required, clock) - required.since, after)


def _matches(fired: FirstFiring, required: RequiredAlert) -> bool:
    """The required alert, at its severity or a lower one."""
    same = (fired.alert, fired.instance) == (
        required.alert.name,
        required.labels.get("instance", ""),
    )
    return same and fired.severity in with_lower_severities(required)


def guide_result(scenario: Scenario, fired: Sequence[FirstFiring]) -> GuideResult:
    begins = scenario.begins
    detecting = [each for each in fired if begins is not None and each.at >= begins]
    first = min((each.at for each in detecting), default=None)
    return GuideResult(
        None if first is None or begins is None else first - begins,
        _names(each for each in detecting if each.at == first),
        _names(each for each in fired if each not in detecting),
    )


def _names(fired: Iterable[FirstFiring]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.name for each in fired))


def _text(seconds: float | None) -> str:
    return "never" if seconds is None else format_duration(seconds)
