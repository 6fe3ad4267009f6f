"""Helpers to look at pages and reports."""

from __future__ import annotations

from collections.abc import Iterable

from exporters.errors import ErrorReason
from exporters.exposition import Block, render


class Reports:
    """Remembers what is reported; has a clock that only a test moves."""

    def __init__(self) -> None:
        self.found: list[tuple[ErrorReason, str]] = []
        self.now = 0.0

    def __call__(self, reason: ErrorReason, about: str) -> None:
        self.found.append((reason, about))

    def clock(self) -> float:
        return self.now


def samples(blocks: Iterable[Block]) -> dict[str, float]:
    """Value by sample, `name{label="value"}`."""
    lines = render(blocks, openmetrics=False).decode().splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    assert len({name for name, _ in pairs}) == len(pairs), "no duplicate sample"
    return {name: float(value) for name, value in pairs}


def totals(blocks: Iterable[Block]) -> dict[str, float]:
    """Of `requests_total`, by status."""
    return {
        name.split('"')[1]: value
        for name, value in samples(blocks).items()
        if name.startswith("requests_total{")
    }
