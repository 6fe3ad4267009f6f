"""A file by paths, for the checks across its fields: they work even where the file is broken."""

from __future__ import annotations

from dataclasses import dataclass, field

from generator.thresholds.nodes import Node
from generator.thresholds.problems import Position, Problem, quoted


@dataclass
class Document:
    """`nodes` has every value of the file, `values` those that could be read.

    What could not be read has its problem already. `flawed` are the paths of the mappings that have
    unknown keys: what seems to be missing there may only be misspelt.
    """

    root: Node
    values: dict[str, float | str] = field(default_factory=dict)
    flawed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.nodes = {node.path: node for node in self.root.all()}

    def has(self, path: str) -> bool:
        """Whether a value stands at `path`."""
        return path in self.nodes and not self.nodes[path].removes

    def positions(self) -> dict[str, Position]:
        """Where each value stands."""
        return {path: node.position for path, node in self.nodes.items() if path and self.has(path)}

    def is_complete(self, path: str) -> bool:
        """Whether a mapping stands at `path`, with no key that may be another one misspelt."""
        node = self.nodes.get(path)
        return node is not None and isinstance(node.value, dict) and path not in self.flawed

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
        return [(name, number) for name in names if (number := self.number(name)) is not None]

    def whole_list(self, path: str) -> tuple[float, ...] | None:
        """The numbers of the list at `path`, None unless all of them could be read."""
        items = self.nodes[path].value if self.has(path) else None
        numbers = tuple(number for _, number in self.items(path))
        whole = isinstance(items, list) and len(numbers) == len(items)
        return numbers if numbers and whole else None

    def problem(self, path: str, expected: str, found: str = "") -> Problem:
        """A problem of the value at `path`, which is shown as it is written."""
        node = self.nodes[path]
        return Problem(node.position, path, found or quoted(node.text), expected)
