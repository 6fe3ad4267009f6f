"""What could be read of a file: the checks work on it even where the file as a whole is broken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from generator.thresholds.model import Position
from generator.thresholds.problems import Problem, quoted


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value that was read without a problem, and as it is written."""

    value: float | int | str
    text: str


@dataclass(frozen=True)
class Draft:
    """A file by paths. What could not be read is missing here: it has its problem already.

    `positions` knows every value of the file, broken or not, `lengths` the lists, `records` the
    mappings with the keys of a class, `texts` the keys of the others, and `flawed` the paths of
    those records that have unknown keys.
    """

    positions: dict[str, Position] = field(default_factory=dict)
    leaves: dict[str, Leaf] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    records: dict[str, type[Any]] = field(default_factory=dict)
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    flawed: set[str] = field(default_factory=set)

    def number(self, path: str) -> float | None:
        """The number at `path` in SI base units."""
        leaf = self.leaves.get(path)
        return None if leaf is None or isinstance(leaf.value, str) else leaf.value

    def text(self, path: str) -> str | None:
        """The text at `path`."""
        leaf = self.leaves.get(path)
        return leaf.value if leaf and isinstance(leaf.value, str) else None

    def items(self, path: str) -> list[tuple[str, float]]:
        """Path and number of every entry of the list at `path` that could be read."""
        names = (f"{path}[{index}]" for index in range(self.lengths.get(path, 0)))
        found = ((name, self.number(name)) for name in names)
        return [(name, number) for name, number in found if number is not None]

    def whole_list(self, path: str) -> tuple[float, ...] | None:
        """The numbers of the list at `path`, None unless all of them could be read."""
        numbers = tuple(number for _, number in self.items(path))
        return numbers if numbers and len(numbers) == self.lengths[path] else None

    def of(self, cls: type[Any]) -> Iterator[tuple[str, type[Any]]]:
        """Path and class of every mapping of that kind."""
        return ((path, found) for path, found in self.records.items() if issubclass(found, cls))

    def problem(self, path: str, expected: str, found: str | None = None) -> Problem:
        """A problem of the value at `path`, which is shown as it is written."""
        shown = found or quoted(self.leaves[path].text)
        return Problem(self.positions[path], path, shown, expected)
