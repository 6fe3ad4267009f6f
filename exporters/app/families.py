"""From totals to metric families."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from prometheus_client.utils import floatToGoString

from exporters.app.dbfile import Series
from exporters.app.totals import Totals, value_of
from exporters.contract import Family, Kind
from exporters.exposition import Block, Point, label_set

_KINDS: Final[dict[str, Kind]] = {
    "counter": "counter",
    "gauge": "gauge",
    "histogram": "histogram",
    "summary": "summary",
}
Labels = tuple[tuple[str, str], ...]


def blocks(totals: Totals) -> Iterator[Block]:
    """Families by name; a metric that two releases give two kinds is shown as the first of them."""
    values: dict[str, tuple[str, dict[Series, float]]] = {}
    for (kind, mode), states in sorted(totals.states.items()):
        for series, state in states.items():
            known, found = values.setdefault(series.metric, (kind, {}))
            if known == kind and series not in found:
                found[series] = value_of(mode, state)
    for metric, (kind, found) in sorted(values.items()):
        family = Family(metric, _KINDS[kind], totals.help[metric])
        write = _histogram if kind == "histogram" else _plain
        yield Block(family, list(write(metric, found)))


def _plain(metric: str, found: dict[Series, float]) -> Iterator[Point]:
    for series in sorted(found, key=lambda each: (each.labels, each.sample)):
        suffix = series.sample.removeprefix(metric)
        yield suffix, label_set(dict(series.labels)), found[series]


def _histogram(_metric: str, found: dict[Series, float]) -> Iterator[Point]:
    """The files hold the count of each bucket alone; the format wants them cumulated."""
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
        yield from _one_histogram(labels, buckets[labels], sums.get(labels))


def _one_histogram(
    labels: Labels, counts: dict[float, float], total: float | None
) -> Iterator[Point]:
    cumulated = 0.0
    for bound in sorted(counts):
        cumulated += counts[bound]
        spelled = floatToGoString(bound)  # type: ignore[no-untyped-call]  # the client has no types
        text = label_set({**dict(labels), "le": spelled})
        yield "_bucket", text, cumulated
    plain = label_set(dict(labels))
    yield "_count", plain, cumulated
    if total is not None:
        yield "_sum", plain, total
