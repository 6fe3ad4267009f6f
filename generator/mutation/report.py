"""What a hunt found, for people and for machines."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.mutation.excuses import Excuse, excused
from generator.mutation.hunt import Result
from generator.mutation.mutants import Body, normal
from generator.mutation.parse import PromqlError, laid_out
from generator.mutation.suite import Rule
from generator.yamlfile import HEADER, dump


@dataclass(frozen=True)
class Report:
    """Results with their excuses; a survivor is one without."""

    results: Sequence[Result]
    excuses: Sequence[Excuse]

    def status(self, result: Result) -> str:
        """killed, survived, excused or invalid."""
        if result.invalid:
            return "invalid"
        if result.by:
            return "killed"
        return "excused" if excused(self.excuses, result) else "survived"

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.status(result) for result in self.results)

    @property
    def survivors(self) -> list[Result]:
        return [result for result in self.results if self.status(result) == "survived"]

    @property
    def score(self) -> float | None:
        """Share of the killed among those that tests could kill; None where there is none."""
        killed, survived = self.counts["killed"], self.counts["survived"]
        return killed / (killed + survived) if killed + survived else None

    def lines(self) -> Iterator[str]:
        """Every survivor, then the figures."""
        for result in self.survivors:
            if not result.untouched:
                yield from _survivor(result)
        yield from self._untouched()
        yield self.summary()

    def _untouched(self) -> Iterator[str]:
        count = Counter(result.rule for result in self.survivors if result.untouched)
        for rule, number in count.items():
            yield f"{rule.place}: no test touches {rule.title}; its {number} mutants survive"
        if count:
            yield ""

    def summary(self) -> str:
        counts = self.counts
        rules = len({result.rule for result in self.results})
        score = "none" if self.score is None else f"{shown(self.score)} of those to kill"
        return (
            f"{len(self.results)} mutants of {rules} rules: {counts['killed']} killed, "
            f"{counts['survived']} survived, {counts['excused']} excused, "
            f"{counts['invalid']} invalid; score: {score}"
        )

    def document(self) -> dict[str, Any]:
        """All of it for a program."""
        counts = self.counts
        return {
            "mutants": len(self.results),
            **{name: counts[name] for name in ("killed", "survived", "excused", "invalid")},
            "score": self.score,
            "results": [self._entry(result) for result in self.results],
        }

    def _entry(self, result: Result) -> dict[str, Any]:
        rule, mutant = result.rule, result.mutant
        entry: dict[str, Any] = {
            "rule": rule.title,
            "file": str(rule.file),
            "line": rule.line,
            "kind": mutant.kind,
            "change": mutant.what,
            "status": self.status(result),
        }
        excuse = excused(self.excuses, result)
        if result.by:
            case = result.by.case
            entry["killed_by"] = {"file": str(case.file), "line": case.line, "case": case.title}
        elif result.invalid:
            entry["reason"] = result.invalid
        elif excuse:
            entry["reason"] = excuse.reason
        else:
            missing = "a test of this rule" if result.untouched else mutant.hint
            entry |= {"missing": missing, "diff": list(difference(rule, mutant.body))}
        return entry


def shown(score: float) -> str:
    """In per cent, 100 for all alone."""
    return "100 %" if score == 1 else f"{min(score, 0.999):.1%}".replace("%", " %")


def _survivor(result: Result) -> Iterator[str]:
    rule, mutant = result.rule, result.mutant
    yield f"{rule.place}: {rule.title}: {mutant.what}"
    yield from (f"  {line}" for line in difference(rule, mutant.body))
    yield f"  missing: {mutant.hint}"
    yield ""


def difference(rule: Rule, mutant: Body) -> Iterator[str]:
    """The rule's YAML before and after, with a line around what differs."""
    before, after = _yaml(normal(rule.body)), _yaml(mutant)
    stripped = ([line.strip() for line in before], [line.strip() for line in after])
    matcher = difflib.SequenceMatcher(None, *stripped)
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
    return dump([_plain(body)]).removeprefix(HEADER).splitlines()


def _plain(body: Body) -> dict[str, Any]:
    """The rule with its expression laid out, and all texts as such."""
    return {
        key: {str(name): str(text) for name, text in value.items()}
        if isinstance(value, Mapping)
        else _expression(value)
        if key == "expr"
        else str(value)
        for key, value in body.items()
    }


def _expression(text: str) -> str:
    try:
        return laid_out(text)
    except (PromqlError, ValueError):
        return str(text)
