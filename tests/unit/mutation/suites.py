"""Small suites for the tests of this folder."""

from __future__ import annotations

import textwrap
from pathlib import Path

from generator.mutation.mutants import Mutant
from generator.mutation.suite import Rule, Suite, read_suite


def suite(folder: Path, tests: str, **rules: str) -> Suite:
    """Rule files by their stems, and one test file that names them all."""
    for name, text in rules.items():
        (folder / f"{name}.yml").write_text(textwrap.dedent(text))
    named = "".join(f"- {name}.yml\n" for name in rules)
    (folder / "tests.yml").write_text(f"rule_files:\n{named}{textwrap.dedent(tests)}")
    return read_suite([folder / "tests.yml"])


def rule(name: str = "Down", line: int = 4, **body: object) -> Rule:
    return Rule(Path("rules.yml"), line, {"alert": name, "expr": "up == 0", **body})


def mutant(what: str = "for dropped", **body: object) -> Mutant:
    return Mutant({"alert": "Down", "expr": "up == 0", **body}, "for", what)
