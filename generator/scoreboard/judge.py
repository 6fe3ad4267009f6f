"""What a set of rules made of a scenario: what it told of, how late, and what for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generator.alerts.clock import Clock
from generator.alerts.model import Alert
from generator.scenarios.render import due, with_lower_severities
from generator.scenarios.scenario import RequiredAlert, Scenario
from generator.scoreboard.measure import ExpectedAlert


@dataclass(frozen=True)
class Answer:
    """A required alert: its deadline and its first firing, both since the incident began."""

    required: RequiredAlert
    due: float
    after: float | None

    @property
    def in_time(self) -> bool:
        return self.after is not None and self.after <= self.due


@dataclass(frozen=True)
class Verdict:
    """The bundle's alerts: `answers` to what was required, `false` what should not have fired."""

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
    answers = tuple(_answer(required, clock, fired) for required in scenario.required)
    allowed = scenario.allowed(alerts)
    begins = scenario.begins
    false = [
        each
        for each in fired
        if begins is None
        or each.at < begins
        or not (each.alert in allowed or any(_tells(each, one) for one in scenario.required))
    ]
    return Verdict(answers, _named(false))


def _answer(required: RequiredAlert, clock: Clock, fired: Sequence[ExpectedAlert]) -> Answer:
    times = [each.at for each in fired if _is(each, required)]
    after = min(times) - required.since if times else None
    return Answer(required, due(required, clock) - required.since, after)


def _is(fired: ExpectedAlert, required: RequiredAlert) -> bool:
    labels = required.labels
    return (fired.alert, fired.instance, fired.severity) == (
        labels["alertname"],
        labels.get("instance", ""),
        labels["severity"],
    )


def _tells(fired: ExpectedAlert, required: RequiredAlert) -> bool:
    """The required alert, at its severity or a lower one."""
    same = (fired.alert, fired.instance) == (
        required.alert.name,
        required.labels.get("instance", ""),
    )
    return same and fired.severity in with_lower_severities(required)


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
