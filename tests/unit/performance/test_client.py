from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tests.performance.client import GIVE_UP, TIMEOUT, Client, Outcome, together

BODY: dict[str, Any] = {}


@dataclass
class Answers:
    """In place of a client: one after another takes so many seconds."""

    seconds: list[float]
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def ask(self, body: Mapping[str, Any]) -> Outcome:
        self.asked.append(body)
        seconds = self.seconds[(len(self.asked) - 1) % len(self.seconds)]
        return Outcome(seconds, len(self.asked), "ReadTimeout" if seconds >= TIMEOUT else "")


def outcomes(*callers: Answers, count: int = 100) -> list[Outcome]:
    return together(cast(list[Client], list(callers)), itertools.repeat(BODY, count))


def test_every_body_is_asked_for_once() -> None:
    callers = [Answers([0.1]) for _ in range(4)]
    told: list[None] = []
    clients = cast(list[Client], callers)
    found = together(clients, itertools.repeat(BODY, 50), lambda: told.append(None))
    assert len(found) == sum(len(each.asked) for each in callers) == len(told) == 50
    assert found == sorted(found, key=lambda each: each.ended)


def test_a_caller_gives_up_a_host_that_hangs() -> None:
    assert len(outcomes(Answers([TIMEOUT]), Answers([TIMEOUT + 1]))) == 2 * GIVE_UP


def test_a_caller_does_not_give_up_for_some_answers_that_are_late() -> None:
    assert len(outcomes(Answers([TIMEOUT, TIMEOUT, 0.1]))) == 100
