"""Rules for the service."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from generator.thresholds.document import Document
from generator.thresholds.model import LABEL_NAME, OWN_LABELS
from generator.thresholds.nodes import joined
from generator.thresholds.problems import Problem, quoted
from generator.thresholds.units import Unit, format_value

_LISTS: Final = {
    "service.latency_buckets": ("a duration", Unit.DURATION),
    "service.confidence_buckets": ("a number", Unit.SCORE),
}


def buckets_rise(document: Document) -> Iterator[Problem]:
    """Buckets stand in rising order, each once."""
    for path, (noun, unit) in _LISTS.items():
        for (_, before), (name, value) in pairwise(document.items(path)):
            if value <= before:
                limit = format_value(before, unit)
                yield document.problem(name, f"{noun} above the entry before it ({limit})")


def jobs_differ(document: Document) -> Iterator[Problem]:
    """Only their names tell the two jobs apart."""
    api, workers = "service.jobs.api", "service.jobs.workers"
    if document.text(api) is not None and document.text(api) == document.text(workers):
        yield document.problem(workers, f"another name than that of {api}")


def labels_are_free(document: Document) -> Iterator[Problem]:
    """Added labels are valid and do not overwrite those that the alerts carry."""
    path = "service.labels"
    labels = document.nodes[path].value if document.has(path) else None
    for name in labels if isinstance(labels, dict) else ():
        found = f"the label name {quoted(name)}"
        if not document.has(joined(path, name)):
            continue
        if not LABEL_NAME.fits(name):
            yield document.problem(joined(path, name), LABEL_NAME.words, found)
        elif name in OWN_LABELS:
            expected = "another name: the alerts and series carry this one already"
            yield document.problem(joined(path, name), expected, found)
