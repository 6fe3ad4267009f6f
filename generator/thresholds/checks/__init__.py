"""Rules across the fields of a file, one small function each: a document in, problems out."""

from collections.abc import Callable, Iterator
from typing import Final

from generator.thresholds.checks import alerts, objectives, service, targets
from generator.thresholds.document import Document
from generator.thresholds.model import Thresholds, forms, rows
from generator.thresholds.problems import Problem

_CHECKS: Final[tuple[Callable[[Document], Iterator[Problem]], ...]] = (
    service.buckets_rise,
    service.jobs_differ,
    service.labels_are_free,
    objectives.fast_enough_is_a_bucket,
    objectives.windows_rise,
    objectives.burns_can_be_reached,
    targets.loads_rise,
    targets.loads_have_an_end,
    targets.weak_score_is_a_bucket,
    alerts.windows_hold_two_samples,
)


def problems_across(document: Document, model: type[Thresholds]) -> Iterator[Problem]:
    """Every problem of values that do not go together."""
    for check in _CHECKS:
        yield from check(document)
    yield from targets.levels_are_in_order(document, rows(model))
    yield from targets.rows_are_in_order(document, rows(model))
    yield from alerts.bounds(document, forms(model), rows(model))
    for key, form in forms(model).items():
        path = f"alerts.{key}"
        if document.is_complete(path):
            yield from form.settings.problems(document, path)
