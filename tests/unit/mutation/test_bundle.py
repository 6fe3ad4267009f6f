"""The bundle's own mutants, without running them: `make mutate` does that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mutation.dependencies import InputLabels
from mutation.excuses import Excuse, find_excuse, read_excuses
from mutation.mutants import mutants
from mutation.runner import Result
from mutation.suite import read_suite
from tests.bundle import ROOT


def paths(pattern: str) -> list[Path]:
    return sorted(ROOT.glob(pattern))


SUITE = read_suite(paths("promtool-tests/*.yml"), paths("alerts/*.yml"))
LABELS = InputLabels(SUITE)
FOUND = [Result(mutant) for rule in SUITE.rules for mutant in mutants(rule, LABELS)]
EXCUSES = read_excuses(ROOT / "mutation-excuses.yaml")


def test_the_readme_does_not_promise_more_than_there_are() -> None:
    told = re.search(r"more than ([\d,]+) changes to the rules", (ROOT / "README.md").read_text())
    assert told is not None
    assert len(FOUND) > int(told[1].replace(",", ""))


@pytest.mark.parametrize("excuse", EXCUSES, ids=lambda each: f"{each.rule}-{each.change}")
def test_an_excuse_fits_one_change_of_one_alert(excuse: Excuse) -> None:
    matching = [each.mutant for each in FOUND if excuse.matches(each)]
    assert len({(each.rule.name, each.description) for each in matching}) == 1


def test_few_are_excused() -> None:
    assert sum(find_excuse(EXCUSES, each) is not None for each in FOUND) <= 20
