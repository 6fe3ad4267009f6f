"""Excuses: what they match, when they are stale, and how their file is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutation.errors import InputError
from mutation.excuses import Excuse, find_excuse, read_excuses, stale_excuses
from tests.unit.mutation.suites import SLICE, result


def excuse(rule: str = "Down", change: str = "for dropped") -> Excuse:
    return Excuse("excuses.yaml:2", rule, change, "a reason")


@pytest.mark.parametrize(
    ("rule", "change", "matches"),
    [
        ("Down", "for dropped", True),
        ("Down (page)", "for dropped", True),
        ("D*", "* dropped", True),
        ("Down", "*", True),
        ("Down (ticket)", "for dropped", False),
        ("Do", "for dropped", False),
        ("Down", "for halved", False),
        ("[D]own", "for dropped", False),
    ],
)
def test_an_excuse_matches_by_name_and_change(rule: str, change: str, matches: bool) -> None:
    assert (find_excuse([excuse(rule, change)], result()) is not None) is matches


def test_a_killed_mutant_needs_no_excuse() -> None:
    killed = result(killed_by=SLICE)
    assert find_excuse([excuse()], killed) is None
    assert list(stale_excuses([excuse()], [killed], complete=True)) == [
        "excuses.yaml:2: the excused mutant `Down (page): for dropped` is killed by tests.yml:7"
    ]


def test_an_invalid_mutant_needs_no_excuse() -> None:
    assert list(stale_excuses([excuse()], [result(invalid="no")], complete=True)) == [
        "excuses.yaml:2: the excused mutant `Down (page): for dropped` is not a valid rule"
    ]


def test_an_excuse_that_matches_nothing_is_stale_if_all_mutants_were_run() -> None:
    unmatched = excuse(change="for tripled")
    assert list(stale_excuses([unmatched], [result()], complete=True)) == [
        "excuses.yaml:2: the excuse matches no mutant"
    ]
    assert list(stale_excuses([unmatched], [result()], complete=False)) == []
    assert list(stale_excuses([excuse()], [result()], complete=True)) == []


GOOD = "excuses:\n- rule: A\n  change: for dropped\n  reason: none\n"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("[]", [":1: expected a mapping"]),
        ("excuse: []", [": unknown key `excuse`"]),
        ("excuses: all", [":1: `excuses` must be a list of mappings"]),
        ("excuses:\n- all", [":1: `excuses` must be a list of mappings"]),
        (GOOD.replace("  reason: none\n", ""), [":2: an excuse needs a text for `reason`"]),
        (GOOD.replace(" none", ""), [":2: an excuse needs a text for `reason`"]),
        (
            f"{GOOD}- rule: B\n  change: for halved\n  why: none\n",
            [
                ":5: an excuse needs a text for `reason`",
                ":5: unknown key `why` in an excuse",
            ],
        ),
        (f"{GOOD}  rule: B\n", [":5:3: invalid YAML: duplicate key 'rule'"]),
    ],
)
def test_a_faulty_file_is_refused_with_all_that_is_wrong(
    tmp_path: Path, text: str, messages: list[str]
) -> None:
    path = tmp_path / "excuses.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_excuses(path)
    assert str(caught.value).splitlines() == [f"{path}{message}" for message in messages]


def test_excuses_are_read_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "excuses.yaml"
    path.write_text(GOOD)
    assert read_excuses(path) == (Excuse(f"{path}:2", "A", "for dropped", "none"),)
