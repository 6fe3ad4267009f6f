"""What a scenario is: hours of one or two instances, which alerts must fire by when, which may."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from generator.alerts.clock import Clock
from generator.alerts.model import LABELS, Alert, Effect, Family, Trigger
from generator.scenarios.instance import Instance
from generator.scenarios.timeseries import Span, TimeSeries

# From this length on (seconds) samples are that far apart: rules of hours need none every 15 s.
_SAMPLE_INTERVALS: Final = ((2700.0, 30), (9000.0, 60), (24000.0, 120))


@dataclass(frozen=True)
class RequiredAlert:
    """An alert of one severity that must begin to fire after `since` and by `due`.

    `resolved`: by then it must have ended again.
    """

    alert: Alert
    trigger: Trigger
    instance: str
    since: float
    due: float
    resolved: float | None = None

    @property
    def labels(self) -> dict[str, str]:
        """What distinguishes it in ALERTS."""
        here = {"instance": self.instance} if "instance" in LABELS[self.alert.scope] else {}
        return {"alertname": self.alert.name, **here, "severity": self.trigger.severity}


@dataclass(frozen=True, kw_only=True)
class Events:
    """What happens within `length` seconds, and the alerts that must fire: none if all is well.

    Alerts that detect the same effects as the required ones may fire as well, and those that detect
    one in `also`. `sample_interval` is the longest one (seconds) that does not miss what happens.
    `lost_notifications` are those that Alertmanager could not deliver, a second.
    """

    length: float
    instances: tuple[Instance, ...]
    required: tuple[RequiredAlert, ...] = ()
    also: tuple[Effect, ...] = ()
    sample_interval: int | None = None
    lost_notifications: TimeSeries[float] | None = None


@dataclass(frozen=True)
class Incident(Span):
    """How long a fault and its scenario last, and the alerts that must fire."""

    length: float
    required: tuple[RequiredAlert, ...]

    def events(self, *instances: Instance, also: tuple[Effect, ...] = ()) -> Events:
        return Events(length=self.length, instances=instances, required=self.required, also=also)


@dataclass(frozen=True, kw_only=True)
class Scenario(Events):
    """Events with a name; `story` tells them in two sentences."""

    name: str
    family: Family
    story: str

    @property
    def begins(self) -> float | None:
        """When the incident begins; nothing may fire before."""
        return min((each.since for each in self.required), default=None)

    def clock(self, base: Clock) -> Clock:
        """One that takes few samples of a long scenario, but is no faster than `base`."""
        intervals = [interval for length, interval in _SAMPLE_INTERVALS if self.length >= length]
        return Clock(max(base.interval, self.sample_interval or max(intervals, default=0)))

    def samples(self, base: Clock) -> tuple[Clock, int]:
        """The clock, and how long samples come: until after the last evaluation."""
        clock = self.clock(base)
        return clock, clock.tick(self.length) + clock.interval

    def allowed(self, alerts: Iterable[Alert]) -> tuple[str, ...]:
        """Names of the alerts that may fire as well; never of a required one."""
        required = {each.alert.name for each in self.required}
        effects = {*self.also, *(each.alert.detects for each in self.required)}
        others = (alert for alert in alerts if alert.name not in required)
        return tuple(alert.name for alert in others if alert.detects in effects)
