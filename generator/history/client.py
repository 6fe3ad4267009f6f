"""A client for the range queries of Prometheus's HTTP API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import requests

from generator.errors import InputError
from generator.http import Bearer, address, unreachable

# Connect and read timeout in seconds.
TIMEOUT: Final = (5.0, 120.0)
# Prometheus rejects queries for more than 11,000 points per series.
MAX_POINTS: Final = 10_000

Labels = Mapping[str, str]


class PrometheusError(InputError):
    """Prometheus cannot be reached or rejects a query; the message says why."""


@dataclass(frozen=True)
class Range:
    """The times from `start` to `end` in Unix time, `step` seconds apart and multiples of it."""

    start: float
    end: float
    step: float

    @classmethod
    def until(cls, end: float, seconds: float, step: float) -> Range:
        """The last `seconds` before `end`."""
        last = end // step * step
        return cls(last - seconds // step * step, last, step)

    @property
    def count(self) -> int:
        return round((self.end - self.start) / self.step) + 1

    def times(self) -> Iterator[float]:
        return (self.start + index * self.step for index in range(self.count))

    def index(self, time: float) -> int:
        return round((time - self.start) / self.step)

    def earlier(self, seconds: float) -> Range:
        """The range with a start that is at least `seconds` earlier."""
        return replace(self, start=self.start - -(-seconds // self.step) * self.step)

    def parts(self) -> Iterator[Range]:
        """Ranges that are short enough for one query."""
        for first in range(0, self.count, MAX_POINTS):
            last = min(first + MAX_POINTS, self.count) - 1
            yield Range(self.start + first * self.step, self.start + last * self.step, self.step)


@dataclass(frozen=True)
class RangeSeries:
    """A series of a range query: its values by time."""

    labels: Labels
    values: Mapping[float, float]


class Prometheus:
    """A Prometheus at `url`, which may have a path. Every method raises PrometheusError."""

    def __init__(self, url: str, token: str = "") -> None:
        """Raises PrometheusError for an invalid address."""
        try:
            self.url = address(url, "http://HOST:PORT of a Prometheus")
        except ValueError as error:
            raise PrometheusError(str(error)) from error
        self._session = requests.Session()
        if token:
            self._session.auth = Bearer(token.strip())

    def range(self, expr: str, span: Range) -> list[RangeSeries]:
        """The series of an expression, in as many queries as needed."""
        found: dict[frozenset[tuple[str, str]], dict[float, float]] = {}
        for part in span.parts():
            data = self._post("/api/v1/query_range", query=expr, step=f"{part.step:.3f}", span=part)
            for each in data["result"]:
                values = found.setdefault(frozenset(each["metric"].items()), {})
                values.update((float(time), float(value)) for time, value in each["values"])
        return [RangeSeries(dict(labels), values) for labels, values in found.items()]

    def has(self, name: str, span: Range) -> bool:
        """Whether there is any series of that name."""
        return bool(self._post("/api/v1/series", span, **{"match[]": name, "limit": "1"}))

    def _post(self, path: str, span: Range, **query: str) -> Any:
        query |= {"start": f"{span.start:.3f}", "end": f"{span.end:.3f}"}
        try:
            response = self._session.post(f"{self.url}{path}", data=query, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise PrometheusError(f"{self.url}: {unreachable(error, TIMEOUT)}") from error
        try:
            document = response.json()
            if document["status"] == "success":
                return document["data"]
            reason = document["error"]
        except (KeyError, TypeError, ValueError):
            reason = f"status {response.status_code}, not a response of Prometheus; check the URL"
        raise PrometheusError(f"{self.url}{path}: {reason}")
