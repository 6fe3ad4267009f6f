"""What is wrong with a file of thresholds, or worth knowing about it: values, not output."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from generator.errors import InputError

_LONGEST_QUOTE: Final = 60


@dataclass(frozen=True)
class Position:
    """Where a value stands: a file as the user named it, line and column from 1.

    Line 0: the place in the file is not known.
    """

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Problem:
    """One fault: where, in which key, what stands there, what would be right.

    An empty path means the file as a whole. Without `expected`, `found` says all there is to say.
    """

    position: Position
    path: str
    found: str
    expected: str = ""

    def __str__(self) -> str:
        place = f"{self.position}: {self.path}" if self.path else str(self.position)
        said = f"found {self.found}, expected {self.expected}" if self.expected else self.found
        return f"{place}: {said}"


@dataclass(frozen=True)
class Note:
    """Something allowed and yet worth knowing: `text` is a clause about the value at `path`."""

    position: Position
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.position}: {self.path} {self.text}"


class ConfigError(InputError):
    """Every problem of a file and its overlays, by file, line and column; one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def escaped(text: str, longest: int = _LONGEST_QUOTE) -> str:
    """`text` on one line, shortened, with nothing in it that a terminal would obey."""
    if len(text) <= longest and text.isprintable():
        return text
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def quoted(text: str) -> str:
    """`text` in backticks, escaped."""
    return f"`{escaped(text)}`"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is most likely a slip of."""
    if len(word) > _LONGEST_QUOTE:
        return None
    return next(iter(difflib.get_close_matches(word, list(known), n=1)), None)
