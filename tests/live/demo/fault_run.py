"""Follows one fault through the stack: inject, fire, notify, remove, resolve."""

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
from demo.receiver import Call, Notification
from demo.stack import Options, Stack
from demo.status import WATCHDOG
from generator.deploy.alertmanager import RECEIVERS
from generator.deploy.inhibition import inhibitions
from tests import tools
from tests.bundle import alerts
from tests.live.waiting import until
from tests.tools.skipping import or_skip

# The name and severity of an alert.
Key = tuple[str, str]
TIMEOUT: Final = 120.0
POLL_SECONDS: Final = 0.25
# Versions of Prometheus and Alertmanager that are tested together: the oldest and the newest.
VERSIONS: Final = tuple(zip(tools.PROMETHEUSES, tools.ALERTMANAGERS, strict=True))


@contextmanager
def running_stack(
    folder: Path, versions: tuple[str, str] = VERSIONS[-1], workers: int = 2, users: int = 6
) -> Iterator[Stack]:
    """A stack with traffic, loaded models and no firing alert."""
    prometheus, alertmanager = versions
    options = Options(workers, users, prometheus, alertmanager, grafana=False)
    rate = "sum(rate(auditor_verify_requests_total[15s]))"
    with or_skip(lambda: Stack(folder, options)) as stack:
        until(
            lambda: (stack.prometheus.value(rate) or 0) > 1,
            "there is traffic",
            TIMEOUT,
            POLL_SECONDS,
        )
        wait_until_resolved(stack)
        yield stack


def active(stack: Stack) -> list[ActiveAlert]:
    return [each for each in stack.prometheus.alerts() if each.name != WATCHDOG]


def firing(stack: Stack) -> set[Key]:
    return {(each.name, each.severity) for each in active(stack) if each.state == "firing"}


def wait_until_resolved(stack: Stack) -> None:
    """Wait until no alert fires and every notification has been resolved."""
    until(lambda: not firing(stack), "no alert fires", TIMEOUT, POLL_SECONDS)
    until(lambda: not unresolved(stack), "all notifications are resolved", TIMEOUT, POLL_SECONDS)


def unresolved(stack: Stack) -> set[tuple[str, str]]:
    """Receiver and group of what has not been resolved.

    An alert that is inhibited when it ends is resolved with its group.
    """
    last = {(each.receiver, each.group): each.status for each in list(stack.receiver.calls)}
    return {key for key, status in last.items() if status == "firing" and key[0] != "watchdog"}


@dataclass
class FaultRun:
    """Seconds from the injection to firing and notification, and from its end to resolution.

    `calls` has the receiver of each notification sent, resolutions included.
    """

    fault: Fault
    fired: float = 0.0
    notified: float = 0.0
    resolved: float = 0.0
    seen: set[Key] = field(default_factory=set)
    notifications: list[Notification] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def unexpected(self, families: dict[str, str]) -> set[str]:
        """Alerts that fired although the fault does not allow their family."""
        return {name for name, _ in self.seen if families[name] not in self.fault.allowed}


def families(stack: Stack) -> dict[str, str]:
    return {alert.name: alert.family for alert in stack.alerts}


def follow(stack: Stack, fault: Fault, suffix: str = "") -> FaultRun:
    """Inject the fault and follow it until everything is resolved again."""
    run = FaultRun(fault)
    before, start = len(stack.receiver.notifications), time.monotonic()
    earlier_calls = len(stack.receiver.calls)
    stack.inject([fault.name + suffix])
    expected, wanted = set(fault.expected), uninhibited(fault)
    run.fired = _wait(stack, run, start, lambda: expected <= firing(stack), "it fires")

    def notified() -> bool:
        received = stack.receiver.notifications[before:]
        return wanted <= {(each.alert, each.severity) for each in received}

    run.notified = _wait(stack, run, start, notified, "the receivers are notified")
    later = start + run.notified + 5
    _wait(stack, run, start, lambda: time.monotonic() > later, "further symptoms show")
    end = time.monotonic()
    stack.inject([])
    _wait(stack, run, end, lambda: not firing(stack), "no alert fires any more")
    run.resolved = _wait(stack, run, end, lambda: not unresolved(stack), "all is resolved")
    run.notifications = stack.receiver.notifications[before:]
    run.calls = stack.receiver.calls[earlier_calls:]
    return run


def _wait(
    stack: Stack, run: FaultRun, start: float, condition: Callable[[], bool], what: str
) -> float:
    """Seconds from `start` until the condition holds. Records every alert that fires meanwhile."""

    def check() -> bool:
        run.seen |= firing(stack)
        return condition()

    until(check, f"{run.fault.name}: {what}; seen: {sorted(run.seen)}", TIMEOUT, POLL_SECONDS)
    return time.monotonic() - start


def uninhibited(fault: Fault) -> set[Key]:
    """Those expected of the fault that no other expected one inhibits."""
    inhibited = {
        (target, severity)
        for each in inhibitions(alerts())
        if (each.source, each.severity) in fault.expected
        for target in each.targets
        for severity in each.severities
    }
    return set(fault.expected) - inhibited


def check_notifications(run: FaultRun) -> None:
    """Every notification goes to the right receiver and has complete texts."""
    for each in run.notifications:
        if each.alert == WATCHDOG:
            assert each.receiver == "watchdog"
            continue
        assert each.receiver == RECEIVERS[each.severity]
        texts = " ".join(each.annotations.values())
        assert not re.search(r"\{\{|%!|no value|NaN|Inf", texts), texts
        for name in ("summary", "description", "runbook_url", "dashboard_url"):
            assert each.annotations[name]
    firing = {(each.alert, each.severity) for each in run.notifications if each.status == "firing"}
    assert uninhibited(run.fault) <= firing
