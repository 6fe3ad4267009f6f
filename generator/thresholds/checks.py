"""Rules across the fields of a file, one small function each: a document in, problems out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import combinations, pairwise, product
from operator import ge, gt, lt
from typing import Final

from generator.thresholds import aims
from generator.thresholds.document import Document
from generator.thresholds.fields import listed
from generator.thresholds.levels import EDGES, Levels
from generator.thresholds.model import (
    LABEL_NAME,
    LONGEST_INTERVAL,
    OWN_LABELS,
    Burns,
    Jobs,
    Thresholds,
)
from generator.thresholds.nodes import joined
from generator.thresholds.problems import Problem, quoted
from generator.thresholds.settings import SEVERITIES, AlertSettings, ConditionAlert
from generator.thresholds.units import Unit, form, format_value

_LATENCIES: Final = "service.latency_buckets"
_SCORES: Final = "service.confidence_buckets"
_OBJECTIVES: Final = ("slo.availability.objective", "slo.latency.objective")
_BURNS: Final = tuple(f"slo.burn.{name}" for name in Burns.model_fields)
# The last windows that `rate` can use hold two samples.
_WINDOWS: Final = (".window", ".short_window", ".envelope")

_LATENCY_ROWS: Final = ("latency.p50", "latency.p95", "latency.p99", "latency.p999")
_ERROR_ROWS: Final = ("error_rate.normal", "error_rate.high", "error_rate.stress")
_CPU_ROWS: Final = ("cpu.idle", "cpu.normal", "cpu.high")
# Rows whose levels cannot fall from one to the next, and why.
RISING_ROWS: Final = (
    (_LATENCY_ROWS, "a higher quantile is never lower"),
    (_ERROR_ROWS, "more load is allowed as much"),
    (_CPU_ROWS, "more load is allowed as much"),
    (("memory.initial", "memory.peak_1h", "memory.peak_24h"), "a longer run's peak is never lower"),
    (("memory.slow_growth", "memory.growth"), "the slow leak is the slower one"),
)
# Rows that differ by a field which must rise, and its unit.
_LOADS: Final = (
    (
        ("throughput.sequential", "throughput.low", "throughput.medium", "throughput.high"),
        "concurrency",
        Unit.COUNT,
    ),
    (_ERROR_ROWS, "up_to_users", Unit.COUNT),
    (_CPU_ROWS, "up_to_users", Unit.COUNT),
    (("memory.peak_1h", "memory.peak_24h"), "within", Unit.DURATION),
)


def problems_across(document: Document, model: type[Thresholds]) -> Iterator[Problem]:
    """Every problem of values that do not go together."""
    for check in _CHECKS:
        yield from check(document)
    unordered: set[str] = set()
    for row, levels in model.row_forms.items():
        for problem in _levels_are_in_order(document, row, levels):
            unordered.add(row)
            yield problem
    yield from _rows_are_in_order(document, model.row_forms, unordered)
    yield from aims.problems(document, model)
    for key, alert in model.forms.items():
        path = f"alerts.{key}"
        if document.is_complete(path):
            yield from _severities_are_set(document, path, alert.settings)
            yield from alert.settings.problems(document, path)


def _compared(
    document: Document,
    path: str,
    fits: Callable[[float, float], bool],
    other: str,
    unit: Unit,
    expected: str,
) -> Iterator[Problem]:
    """A problem if the number at `path` does not fit that at `other`, LIMIT in `expected`."""
    value, limit = document.number(path), document.number(other)
    if value is not None and limit is not None and not fits(value, limit):
        yield document.problem(path, expected.replace("LIMIT", format_value(limit, unit)))


def _buckets_rise(document: Document) -> Iterator[Problem]:
    """Buckets stand in rising order, each once."""
    lists = ((_LATENCIES, "a duration", Unit.DURATION), (_SCORES, "a number", Unit.SCORE))
    for path, noun, unit in lists:
        for (before, _), (item, _) in pairwise(document.items(path)):
            expected = f"{noun} above the entry before it (LIMIT)"
            yield from _compared(document, item, gt, before, unit, expected)


def _jobs_differ(document: Document) -> Iterator[Problem]:
    """Only their names tell the jobs apart."""
    for one, other in combinations([f"service.jobs.{name}" for name in Jobs.model_fields], 2):
        if document.text(one) is not None and document.text(one) == document.text(other):
            yield document.problem(other, f"a name other than that of {one}")


def _labels_are_free(document: Document) -> Iterator[Problem]:
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


def _bounds_are_buckets(document: Document) -> Iterator[Problem]:
    """Between two bounds a histogram cannot count, only guess; all scores lie under the last."""
    for path, name, end, words, unit in (
        ("slo.latency.within", _LATENCIES, None, "", Unit.DURATION),
        ("targets.confidence.below", _SCORES, -1, " but the last", Unit.SCORE),
    ):
        value, buckets = document.number(path), document.whole_list(name)
        if value is not None and buckets and value not in buckets[:end]:
            bounds = ", ".join(format_value(bucket, unit) for bucket in buckets[:end])
            yield document.problem(path, f"one of {name}{words}: {bounds}")


def _burn_windows_rise(document: Document) -> Iterator[Problem]:
    """Short below long below the period, and each burn rate slower than the one before it."""
    pairs = [(f"{faster}.window", f"{slower}.window") for faster, slower in pairwise(_BURNS)]
    for burn in _BURNS:
        pairs += [(f"{burn}.short_window", f"{burn}.window"), (f"{burn}.window", "slo.period")]
    for path, other in pairs:
        expected = f"a duration below {other} (LIMIT)"
        yield from _compared(document, path, lt, other, Unit.DURATION, expected)


def _burns_can_be_reached(document: Document) -> Iterator[Problem]:
    """A burn rate is highest when every request is bad."""
    period = document.number("slo.period")
    objectives = [document.number(path) for path in _OBJECTIVES]
    strictest = min((each for each in objectives if each), default=None)
    for burn in _BURNS:
        consumes, window = document.number(f"{burn}.consumes"), document.number(f"{burn}.window")
        if not consumes or not window or not period or strictest is None:
            continue
        if consumes * period / window * (1 - strictest) >= 1:
            reason = f"if every request within {burn}.window is bad, no more is used up"
            yield document.problem(f"{burn}.consumes", f"a smaller share of the budget: {reason}")


def _loads_rise(document: Document) -> Iterator[Problem]:
    """Each row is for more load, or a longer time, than the one before it."""
    for rows, name, unit in _LOADS:
        for before, path in pairwise(f"targets.{row}.{name}" for row in rows):
            yield from _compared(document, path, gt, before, unit, f"more than {before} (LIMIT)")


def _loads_have_an_end(document: Document) -> Iterator[Problem]:
    """Only the last row of a table may go on for ever."""
    for row in (f"targets.{row}" for rows in (_ERROR_ROWS, _CPU_ROWS) for row in rows[:-1]):
        path = f"{row}.up_to_users"
        if document.is_complete(row) and not document.has(path):
            found = f"missing; expected {form(Unit.COUNT)}: only the last row may omit it"
            yield Problem(document.nodes[row].position, path, found)


def _a_failed_scrape_is_bridged(document: Document) -> Iterator[Problem]:
    """While one scrape fails, the last value is nearly two intervals old."""
    path, value = "service.lookback", document.number("service.lookback")
    interval = document.number("service.scrape_interval")
    if value is not None and interval is not None and value < 2 * interval:
        least = format_value(2 * interval, Unit.DURATION)
        expected = f"at least {least}, two of service.scrape_interval, to bridge a failed scrape"
        yield document.problem(path, expected)


def _windows_hold_two_samples(document: Document) -> Iterator[Problem]:
    """A rate or a slope needs two samples."""
    interval = document.number("service.scrape_interval")
    if interval is None or interval > LONGEST_INTERVAL:
        return
    least = format_value(2 * interval, Unit.DURATION)
    for path in [each for each in document.values if each.endswith(_WINDOWS)]:
        value = document.number(path)
        if value is not None and value < 2 * interval:
            reason = "two of service.scrape_interval, as a rate needs two samples"
            yield document.problem(path, f"at least {least}: {reason}")


def _levels_are_in_order(document: Document, row: str, levels: type[Levels]) -> Iterator[Problem]:
    """Each level is worse than the one before it."""
    edges = [edge for edge in EDGES if document.number(f"targets.{row}.{edge}") is not None]
    for better, edge in pairwise(edges):
        path, other = f"targets.{row}.{edge}", f"targets.{row}.{better}"
        expected = f"a value {levels.worse} that of `{better}` (LIMIT)"
        fits = gt if levels.worse == "above" else lt
        yield from _compared(document, path, fits, other, levels.unit, expected)


def _rows_are_in_order(
    document: Document, forms: Mapping[str, type[Levels]], unordered: Collection[str]
) -> Iterator[Problem]:
    """Levels never fall from a row to a harder one; `unordered` rows have a problem already."""
    for rows, reason in RISING_ROWS:
        for (before, row), edge in product(pairwise(rows), EDGES):
            if before in unordered or row in unordered:
                continue
            path, other = f"targets.{row}.{edge}", f"targets.{before}.{edge}"
            expected = f"at least LIMIT as in {other}: {reason}"
            yield from _compared(document, path, ge, other, forms[row].unit, expected)


def _severities_are_set(
    document: Document, path: str, settings: type[AlertSettings]
) -> Iterator[Problem]:
    """An alert on a state has one severity, any other at least one."""
    single = issubclass(settings, ConditionAlert)
    found = [quoted(each) for each in SEVERITIES if document.has(f"{path}.{each}")]
    if not found or (single and len(found) > 1):
        expected = f"{'exactly' if single else 'at least'} one of {listed(SEVERITIES)}"
        yield document.problem(path, expected, ", ".join(found) or "no severity")


_CHECKS: Final = (
    _buckets_rise,
    _jobs_differ,
    _labels_are_free,
    _bounds_are_buckets,
    _burn_windows_rise,
    _burns_can_be_reached,
    _loads_rise,
    _loads_have_an_end,
    _a_failed_scrape_is_bridged,
    _windows_hold_two_samples,
)
