"""The project speaks the field's words: no file says one of the private words it once had."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from typing import Final

import pytest

from tests.bundle import ROOT

# Pattern of the private word, and what to write instead. Underscores and the capitals of an
# identifier part words, so `gauge_drive` and `GaugeDrive` count as well.
INSTEAD: Final = {
    r"told (of|at)": "detected, notified",
    r"(?<!of )courses?": "time series, phases",
    r"quiet (ones?|scenarios?)": "negative scenario",
    r"drives?": "input generator",
    r"(prove|proofs?) (alert|drive|cases)": "standard cases",
    r"paced?|paces": "rate",
    r"book": "scenario context",
    r"kits?": "context",
    r"onsets?": "time to fire",
    r"floods?": "traffic multiplier",
    r"alert place|place of an alert": "scope",
    r"gists?": "summary",
    r"hides (alert|the alerts|other)": "inhibits",
    r"tiers?": "severity",
    r"fleets?": "worker registry",
    r"sights?": "scrape state",
    r"troubles": "read errors",
    r"house (style|theme)|house": "theme",
    r"processor('s)? time": "CPU time",
    r"(?<!file[ -])(?<![\"`])descriptors?": "file descriptors",  # but for the label `descriptors`
    r"milder|mildest": "lower severity, lowest severity",
    r"one word an incident": "one notification per incident",
    r"leakwords|burncases|budgetcases": "a module of what it holds",
}
# Files that are not the project's own words.
FOREIGN: Final = re.compile(
    r"LICENSE|.*requirements(-dev)?\.txt|tests/tools/.*\.(json|txt)|tests/unit/test_vocabulary\.py"
)
_WORDS: Final = re.compile(r"[A-Z]?[a-z']+|[A-Z]+(?![a-z])|[^A-Za-z]")


def _spoken(text: str) -> str:
    """The words of a line, in lower case and parted by blanks; other characters as they are."""
    parts = _WORDS.findall(text.replace("_", " "))
    spoken = ""
    for part in parts:
        glued = spoken[-1:].isalpha() and part[0].isalpha()
        spoken += f" {part}" if glued else part
    return spoken.lower()


def _files() -> list[str]:
    listed = subprocess.run(
        ["/usr/bin/env", "git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.splitlines() if not FOREIGN.fullmatch(name)]


@cache
def _lines() -> tuple[tuple[str, str], ...]:
    """Place and words of every line."""
    return tuple(
        (f"{name}:{number}", _spoken(line))
        for name in _files()
        for number, line in enumerate((ROOT / name).read_text("utf-8").splitlines(), start=1)
    )


@pytest.mark.parametrize(("pattern", "instead"), INSTEAD.items(), ids=INSTEAD)
def test_a_word_is_not_used(pattern: str, instead: str) -> None:
    word = re.compile(rf"\b(?:{pattern})\b")
    found = "\n".join(f"{place}: {text}" for place, text in _lines() if word.search(text))
    assert not found, f"write {instead} instead:\n{found}"


@pytest.mark.parametrize(
    ("text", "said"),
    [("GaugeDrive", "gauge drive"), ("gauge_drive", "gauge drive"), ("A/B", "a/b")],
)
def test_identifiers_are_parted(text: str, said: str) -> None:
    assert _spoken(text) == said
