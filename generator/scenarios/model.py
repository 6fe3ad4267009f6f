"""What a scenario is: courses of one or two instances, what must fire by when, and what may."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from generator.alerts.clock import Clock
from generator.alerts.model import LABELS, Alert, Family, Trigger
from generator.scenarios.world import World

# From this length on (seconds) samples are that far apart: rules of hours need none every 15 s.
_PACES: Final = ((2700.0, 30), (9000.0, 60), (24000.0, 120))


@dataclass(frozen=True)
class Demand:
    """An alert of one severity that must begin to fire after `since` and by `due`.

    `gone`: by then it must have ended again.
    """

    alert: Alert
    trigger: Trigger
    instance: str
    since: float
    due: float
    gone: float | None = None

    @property
    def labels(self) -> dict[str, str]:
        """What tells it apart in ALERTS."""
        here = {"instance": self.instance} if "instance" in LABELS[self.alert.scope] else {}
        return {"alertname": self.alert.name, **here, "severity": self.trigger.severity}


@dataclass(frozen=True, kw_only=True)
class May:
    """What may fire as well, and why that is right: alerts of families, and single ones.

    A family's later alerts are included; `but` are those of it that must stay silent.
    """

    reason: str
    families: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    but: tuple[str, ...] = ()

    def covers(self, alert: Alert) -> bool:
        return alert.key in self.keys or (
            alert.family in self.families and alert.key not in self.but
        )


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A course of hours, told in two sentences by `story`.

    `must` is empty for a quiet one. Nothing fires before an incident begins. `pace` (seconds) is
    how far apart samples may be where it matters, as to a sawtooth.
    """

    name: str
    family: Family
    story: str
    length: float
    worlds: tuple[World, ...]
    must: tuple[Demand, ...] = ()
    may: tuple[May, ...] = ()
    pace: int | None = None

    @property
    def begins(self) -> float | None:
        """When the incident does."""
        return min((demand.since for demand in self.must), default=None)

    def clock(self, base: Clock) -> Clock:
        """One that has few samples in a long course, but is no faster than `base`."""
        paces = [pace for length, pace in _PACES if self.length >= length]
        return Clock(max(base.interval, self.pace or max(paces, default=0)))

    def grid(self, base: Clock) -> tuple[Clock, int]:
        """The clock, and how long samples come: until after the last evaluation."""
        clock = self.clock(base)
        return clock, clock.tick(self.length) + clock.interval

    def allowed(self, alerts: Iterable[Alert]) -> tuple[str, ...]:
        """Names of the alerts that may fire as well; never of a demanded one."""
        demanded = {demand.alert.name for demand in self.must}
        return tuple(
            alert.name
            for alert in alerts
            if alert.name not in demanded and any(may.covers(alert) for may in self.may)
        )
