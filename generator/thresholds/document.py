"""A file by paths, for the checks across its fields: they work even where the file is broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from generator.thresholds.nodes import Entry, Node, Scalar, Sequence, Table, joined
from generator.thresholds.problems import Position, Problem, quoted


@dataclass(frozen=True)
class Document:
    """`entries` has every value of the file, `values` those that could be read.

    What could not be read has its problem already. `flawed` are the paths of the mappings that have
    unknown keys: what seems to be missing there may only be misspelt.
    """

    entries: Mapping[str, Entry]
    values: dict[str, float | str] = field(default_factory=dict)
    flawed: set[str] = field(default_factory=set)

    def has(self, path: str) -> bool:
        """Whether a value stands at `path`."""
        entry = self.entries.get(path)
        return entry is not None and not entry.removes

    def position(self, path: str) -> Position:
        return self.entries[path].value.position

    def positions(self) -> dict[str, Position]:
        """Where each value stands."""
        return {path: self.position(path) for path in self.entries if path and self.has(path)}

    def is_complete(self, path: str) -> bool:
        """Whether a mapping stands at `path`, with no key that may be another one misspelt."""
        return (
            self.has(path)
            and isinstance(self.entries[path].value, Table)
            and path not in self.flawed
        )

    def number(self, path: str) -> float | None:
        """The number at `path` in SI base units."""
        value = self.values.get(path)
        return None if isinstance(value, str) else value

    def text(self, path: str) -> str | None:
        """The text at `path`."""
        value = self.values.get(path)
        return value if isinstance(value, str) else None

    def items(self, path: str) -> list[tuple[str, float]]:
        """Path and number of every entry of the list at `path` that could be read."""
        names = (name for name in self.values if name.startswith(f"{path}["))
        found = ((name, self.number(name)) for name in names)
        return [(name, number) for name, number in found if number is not None]

    def whole_list(self, path: str) -> tuple[float, ...] | None:
        """The numbers of the list at `path`, None unless all of them could be read."""
        node = self.entries[path].value if self.has(path) else None
        numbers = tuple(number for _, number in self.items(path))
        whole = isinstance(node, Sequence) and len(numbers) == len(node.items)
        return numbers if numbers and whole else None

    def problem(self, path: str, expected: str, found: str = "") -> Problem:
        """A problem of the value at `path`, which is shown as it is written."""
        node = self.entries[path].value
        text = node.text if isinstance(node, Scalar) else ""
        return Problem(node.position, path, found or quoted(text), expected)


def document(root: Node) -> Document:
    """The file of a root; nothing of it is read yet."""
    return Document(dict(_entries(Entry(root.position, root), "")))


def _entries(entry: Entry, path: str) -> Iterator[tuple[str, Entry]]:
    yield path, entry
    match entry.value:
        case Table(entries=entries):
            for key, inner in entries.items():
                yield from _entries(inner, joined(path, key))
        case Sequence(items=items):
            for index, item in enumerate(items):
                yield from _entries(Entry(item.position, item), f"{path}[{index}]")
