"""The scoreboard as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from generator.markdown import bullets, section, table
from generator.scenarios.render import FOLDER
from generator.scenarios.scenario import Scenario
from generator.scoreboard.judge import Answer, Guess, Verdict
from generator.thresholds.units import format_duration

PATH: Final = "docs/scoreboard.md"
_NOTICE: Final = "<!-- Generated from thresholds.yaml by `make scoreboard`. Do not edit. -->"
_NONE: Final = "-"
_HOW: Final = (
    "Courses of hours, run through all rules by the real promtool; every time is simulated. "
    "An incident demands alerts, each within its window and its `for`, and forbids all others but "
    "what is named as part of it; a quiet course, of the kind that fools simple rules, forbids all."
)
_BESIDE: Final = (
    "Beside them the three rules of the Auditor's performance testing guide, as printed there. "
    "`process_resident_memory_bytes`, which the real service does not expose, is given to them as "
    "the memory of worker 0. Whichever of them fires once an incident has begun counts as told of "
    "it. Behind every counter lies a healthy day. Measured with the promtool of Prometheus 3; with "
    "that of 2.42 a time may differ by one evaluation."
)


@dataclass(frozen=True)
class Row:
    scenario: Scenario
    verdict: Verdict
    guess: Guess

    @property
    def quiet(self) -> bool:
        return not self.scenario.required

    @property
    def guessed_in_time(self) -> bool:
        """By the last of the bundle's deadlines."""
        latest = max((answer.due for answer in self.verdict.answers), default=0.0)
        return self.guess.after is not None and self.guess.after <= latest


@dataclass(frozen=True)
class Totals:
    """How many of what: of the bundle's alerts, and of the guide's rules."""

    what: str
    of: int
    bundle: int
    guide: int


def totals(rows: Sequence[Row]) -> tuple[Totals, ...]:
    incidents = [row for row in rows if not row.quiet]
    quiet = [row for row in rows if row.quiet]

    def count(
        of: Sequence[Row], bundle: Sequence[bool], guide: Sequence[bool], what: str
    ) -> Totals:
        return Totals(what, len(of), sum(bundle), sum(guide))

    return (
        count(
            incidents,
            [all(each.in_time for each in row.verdict.answers) for row in incidents],
            [row.guessed_in_time for row in incidents],
            "incidents told of in time",
        ),
        count(
            incidents,
            [all(each.after is not None for each in row.verdict.answers) for row in incidents],
            [row.guess.after is not None for row in incidents],
            "incidents told of at all",
        ),
        count(
            quiet,
            [not row.verdict.false for row in quiet],
            [not row.guess.false for row in quiet],
            "quiet courses without an alarm",
        ),
        count(
            incidents,
            [not row.verdict.false for row in incidents],
            [not row.guess.false for row in incidents],
            "incidents without a false alarm",
        ),
    )


def render(rows: Sequence[Row]) -> str:
    return f"{_NOTICE}\n\n# Scoreboard\n\n{body(rows)}\n"


def body(rows: Sequence[Row]) -> str:
    """What the page says, without its title."""
    return "\n\n".join(
        (
            _HOW,
            _BESIDE,
            section("Totals", _totals(rows)),
            section("Incidents", _incidents([row for row in rows if not row.quiet])),
            section("Quiet courses", _quiet([row for row in rows if row.quiet])),
            section(
                "Stories", bullets(f"`{row.scenario.name}`: {row.scenario.story}" for row in rows)
            ),
        )
    )


def _totals(rows: Sequence[Row]) -> str:
    return table(
        ("", "of", "this bundle", "the guide's rules"),
        [(each.what, str(each.of), str(each.bundle), str(each.guide)) for each in totals(rows)],
    )


def _incidents(rows: Sequence[Row]) -> str:
    head = (
        "scenario",
        "family",
        "must fire",
        "detected after",
        "deadline",
        "false alarms",
        "guide's rules: detected after",
        "by",
        "false alarms",
    )
    return table(head, [_incident(row) for row in rows])


def _incident(row: Row) -> tuple[str, ...]:
    answers = row.verdict.answers
    return (
        _link(row.scenario),
        row.scenario.family,
        ", ".join(_name(each) for each in answers),
        ", ".join(_after(each.after) for each in answers),
        ", ".join(format_duration(each.due) for each in answers),
        ", ".join(row.verdict.false) or _NONE,
        _after(row.guess.after),
        ", ".join(row.guess.rules) or _NONE,
        ", ".join(row.guess.false) or _NONE,
    )


def _quiet(rows: Sequence[Row]) -> str:
    return table(
        ("scenario", "family", "false alarms", "guide's rules: false alarms"),
        [
            (
                _link(row.scenario),
                row.scenario.family,
                ", ".join(row.verdict.false) or _NONE,
                ", ".join(row.guess.false) or _NONE,
            )
            for row in rows
        ],
    )


def problems(rows: Sequence[Row]) -> Iterator[str]:
    """What is wrong with the bundle's alerts, a line each."""
    for row in rows:
        for each in row.verdict.answers:
            if not each.in_time:
                yield (
                    f"{row.scenario.name}: {_name(each)} fires after {_after(each.after)}, due "
                    f"after {format_duration(each.due)}"
                )
        for name in row.verdict.false:
            yield f"{row.scenario.name}: {name} should not fire"


def _name(answer: Answer) -> str:
    return f"{answer.required.alert.name} ({answer.required.trigger.severity})"


def _after(seconds: float | None) -> str:
    return "never" if seconds is None else format_duration(seconds)


def _link(scenario: Scenario) -> str:
    return f"[{scenario.name}](../{FOLDER}/{scenario.name}.yml)"
