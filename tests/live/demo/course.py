"""The course of one fault through the stack: injected, fired, told, ended, resolved."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from demo.clients import ActiveAlert
from demo.faults import Fault
from demo.receiver import Notification
from demo.stack import Options, Stack
from demo.status import WATCHDOG
from generator.deploy.alertmanager import RECEIVERS
from tests import tools
from tests.live.waiting import until
from tests.tools.skipping import or_skip

Key = tuple[str, str]
PATIENCE: Final = 120.0
PAUSE: Final = 0.25
# Prometheus and Alertmanager that are tested together: the oldest and the newest.
PAIRS: Final = tuple(zip(tools.PROMETHEUSES, tools.ALERTMANAGERS, strict=True))


@contextmanager
def stack(
    folder: Path, pair: tuple[str, str] = PAIRS[-1], workers: int = 2, users: int = 6
) -> Iterator[Stack]:
    """It runs, every worker has loaded its models, and nothing is wrong."""
    prometheus, alertmanager = pair
    options = Options(workers, users, prometheus, alertmanager, grafana=False)
    with or_skip(lambda: Stack(folder, options)) as made:
        until(
            lambda: (
                (made.prometheus.value("sum(rate(auditor_verify_requests_total[15s]))") or 0) > 1
            ),
            "traffic has come",
            PATIENCE,
            PAUSE,
        )
        quiet(made)
        yield made


def active(stack: Stack) -> list[ActiveAlert]:
    return [each for each in stack.prometheus.alerts() if each.name != WATCHDOG]


def firing(stack: Stack) -> set[Key]:
    return {(each.name, each.severity) for each in active(stack) if each.state == "firing"}


def quiet(stack: Stack) -> None:
    """Nothing fires any more, and whoever was told has been told of the end."""
    until(lambda: not firing(stack), "no alert fires", PATIENCE, PAUSE)
    until(lambda: not unresolved(stack), "all that was told is told to have ended", PATIENCE, PAUSE)


def unresolved(stack: Stack) -> set[tuple[str, str, str]]:
    """Receiver, alert and place of what was last told to be firing."""
    last: dict[tuple[str, str, str], str] = {}
    for each in list(stack.receiver.told):
        if each.alert != WATCHDOG:
            place = ",".join(f"{name}={value}" for name, value in sorted(each.labels.items()))
            last[each.receiver, each.alert, place] = each.status
    return {key for key, status in last.items() if status == "firing"}


@dataclass
class Course:
    """Seconds from the injection to firing and to telling, and from its end to the last word."""

    fault: Fault
    fired: float = 0.0
    told: float = 0.0
    resolved: float = 0.0
    seen: set[Key] = field(default_factory=set)
    notifications: list[Notification] = field(default_factory=list)

    def others(self, families: dict[str, str]) -> set[str]:
        """Alerts of other families than the fault may show."""
        return {name for name, _ in self.seen if families[name] not in self.fault.shows}


def families(stack: Stack) -> dict[str, str]:
    return {alert.name: alert.family for alert in stack.alerts}


def run(stack: Stack, fault: Fault, suffix: str = "") -> Course:
    """Inject it and follow it to the end; raises AssertionError where something does not come."""
    course = Course(fault)
    before, start = len(stack.receiver.told), time.monotonic()
    stack.inject([fault.name + suffix])
    wanted = set(fault.fires)
    course.fired = _watch(stack, course, start, lambda: wanted <= firing(stack), "it fires")

    def told() -> bool:
        heard = {(each.alert, each.severity) for each in stack.receiver.told[before:]}
        return wanted <= heard

    course.told = _watch(stack, course, start, told, "the receivers are told")
    _watch(stack, course, start, lambda: time.monotonic() > start + course.told + 5, "more shows")
    end = time.monotonic()
    stack.inject([])
    _watch(stack, course, end, lambda: not firing(stack), "no alert fires any more")
    course.resolved = _watch(stack, course, end, lambda: not unresolved(stack), "all is resolved")
    course.notifications = stack.receiver.told[before:]
    return course


def _watch(
    stack: Stack, course: Course, start: float, reached: Callable[[], bool], what: str
) -> float:
    """Seconds since `start` when it is reached; meanwhile every alert that fires is noted."""

    def look() -> bool:
        course.seen |= firing(stack)
        return reached()

    until(look, f"{course.fault.name}: {what}; seen: {sorted(course.seen)}", PATIENCE, PAUSE)
    return time.monotonic() - start


def check_notifications(course: Course) -> None:
    """Each at the right receiver, with texts that somebody can read."""
    for each in course.notifications:
        if each.alert == WATCHDOG:
            assert each.receiver == "watchdog"
            continue
        assert each.receiver == RECEIVERS[each.severity]
        texts = " ".join(each.annotations.values())
        assert not re.search(r"\{\{|%!|no value|NaN|Inf", texts), texts
        for name in ("summary", "description", "runbook_url", "dashboard_url"):
            assert each.annotations[name]
    told = {(each.alert, each.severity) for each in course.notifications if each.status == "firing"}
    assert set(course.fault.fires) <= told
