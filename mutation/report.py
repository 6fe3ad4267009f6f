"""The results of a run, for people and for programs."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mutation.excuses import Excuse, find_excuse
from mutation.mutants import Mutant
from mutation.parser import prettify
from mutation.runner import Result
from mutation.suite import Body
from mutation.yamlfile import dump


@dataclass(frozen=True)
class Report:
    results: Sequence[Result]
    excuses: Sequence[Excuse]

    def status(self, result: Result) -> str:
        """killed, survived, excused or invalid."""
        if result.invalid:
            return "invalid"
        if result.killed_by:
            return "killed"
        return "excused" if find_excuse(self.excuses, result) else "survived"

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(self.status(result) for result in self.results)

    @cached_property
    def survivors(self) -> list[Result]:
        """Those without an excuse."""
        return [result for result in self.results if self.status(result) == "survived"]

    @property
    def score(self) -> float | None:
        """The share of the killed among those that tests could kill; None if there are none."""
        killed, survived = self.counts["killed"], self.counts["survived"]
        return killed / (killed + survived) if killed + survived else None

    def lines(self) -> Iterator[str]:
        """Every survivor, then the figures."""
        uncovered = Counter(each.mutant.rule for each in self.survivors if each.uncovered)
        for result in self.survivors:
            if not result.uncovered:
                yield from _survivor(result.mutant)
                yield ""
        for rule, count in uncovered.items():
            mutants = _plural(count, "mutant")
            yield f"{rule.place}: no test covers {rule.title}: {mutants} survived"
        if uncovered:
            yield ""
        yield self.summary()

    def summary(self) -> str:
        mutants = _plural(len(self.results), "mutant")
        rules = _plural(len({result.mutant.rule for result in self.results}), "rule")
        statuses = ("killed", "survived", "excused", "invalid")
        counts = ", ".join(f"{self.counts[status]} {status}" for status in statuses)
        score = "" if self.score is None else f"; mutation score {format_score(self.score)}"
        return f"{mutants} of {rules}: {counts}{score}"

    def document(self) -> dict[str, Any]:
        """Everything, for a program."""
        return {
            "mutants": len(self.results),
            **{name: self.counts[name] for name in ("killed", "survived", "excused", "invalid")},
            "score": self.score,
            "results": [self._entry(result) for result in self.results],
        }

    def _entry(self, result: Result) -> dict[str, Any]:
        mutant = result.mutant
        entry: dict[str, Any] = {
            "rule": mutant.rule.title,
            "file": str(mutant.rule.file),
            "line": mutant.rule.line,
            "operator": mutant.operator,
            "change": mutant.description,
            "status": self.status(result),
        }
        excuse = find_excuse(self.excuses, result)
        if result.killed_by:
            case = result.killed_by.case
            entry["killed_by"] = {"file": str(case.file), "line": case.line, "case": case.title}
        elif result.invalid:
            entry["reason"] = result.invalid
        elif excuse:
            entry["reason"] = excuse.reason
        else:
            entry["missing"] = "a test of this rule" if result.uncovered else mutant.hint
            entry["diff"] = list(diff(mutant))
        return entry


def format_score(score: float) -> str:
    """In per cent; 100% only if every mutant is killed."""
    return "100%" if score == 1 else f"{min(score, 0.999):.1%}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _survivor(mutant: Mutant) -> Iterator[str]:
    yield f"{mutant.rule.place}: {mutant.rule.title}: {mutant.description}"
    yield from (f"  {line}" for line in diff(mutant))
    yield f"  missing: {mutant.hint}"


def diff(mutant: Mutant) -> Iterator[str]:
    """The YAML of the rule before and after, with one line of context, indentation ignored."""
    before, after = _yaml(mutant.rule.normalized), _yaml(mutant.body)
    matcher = difflib.SequenceMatcher(
        None, [line.strip() for line in before], [line.strip() for line in after]
    )
    for index, group in enumerate(matcher.get_grouped_opcodes(1)):
        if index:
            yield " ..."
        for tag, start, end, new_start, new_end in group:
            if tag == "equal":
                yield from (f" {line}" for line in before[start:end])
                continue
            yield from (f"-{line}" for line in before[start:end])
            yield from (f"+{line}" for line in after[new_start:new_end])


def _yaml(body: Body) -> list[str]:
    return dump([{**body, "expr": prettify(body["expr"])}]).splitlines()
