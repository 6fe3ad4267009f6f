"""Small suites for the tests of this folder."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, Final

from mutation.mutants import Mutant
from mutation.runner import Result
from mutation.slices import Slice
from mutation.suite import Case, CaseFile, Rule, Suite, read_suite


def suite(folder: Path, tests: str, **rules: str) -> Suite:
    """Rule files by their stems, and one test file that names them all."""
    for name, text in rules.items():
        (folder / f"{name}.yml").write_text(textwrap.dedent(text))
    named = "".join(f"- {name}.yml\n" for name in rules)
    (folder / "tests.yml").write_text(f"rule_files:\n{named}{textwrap.dedent(tests)}")
    return read_suite([folder / "tests.yml"])


def rule(**body: object) -> Rule:
    return Rule(Path("rules.yml"), 4, {"alert": "Down", "expr": "up == 0", **body})


def mutant(of: Rule, description: str = "for dropped", **body: object) -> Mutant:
    return Mutant(of, {**of.body, **body}, "for", description)


PAGE: Final = rule(labels={"severity": "page"})
_CASE: Final = Case(Path("tests.yml"), 7, 1, {"name": "down"})
SLICE: Final = Slice(CaseFile(Path("tests.yml"), {}, (), (_CASE,)), _CASE, ())


def result(description: str = "for dropped", **status: Any) -> Result:
    """Of a mutant of one and the same rule."""
    return Result(mutant(PAGE, description), **status)
