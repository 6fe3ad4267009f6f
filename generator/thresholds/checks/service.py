"""Rules for the service, the objective and the dashboards."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from generator.names import LABELS
from generator.thresholds.draft import Draft
from generator.thresholds.forms import LABEL_NAME
from generator.thresholds.levels import Unit
from generator.thresholds.nodes import joined
from generator.thresholds.problems import Problem, quoted
from generator.thresholds.units import format_value

# Prometheus looks back 5 minutes (`--query.lookback-delta`): a missed scrape must leave a sample.
LONGEST_INTERVAL: Final = 120.0
# Grafana refuses less (`min_refresh_interval`, 5s unless set otherwise).
_SHORTEST_REFRESH: Final = 5.0
OWN_LABELS: Final = frozenset(
    {"alertname", "severity", "service", "category", "job", "instance", "worker"}.union(
        *LABELS.values()
    )
)

_LISTS: Final = {
    "service.latency_buckets": Unit.DURATION,
    "service.confidence_buckets": Unit.SCORE,
}
_INTERVALS: Final = (
    "service.scrape_interval",
    "service.evaluation_interval",
    "slo.evaluation_interval",
)


def buckets_rise(draft: Draft) -> Iterator[Problem]:
    """Buckets and windows stand in rising order, each once."""
    for path, unit in _LISTS.items():
        for (_, before), (name, value) in pairwise(draft.items(path)):
            if value <= before:
                noun = "a number" if unit is Unit.SCORE else "a duration"
                limit = format_value(before, unit)
                yield draft.problem(name, f"{noun} above the entry before it ({limit})")


def intervals_fit_the_lookback(draft: Draft) -> Iterator[Problem]:
    """Whole seconds, and often enough that Prometheus never sees a gap."""
    for path in _INTERVALS:
        value = draft.number(path)
        if value is not None and (value % 1 or value > LONGEST_INTERVAL):
            yield draft.problem(
                path, "whole seconds up to 2m such as 15s: Prometheus forgets a sample after 5m"
            )


def jobs_differ(draft: Draft) -> Iterator[Problem]:
    """The two jobs are told apart by their names."""
    api, workers = "service.jobs.api", "service.jobs.workers"
    if draft.text(api) is not None and draft.text(api) == draft.text(workers):
        yield draft.problem(workers, f"another name than that of {api}")


def labels_are_free(draft: Draft) -> Iterator[Problem]:
    """Added labels are valid and do not overwrite those that the alerts carry."""
    for path, name in _labels(draft):
        found = f"the label name {quoted(name)}"
        if not LABEL_NAME.fits(name):
            yield draft.problem(path, LABEL_NAME.words, found)
        elif name in OWN_LABELS:
            expected = "another name: the alerts and series carry this one already"
            yield draft.problem(path, expected, found)


def label_values_are_no_templates(draft: Draft) -> Iterator[Problem]:
    """Prometheus would expand a template in a label."""
    for path, _ in _labels(draft):
        if "{{" in (draft.text(path) or ""):
            yield draft.problem(path, "a text without {{, which begins a template")


def _labels(draft: Draft) -> Iterator[tuple[str, str]]:
    """Path and name of every added label."""
    for path, names in draft.texts.items():
        yield from ((joined(path, name), name) for name in names)


def refresh_is_slow_enough(draft: Draft) -> Iterator[Problem]:
    """Grafana does not take less than it is set to take."""
    path = "dashboards.refresh"
    value = draft.number(path)
    if value is not None and value < _SHORTEST_REFRESH:
        yield draft.problem(path, "at least 5s, the least that Grafana takes unless told otherwise")
