"""Pieces of Markdown in one canonical form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

NOTICE: Final = (
    "<!-- Generated from thresholds.yaml by `make`. Do not edit: change the thresholds or the "
    "generator. -->"
)


def page(title: str, *blocks: str) -> str:
    """A page below the notice; blocks are parted by an empty line."""
    return "\n\n".join((NOTICE, f"# {title}", *blocks)) + "\n"


def section(title: str, *blocks: str, depth: int = 2) -> str:
    return "\n\n".join((f"{'#' * depth} {title}", *blocks))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose columns are padded, but for the last."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    widths[-1] = 0
    cells.insert(1, ["-" * max(3, width) for width in widths])
    lines = (" | ".join(map(str.ljust, row, widths)) for row in cells)
    return "\n".join(f"| {line} |" for line in lines)
