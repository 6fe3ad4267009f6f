"""Tables and lists of Markdown in one canonical form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def bullets(reasons: Mapping[str, str]) -> str:
    """A list of paths, each with the reason for what stands there."""
    return "\n".join(f"- `{path}`: {reason}" for path, reason in reasons.items())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose columns are padded, but for the last."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    widths[-1] = 0
    cells.insert(1, ["-" * max(3, width) for width in widths])
    lines = (" | ".join(map(str.ljust, row, widths)) for row in cells)
    return "\n".join(f"| {line} |" for line in lines)
