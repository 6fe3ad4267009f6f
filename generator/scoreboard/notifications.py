"""Which notifications a configured Alertmanager sends of alerts that fire at known times.

Alertmanager flushes a group of alerts once `group_wait` has passed, then every `group_interval`
while one of them fires; at each flush it decides whether to notify the receiver.
tests/live/test_notifications.py compares the result with the real program. Assumed here: receivers
want resolved alerts too; an alert that begins at the time of a flush is part of it; a group in
which nothing fires any more is dropped at once.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from generator.thresholds.units import Unit, parse
from generator.yamlfile import read_yaml

_MATCHER: Final = re.compile(r'(\w+)(=~?)"(.*)"')


@dataclass(frozen=True)
class Labels:
    """The labels of an alert, sorted, so that equal ones compare equal."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> Labels:
        return cls(tuple(sorted(labels.items())))

    def __getitem__(self, name: str) -> str:
        """A label that is missing is the same as an empty one."""
        return dict(self.pairs).get(name, "")


@dataclass(frozen=True)
class Firing:
    """An alert fires from `start` until before `end`, in seconds."""

    labels: Labels
    start: float
    end: float

    @property
    def name(self) -> str:
        """The guide's rules have no severity."""
        alert, severity = self.labels["alertname"], self.labels["severity"]
        return f"{alert} ({severity})" if severity else alert


@dataclass(frozen=True)
class Notification:
    """What a receiver is sent at a flush."""

    receiver: str
    at: float
    firing: frozenset[Labels]
    resolved: frozenset[Labels]


@dataclass(frozen=True)
class _Matchers:
    patterns: tuple[tuple[str, re.Pattern[str]], ...]

    @classmethod
    def read(cls, texts: Iterable[str]) -> _Matchers:
        """Raises ValueError for any operator but `=` and `=~`."""
        found = []
        for text in texts:
            if not (parts := _MATCHER.fullmatch(text)):
                raise ValueError(f"not a matcher: {text}")
            name, operator, value = parts.groups()
            found.append((name, re.compile(value if operator == "=~" else re.escape(value))))
        return cls(tuple(found))

    def match(self, labels: Labels) -> bool:
        return all(pattern.fullmatch(labels[name]) for name, pattern in self.patterns)


@dataclass(frozen=True)
class _Route:
    receiver: str
    matchers: _Matchers
    group_by: tuple[str, ...]
    group_wait: float
    group_interval: float
    repeat_interval: float


@dataclass(frozen=True)
class _InhibitRule:
    source: _Matchers
    target: _Matchers
    equal: tuple[str, ...]

    def mutes(self, target: Labels, sources: Iterable[Labels]) -> bool:
        """Whether one of the firing `sources` mutes `target`.

        Alerts that are source and target of the same rule do not mute each other.
        """
        if not self.target.match(target):
            return False
        both = self.source.match(target)
        return any(
            self.source.match(each)
            and not (both and self.target.match(each))
            and all(each[name] == target[name] for name in self.equal)
            for each in sources
        )


@dataclass(frozen=True)
class Alertmanager:
    """Routes of one level without `continue`, the default one last, and inhibition rules."""

    routes: tuple[_Route, ...]
    inhibit_rules: tuple[_InhibitRule, ...]

    @classmethod
    def read(cls, configuration: str) -> Alertmanager:
        document = read_yaml(configuration)
        default = {**document["route"], "matchers": ()}
        routes = (*default.get("routes", ()), default)
        return cls(
            tuple(_route({**default, **each}) for each in routes),
            tuple(
                _InhibitRule(
                    _Matchers.read(each["source_matchers"]),
                    _Matchers.read(each["target_matchers"]),
                    tuple(each["equal"]),
                )
                for each in document["inhibit_rules"]
            ),
        )

    def notifications(self, firings: Sequence[Firing], end: float) -> list[Notification]:
        """What is sent until `end`, by time."""
        groups = defaultdict(list)
        for each in firings:
            route = next(one for one in self.routes if one.matchers.match(each.labels))
            groups[route, tuple(each.labels[name] for name in route.group_by)].append(each)
        sent = [
            notification
            for (route, _), members in groups.items()
            for notification in self._of_group(route, members, firings, end)
        ]
        return sorted(sent, key=lambda each: each.at)

    def _of_group(
        self, route: _Route, members: Sequence[Firing], everything: Sequence[Firing], end: float
    ) -> Iterator[Notification]:
        last, before = -math.inf, None
        at = min(each.start for each in members) + route.group_wait
        while at <= end:
            firing = {each.labels for each in everything if each.start <= at < each.end}
            group = {each.labels for each in members if each.start <= at and each.end > last}
            unmuted = frozenset(each for each in group if not self._muted(each, firing))
            now = Notification(route.receiver, at, unmuted & firing, unmuted - firing)
            if _is_due(before, now, route.repeat_interval):
                yield now
                before = now
            last = at
            if group & firing:
                at += route.group_interval
            else:
                later = (each.start for each in members if each.start > last)
                at = min(later, default=math.inf) + route.group_wait

    def _muted(self, target: Labels, sources: Iterable[Labels]) -> bool:
        return any(each.mutes(target, sources) for each in self.inhibit_rules)


def _route(settings: Mapping[str, Any]) -> _Route:
    return _Route(
        receiver=settings["receiver"],
        matchers=_Matchers.read(settings["matchers"]),
        group_by=tuple(settings["group_by"]),
        group_wait=parse(settings["group_wait"], Unit.DURATION),
        group_interval=parse(settings["group_interval"], Unit.DURATION),
        repeat_interval=parse(settings["repeat_interval"], Unit.DURATION),
    )


def _is_due(before: Notification | None, now: Notification, repeat_interval: float) -> bool:
    """Whether `now` is sent, given what was last sent of the group."""
    if before is None:
        return bool(now.firing)
    if not now.firing:
        return bool(before.firing and now.resolved)
    return (
        not now.firing <= before.firing
        or not now.resolved <= before.resolved
        or now.at - before.at > repeat_interval
    )
