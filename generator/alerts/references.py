"""Where an alert's key is used: what is left to change once the alert is removed."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from generator.thresholds.problems import Position, Problem, quoted

_ROOT: Final = Path(__file__).parents[1]
_CODE: Final = (_ROOT / "alerts", _ROOT / "scenarios", _ROOT / "dashboards")
_PAGES: Final = _ROOT / "runbooks/pages"
_DEMO: Final = _ROOT.parent / "demo"  # no part of an installed generator


def references(key: str) -> Iterator[Problem]:
    """In code, every builder of that name and every string equal to the key; then in texts."""
    for path in (each for folder in (*_CODE, _DEMO) for each in sorted(folder.rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Constant(value=text) if text == key:
                    yield _problem(path, node.lineno, node.col_offset + 1, key)
                case ast.FunctionDef(name=name, decorator_list=[_, *_]) if name == key:
                    yield _problem(path, node.lineno, node.col_offset + 1, key)
    for path in sorted(_PAGES.rglob("*.md")):
        if path.stem == key:
            yield _problem(path, 1, 1, key)
        yield from _lines(path, f'"{key}"', key)
    for path in sorted(_DEMO.glob("*.yaml")):
        yield from _lines(path, f"  {key}:", key)


def _lines(path: Path, wanted: str, key: str) -> Iterator[Problem]:
    for line, text in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if wanted in text:
            yield _problem(path, line, text.index(key) + 1, key)


def _problem(path: Path, line: int, column: int, key: str) -> Problem:
    position = Position(os.path.relpath(path), line, column)
    found = f"refers to the alert {quoted(key)}, which has no settings or no definition"
    return Problem(position, "", found)
