"""The runbooks' sources: the file of each alert, and the summary in its front matter."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from generator.errors import InputError

HERE: Final = Path(__file__).parent
PAGES: Final = HERE / "pages"
_FRONT_MATTER: Final = re.compile(r"---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)


class RunbookError(InputError):
    """What is wrong with the sources, one line for each problem."""


def label(path: Path) -> str:
    """A source as messages name it."""
    root = HERE.parents[1]
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


@cache
def template(path: Path) -> str:
    """What stands below the front matter, every line at its own number."""
    text = path.read_text("utf-8")
    found = _FRONT_MATTER.match(text)
    return "\n" * found[0].count("\n") + text[found.end() :] if found else text


@cache
def summary(key: str, folder: Path = PAGES) -> str:
    """What is wrong while the alert fires, in one sentence; raises RunbookError."""
    path = folder / f"{key}.md"
    found = _FRONT_MATTER.match(path.read_text("utf-8"))
    try:
        matter = yaml.safe_load(found[1]) if found else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{label(path)}:{mark.line + 2 if mark else 1}"
        problem = getattr(error, "problem", error)
        raise RunbookError(f"{place}: {problem}; put the text in quotes") from error
    match matter:
        case {"summary": str(text), **others} if not others:
            return text
    raise RunbookError(
        f"{label(path)}:1: expected front matter that has a summary and nothing else: a line "
        "`summary: One sentence that says what is wrong.` between two lines `---`"
    )


def check(keys: Collection[str], folder: Path = PAGES) -> None:
    """Every alert has a source with a summary, and every source an alert.

    Raises RunbookError, which names all that are wrong.
    """
    found = {path.stem for path in folder.glob("*.md")}
    missing = [key for key in keys if key not in found]
    unused = sorted(found - {*keys})
    problems = [
        *(f"{label(folder / key)}.md is missing: alert {key} has no runbook" for key in missing),
        *(f"{label(folder / key)}.md is unused: no alert is named {key}" for key in unused),
    ]
    for key in keys:
        try:
            if key in found:
                summary(key, folder)
        except RunbookError as error:
            problems.append(str(error))
    if problems:
        raise RunbookError("\n".join(problems))
