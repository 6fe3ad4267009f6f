"""The package can be copied anywhere: it needs two packages and nothing of this repository."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bundle import ROOT

REQUIREMENTS = {"promql_parser", "yaml"}
MODULES = sorted((ROOT / "mutation").rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The packages that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_only_the_two_requirements_are_imported(path: Path) -> None:
    allowed = {"mutation", *sys.stdlib_module_names, *REQUIREMENTS}
    assert set(imported(path)) - allowed == set()
