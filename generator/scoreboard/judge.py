"""What a set of rules made of a scenario: what it told of, how late, and what for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generator.alerts.clock import Clock
from generator.alerts.model import Alert
from generator.scenarios.model import Demand, Scenario
from generator.scenarios.render import due, with_lower_severities
from generator.scoreboard.measure import ExpectedAlert


@dataclass(frozen=True)
class Answer:
    """A demanded alert: its deadline and its first firing, both since the incident began."""

    demand: Demand
    due: float
    after: float | None

    @property
    def in_time(self) -> bool:
        return self.after is not None and self.after <= self.due


@dataclass(frozen=True)
class Verdict:
    """The bundle's alerts: `answers` to what was demanded, `false` what should not have fired."""

    answers: tuple[Answer, ...]
    false: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not self.false and all(answer.in_time for answer in self.answers)


@dataclass(frozen=True)
class Guess:
    """The guide's rules: whichever fires after an incident has begun counts as told of."""

    after: float | None
    rules: tuple[str, ...]
    false: tuple[str, ...]


def judge(
    scenario: Scenario, clock: Clock, alerts: Sequence[Alert], fired: Sequence[ExpectedAlert]
) -> Verdict:
    answers = tuple(_answer(demand, clock, fired) for demand in scenario.must)
    allowed = scenario.allowed(alerts)
    begins = scenario.begins
    false = [
        each
        for each in fired
        if begins is None
        or each.at < begins
        or not (each.alert in allowed or any(_tells(each, one) for one in scenario.must))
    ]
    return Verdict(answers, _named(false))


def _answer(demand: Demand, clock: Clock, fired: Sequence[ExpectedAlert]) -> Answer:
    times = [each.at for each in fired if _is(each, demand)]
    after = min(times) - demand.since if times else None
    return Answer(demand, due(demand, clock) - demand.since, after)


def _is(fired: ExpectedAlert, demand: Demand) -> bool:
    labels = demand.labels
    return (fired.alert, fired.instance, fired.severity) == (
        labels["alertname"],
        labels.get("instance", ""),
        labels["severity"],
    )


def _tells(fired: ExpectedAlert, demand: Demand) -> bool:
    """The demanded alert, at its severity or a milder one."""
    same = (fired.alert, fired.instance) == (
        demand.alert.name,
        demand.labels.get("instance", ""),
    )
    return same and fired.severity in with_lower_severities(demand)


def guess(scenario: Scenario, fired: Sequence[ExpectedAlert]) -> Guess:
    begins = scenario.begins
    told = [each for each in fired if begins is not None and each.at >= begins]
    first = min((each.at for each in told), default=None)
    return Guess(
        None if first is None or begins is None else first - begins,
        _named([each for each in told if each.at == first]),
        _named([each for each in fired if each not in told]),
    )


def _named(fired: Sequence[ExpectedAlert]) -> tuple[str, ...]:
    """Each alert once, with its severity if it has one."""
    return tuple(
        dict.fromkeys(
            f"{each.alert} ({each.severity})" if each.severity else each.alert for each in fired
        )
    )
