"""A Prometheus that answers range queries with a function, and has every recorded series."""

from __future__ import annotations

from collections.abc import Callable

from generator.history.client import Prometheus, Range, RangeSeries


class FakePrometheus(Prometheus):
    def __init__(self, query: Callable[[str, Range], list[RangeSeries]]) -> None:
        self._query = query

    def range(self, expr: str, span: Range) -> list[RangeSeries]:
        return self._query(expr, span)

    def has(self, name: str, span: Range) -> bool:  # noqa: ARG002  # all of them, always
        return True
