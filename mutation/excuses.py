"""Excuses: survivors that no test can kill because they behave as their rule does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mutation.errors import InputError
from mutation.runner import Result
from mutation.yamlfile import Located, load, mappings

_KEYS: Final = ("rule", "change", "reason")


@dataclass(frozen=True)
class Excuse:
    """For every mutant whose rule and change match; a ``*`` stands for any text."""

    place: str
    rule: str
    change: str
    reason: str

    def matches(self, result: Result) -> bool:
        rule = result.mutant.rule
        return _matches(self.change, result.mutant.description) and (
            _matches(self.rule, rule.name) or _matches(self.rule, rule.title)
        )


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def read_excuses(path: Path) -> tuple[Excuse, ...]:
    """Raises OSError, and InputError with all that is wrong in the file."""
    document = load(path)
    entries = mappings(document, "excuses", path)
    problems = [f"{path}: unknown key `{key}`" for key in document if key != "excuses"]
    for entry in entries:
        problems += (f"{path}:{entry.line}: {problem}" for problem in _problems(entry))
    if problems:
        raise InputError("\n".join(problems))
    return tuple(
        Excuse(f"{path}:{entry.line}", *(str(entry[key]) for key in _KEYS)) for entry in entries
    )


def _problems(entry: Located) -> Iterator[str]:
    for key in _KEYS:
        if not isinstance(entry.get(key), str) or not entry[key]:
            yield f"an excuse needs a text for `{key}`"
    for key in entry:
        if key not in _KEYS:
            yield f"unknown key `{key}` in an excuse"


def find_excuse(excuses: Iterable[Excuse], result: Result) -> Excuse | None:
    """The excuse of a mutant that survived."""
    return next((each for each in excuses if result.survived and each.matches(result)), None)


def stale_excuses(
    excuses: Iterable[Excuse], results: Sequence[Result], *, complete: bool
) -> Iterator[str]:
    """What is wrong with the excuses; one may match no result unless all mutants were run."""
    for excuse in excuses:
        matching = [result for result in results if excuse.matches(result)]
        if not matching and complete:
            yield f"{excuse.place}: the excuse matches no mutant"
        for result in matching:
            mutant = f"{result.mutant.rule.title}: {result.mutant.description}"
            if result.killed_by:
                place = result.killed_by.case.place
                yield f"{excuse.place}: the excused mutant `{mutant}` is killed by {place}"
            elif result.invalid:
                yield f"{excuse.place}: the excused mutant `{mutant}` is not a valid rule"
