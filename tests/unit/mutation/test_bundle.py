"""The bundle's own mutants, without running them: `make mutate` does that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator.mutation.excuses import Excuse, read_excuses
from generator.mutation.hunt import Result
from generator.mutation.mutants import mutants
from generator.mutation.reach import InputLabels
from generator.mutation.suite import read_suite
from tests.bundle import ROOT


def paths(pattern: str) -> list[Path]:
    return sorted(ROOT.glob(pattern))


SUITE = read_suite(paths("promtool-tests/*.yml"), paths("alerts/*.yml"))
LABELS = InputLabels(SUITE)
FOUND = [Result(rule, each) for rule in SUITE.rules for each in mutants(rule.body, LABELS)]
EXCUSES = read_excuses(ROOT / "mutation-excuses.yaml")


def test_the_readme_does_not_promise_more_than_there_are() -> None:
    told = re.search(r"more than ([\d,]+) changes to the rules", (ROOT / "README.md").read_text())
    assert told is not None
    assert len(FOUND) > int(told[1].replace(",", ""))


@pytest.mark.parametrize("excuse", EXCUSES, ids=lambda each: f"{each.rule}-{each.change}")
def test_an_excuse_fits_one_change_of_one_alert(excuse: Excuse) -> None:
    meant = {(each.rule.name, each.mutant.what) for each in FOUND if excuse.matches(each)}
    assert len(meant) == 1


def test_few_are_excused() -> None:
    assert len([each for each in FOUND if any(one.matches(each) for one in EXCUSES)]) <= 20
