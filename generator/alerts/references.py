"""Where an alert's key is used: what is left to change once the alert is removed."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from generator.thresholds.problems import Position, Problem, quoted

_ROOT: Final = Path(__file__).parents[1]
_PACKAGES: Final = ("alerts", "scenarios", "dashboards")
_PAGES: Final = _ROOT / "runbooks/pages"


def references(key: str) -> Iterator[Problem]:
    """In the code, every builder of that name and every string equal to the key; then runbooks."""
    for path in (each for name in _PACKAGES for each in sorted((_ROOT / name).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Constant(value=text) if text == key:
                    yield _problem(path, node.lineno, node.col_offset + 1, key)
                case ast.FunctionDef(name=name, decorator_list=[_, *_]) if name == key:
                    yield _problem(path, node.lineno, node.col_offset + 1, key)
    for path in sorted(_PAGES.rglob("*.md")):
        if path.stem == key:
            yield _problem(path, 1, 1, key)
        for line, text in enumerate(path.read_text("utf-8").splitlines(), start=1):
            column = text.find(f'"{key}"') + 1
            if column:
                yield _problem(path, line, column, key)


def _problem(path: Path, line: int, column: int, key: str) -> Problem:
    position = Position(os.path.relpath(path), line, column)
    expected = "the key of an alert that has a definition and settings"
    return Problem(position, "", quoted(key), expected)
