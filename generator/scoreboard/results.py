"""What the alerts and the guide's rules detect in a scenario, after how long, and false alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from generator.alerts.clock import Clock
from generator.alerts.model import Alert
from generator.scenarios.render import due, with_lower_severities
from generator.scenarios.scenario import RequiredAlert, Scenario
from generator.scoreboard.firings import FirstFiring


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
    """The detections and false alerts of a scenario, by the bundle and by the guide's rules.

    For the guide any rule that fires after the start of the incident counts as detection.
    """

    scenario: Scenario
    detections: tuple[Detection, ...]
    false_alerts: tuple[str, ...]
    guide_after: float | None
    guide_rules: tuple[str, ...]
    guide_false_alerts: tuple[str, ...]

    @property
    def negative(self) -> bool:
        return not self.scenario.required

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
    fired: Sequence[FirstFiring],
    guide: Sequence[FirstFiring],
) -> Result:
    begins = scenario.begins
    detecting = [each for each in guide if begins is not None and each.at >= begins]
    first = min((each.at for each in detecting), default=None)
    return Result(
        scenario,
        tuple(_detection(each, clock, fired) for each in scenario.required),
        _names(_false_alerts(scenario, alerts, fired)),
        None if first is None or begins is None else first - begins,
        _names(each for each in detecting if each.at == first),
        _names(each for each in guide if each not in detecting),
    )


def _detection(required: RequiredAlert, clock: Clock, fired: Sequence[FirstFiring]) -> Detection:
    severity = required.trigger.severity
    times = [each.at for each in fired if _matches(each, required) and each.severity == severity]
    after = min(times) - required.since if times else None
    return Detection(required, due(required, clock) - required.since, after)


def _false_alerts(
    scenario: Scenario, alerts: Sequence[Alert], fired: Sequence[FirstFiring]
) -> Iterable[FirstFiring]:
    begins, allowed = scenario.begins, scenario.allowed(alerts)
    for each in fired:
        expected = each.alert in allowed or any(_matches(each, one) for one in scenario.required)
        if begins is None or each.at < begins or not expected:
            yield each


def _matches(fired: FirstFiring, required: RequiredAlert) -> bool:
    """The required alert, at its severity or a lower one."""
    name, instance = required.alert.name, required.labels.get("instance", "")
    same = (fired.alert, fired.instance) == (name, instance)
    return same and fired.severity in with_lower_severities(required)


def _names(fired: Iterable[FirstFiring]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.name for each in fired))
