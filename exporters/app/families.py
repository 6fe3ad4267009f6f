"""Turns totals into metric families."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from prometheus_client.utils import floatToGoString

from exporters.app.dbfile import Series
from exporters.app.totals import Totals, value_of
from exporters.contract import Family, Kind
from exporters.exposition import Block, Sample, label_set

_KINDS: Final[dict[str, Kind]] = {
    "counter": "counter",
    "gauge": "gauge",
    "histogram": "histogram",
    "summary": "summary",
}
Labels = tuple[tuple[str, str], ...]


def blocks(totals: Totals) -> Iterator[Block]:
    """Families by name; if the type of a metric differs between releases, the first one counts."""
    values: dict[str, tuple[str, dict[Series, float]]] = {}
    for (kind, mode), states in sorted(totals.states.items()):
        for series, state in states.items():
            known, found = values.setdefault(series.metric, (kind, {}))
            if known == kind and series not in found:
                found[series] = value_of(mode, state)
    for metric, (kind, found) in sorted(values.items()):
        family = Family(metric, _KINDS[kind], totals.help[metric])
        samples = _histogram(metric, found) if kind == "histogram" else _plain(found)
        yield Block(family, list(samples))


def _plain(found: dict[Series, float]) -> Iterator[Sample]:
    for series in sorted(found, key=lambda each: (each.labels, each.sample)):
        yield series.sample, label_set(series.labels), found[series]


def _histogram(metric: str, found: dict[Series, float]) -> Iterator[Sample]:
    """The files have a count for each bucket; the format wants cumulative ones."""
    buckets: dict[Labels, dict[float, float]] = defaultdict(dict)
    sums: dict[Labels, float] = {}
    for series, value in found.items():
        bound = dict(series.labels).get("le")
        if bound is None:
            sums[series.labels] = value
        else:
            rest = tuple(pair for pair in series.labels if pair[0] != "le")
            counts = buckets[rest]
            counts[float(bound)] = counts.get(float(bound), 0.0) + value
    for labels in sorted(buckets):
        yield from _one_histogram(metric, labels, buckets[labels], sums.get(labels))


def _one_histogram(
    metric: str, labels: Labels, counts: dict[float, float], total: float | None
) -> Iterator[Sample]:
    cumulative = 0.0
    for bound in sorted(counts):
        cumulative += counts[bound]
        spelled = floatToGoString(bound)  # type: ignore[no-untyped-call]  # the client has no types
        text = label_set((*labels, ("le", spelled)))
        yield f"{metric}_bucket", text, cumulative
    plain = label_set(labels)
    yield f"{metric}_count", plain, cumulative
    if total is not None:
        yield f"{metric}_sum", plain, total
