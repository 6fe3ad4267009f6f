from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tests.performance.client import MAX_TIMEOUTS, TIMEOUT, Client, Outcome, send_all

BODY: dict[str, Any] = {}


@dataclass
class FakeClient:
    """Its responses take these times, over and over."""

    seconds: list[float]
    sent: list[Mapping[str, Any]] = field(default_factory=list)

    def send(self, body: Mapping[str, Any]) -> Outcome:
        self.sent.append(body)
        seconds = self.seconds[(len(self.sent) - 1) % len(self.seconds)]
        return Outcome(seconds, len(self.sent), "ReadTimeout" if seconds >= TIMEOUT else "")


def outcomes(*clients: FakeClient, count: int = 100) -> list[Outcome]:
    return send_all(cast(list[Client], list(clients)), itertools.repeat(BODY, count))


def test_every_body_is_sent_once() -> None:
    clients = [FakeClient([0.1]) for _ in range(4)]
    responses: list[None] = []
    bodies = itertools.repeat(BODY, 50)
    found = send_all(cast(list[Client], clients), bodies, lambda: responses.append(None))
    assert len(found) == sum(len(each.sent) for each in clients) == len(responses) == 50
    assert found == sorted(found, key=lambda each: each.ended)


def test_a_client_gives_up_when_the_host_hangs() -> None:
    found = outcomes(FakeClient([TIMEOUT]), FakeClient([TIMEOUT + 1]))
    assert len(found) == 2 * MAX_TIMEOUTS


def test_a_client_does_not_give_up_after_single_timeouts() -> None:
    assert len(outcomes(FakeClient([TIMEOUT, TIMEOUT, 0.1]))) == 100
