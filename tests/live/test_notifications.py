"""The notifications that the scoreboard predicts, beside those of real Alertmanagers."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from generator.scoreboard.notifications import Alertmanager as Predicted
from generator.scoreboard.notifications import Firing, Labels
from tests.live.alertmanager import Alertmanager, configuration, labels, phone, running

pytestmark = pytest.mark.xdist_group("notifications")

ROUTING = {
    "group_wait": "1s",
    "group_interval": {"availability": "3s", "other": "5s"},
    "repeat": {"critical": "10s", "warning": "20s", "info": "1d"},
}
# A real Alertmanager drops an empty group within half a minute, whatever the configuration.
DROPPED = 31.0
END = 44.0
# Seconds by which a busy machine may be late: less than any interval.
LATE = 1.5

# Receiver, and the alerts with their severities that fire and that have resolved.
Sent = tuple[str, frozenset[tuple[str, str]], frozenset[tuple[str, str]]]
# Alert and severity, when it fires, and until when.
Timeline = Sequence[tuple[str, str, float, float]]

TIMELINES: dict[str, Timeline] = {
    "repeats": [("HighErrorRate", "critical", 0, math.inf)],
    "repeats a ticket": [("MemoryLeak", "warning", 0, math.inf)],
    "joins": [
        ("DatabasePoolNearLimit", "critical", 0, 18),
        ("LowConfidence", "critical", 3, 8),
    ],
    "begins and ends between two flushes": [
        ("DatabasePoolNearLimit", "critical", 0, 18),
        ("LowConfidence", "critical", 2, 4),
    ],
    "ends at once": [("LowConfidence", "critical", 0, 0.5)],
    "ends and begins between two flushes": [
        ("LowConfidence", "critical", 0, 2),
        ("LowConfidence", "critical", 4, 8),
    ],
    "comes back": [
        ("LowConfidence", "critical", 0, 3),
        ("LowConfidence", "critical", 6 + DROPPED, math.inf),
    ],
    "is muted, then not": [
        ("HighErrorRate", "critical", 0, 8),
        ("ErrorBudgetFastBurn", "critical", 0, math.inf),
    ],
    "is muted later, and ends meanwhile": [
        ("ErrorBudgetFastBurn", "critical", 0, 8),
        ("HighErrorRate", "critical", 3, 13),
    ],
    "everything is muted": [
        ("HighErrorRate", "critical", 0, 13),
        ("Down", "critical", 2, 17),
    ],
    "two severities": [
        ("HighErrorRate", "warning", 0, 18),
        ("HighErrorRate", "critical", 3, 13),
    ],
    "groups of their own": [
        ("Down", "critical", 0, 4),
        ("NotificationsFailing", "critical", 0.5, 9),
        ("HighCpu", "warning", 2, 4),
    ],
}


def firings(environment: str) -> Iterator[Firing]:
    for name, severity, start, end in TIMELINES[environment]:
        found = labels(f"Auditor{name}", severity, environment=environment)
        yield Firing(Labels.of(found), start, end)


Arrived = dict[str, list[tuple[float, Sent]]]


@pytest.fixture(scope="module")
def played(
    alertmanager_server: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Predicted, Arrived]:
    """What predicts, and what arrives of all timelines at the same time, by timeline."""
    with phone() as (heard, port):
        # Longer than Alertmanager's timers are late, as real receivers take.
        heard.delay = 0.3
        files = configuration(port, ROUTING)
        with running(alertmanager_server.name, tmp_path_factory.mktemp("played"), files) as real:
            began = play(real)
    arrived: Arrived = {name: [] for name in TIMELINES}
    for receiver, times in sorted(heard.times.items()):
        for at, body in zip(times, heard.notifications(receiver), strict=True):
            firing, resolved = (
                frozenset(
                    (each["labels"]["alertname"], each["labels"]["severity"])
                    for each in body["alerts"]
                    if each["status"] == status
                )
                for status in ("firing", "resolved")
            )
            environment = body["groupLabels"]["environment"]
            arrived[environment].append((at - began, (receiver, firing, resolved)))
    return Predicted.read(files["alertmanager.yml"]), arrived


def play(real: Alertmanager) -> float:
    """Sends every alert as it begins and as it ends; when the first of them was sent."""
    every = [each for environment in TIMELINES for each in firings(environment)]
    events = [(each.start, False, each) for each in every]
    events += [(each.end, True, each) for each in every if each.end < END]
    began = time.monotonic()
    for at, resolved, each in sorted(events, key=lambda event: event[:2]):
        time.sleep(max(0.0, began + at - time.monotonic()))
        real.send(dict(each.labels.pairs), resolved=resolved)
    time.sleep(max(0.0, began + END - time.monotonic()))
    return began


@pytest.mark.parametrize("environment", TIMELINES)
def test_alertmanager_sends_what_is_predicted(
    played: tuple[Predicted, Arrived], environment: str
) -> None:
    predicted, arrived = played
    expected = [
        (each.at, (each.receiver, names(each.firing), names(each.resolved)))
        for each in predicted.notifications([*firings(environment)], END - LATE)
    ]
    expected.sort(key=lambda each: each[1][0])
    found = arrived[environment]
    assert [what for _, what in found] == [what for _, what in expected]
    assert [at for at, _ in found] == pytest.approx([at for at, _ in expected], abs=LATE)


def names(alerts: Iterable[Labels]) -> frozenset[tuple[str, str]]:
    return frozenset((each["alertname"], each["severity"]) for each in alerts)
