"""Prometheus's HTTP API, as far as looking back needs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import requests

from generator.errors import InputError
from generator.http import Bearer, address, unreachable

# Seconds to connect, and between two parts of an answer.
TIMEOUT: Final = (5.0, 120.0)
# Prometheus refuses a query of more than 11,000 points a series.
MOST_POINTS: Final = 10_000

Labels = Mapping[str, str]


class PrometheusError(InputError):
    """Prometheus cannot be reached or does not answer; the text says why."""


@dataclass(frozen=True)
class Range:
    """Moments from `start` to `end`, both Unix time, each `step` seconds; multiples of the step."""

    start: float
    end: float
    step: float

    @classmethod
    def until(cls, end: float, seconds: float, step: float) -> Range:
        """The last so many seconds."""
        last = end // step * step
        return cls(last - seconds // step * step, last, step)

    @property
    def count(self) -> int:
        return round((self.end - self.start) / self.step) + 1

    def times(self) -> Iterator[float]:
        return (self.start + number * self.step for number in range(self.count))

    def index(self, time: float) -> int:
        """Number of a moment, from 0."""
        return round((time - self.start) / self.step)

    def earlier(self, seconds: float) -> Range:
        """Begun earlier by so much, or a little more."""
        return replace(self, start=self.start - -(-seconds // self.step) * self.step)

    def parts(self) -> Iterator[Range]:
        """As long as one query may be."""
        for first in range(0, self.count, MOST_POINTS):
            last = min(first + MOST_POINTS, self.count) - 1
            yield Range(self.start + first * self.step, self.start + last * self.step, self.step)


@dataclass(frozen=True)
class RangeSeries:
    """A series of a range query: its values by moment; moments without one are left out."""

    labels: Labels
    values: Mapping[float, float]


class Prometheus:
    """A Prometheus at `url`, which may have a path. Every method raises PrometheusError."""

    def __init__(self, url: str, token: str = "") -> None:
        """Raises PrometheusError for what cannot be an address."""
        try:
            self.url = address(url, "http://HOST:PORT of a Prometheus")
        except ValueError as error:
            raise PrometheusError(str(error)) from error
        self._session = requests.Session()
        if token:
            self._session.auth = Bearer(token.strip())

    def range(self, expr: str, span: Range) -> list[RangeSeries]:
        """The series of an expression, in as many queries as it takes."""
        found: dict[frozenset[tuple[str, str]], dict[float, float]] = {}
        for part in span.parts():
            data = self._ask(
                "/api/v1/query_range",
                query=expr,
                start=f"{part.start:.3f}",
                end=f"{part.end:.3f}",
                step=f"{part.step:.3f}",
            )
            for each in data["result"]:
                values = found.setdefault(frozenset(each["metric"].items()), {})
                values.update((float(time), float(value)) for time, value in each["values"])
        return [RangeSeries(dict(labels), values) for labels, values in found.items()]

    def has(self, name: str, span: Range) -> bool:
        """Whether there is any series of that name."""
        query = {"start": f"{span.start:.3f}", "end": f"{span.end:.3f}", "limit": "1"}
        return bool(self._ask("/api/v1/series", **{"match[]": name}, **query))

    def _ask(self, path: str, **query: str) -> Any:
        try:
            answer = self._session.post(f"{self.url}{path}", data=query, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise PrometheusError(f"{self.url}: {unreachable(error, TIMEOUT)}") from error
        try:
            document = answer.json()
            if document["status"] == "success":
                return document["data"]
            said = document["error"]
        except (KeyError, TypeError, ValueError):
            said = f"{answer.status_code} and no answer of Prometheus's: is this its address?"
        raise PrometheusError(f"{self.url}{path}: {said}")
