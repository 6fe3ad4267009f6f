import math

import pytest

from generator.config import load
from generator.thresholds import Note, between_buckets, notes
from tests.bundle import thresholds
from tests.unit.thresholds.cases import place
from tests.unit.thresholds.good import FILE, GOOD, edited, problems

BUCKETS = (0.005, 0.1, 1.0, 2.5, 10.0)


@pytest.mark.parametrize(
    ("value", "bucket"),
    [
        (0.001, (0.0, 0.005)),
        (0.005, None),
        (0.05, (0.005, 0.1)),
        (2.0, (1.0, 2.5)),
        (2.5, None),
        (10.0, None),
        (11.0, None),
    ],
)
def test_between_buckets(value: float, bucket: tuple[float, float] | None) -> None:
    assert between_buckets(value, BUCKETS) == bucket


def about_p95(text: str) -> list[Note]:
    """Notes of the row that the tests edit."""
    return [
        each for each in notes(load(text, FILE)) if each.path.startswith("targets.latency.p95.")
    ]


def test_the_good_file() -> None:
    (note,) = about_p95(GOOD)
    line, column = place(GOOD, "targets.latency.p95.poor")
    assert str(note) == (
        f"thresholds.yaml:{line}:{column}: targets.latency.p95.poor (2s) lies between the buckets "
        "1s and 2.5s: a true p95 of just over 1s can read above it, one of 2.5s below it; worst "
        "error 1s; nearest bounds 1s and 2.5s are exact"
    )


def test_a_bound_at_a_bucket_is_exact() -> None:
    assert about_p95(edited("acceptable: 1s, poor: 2s", "acceptable: 1s, poor: 2.5s")) == []


def test_a_bound_that_no_alert_fires_at_is_not_read() -> None:
    text = edited("    critical: {fires_at: latency.p95.critical, for: 5m}\n", "")
    assert about_p95(text) == []


def test_connections_that_the_pools_cannot_open() -> None:
    text = edited("acceptable: 30, poor: 50", "acceptable: 60, poor: 80")
    line, column = place(text, "targets.database.connections.acceptable")
    (note,) = (each for each in notes(load(text, FILE)) if "database" in each.path)
    assert str(note) == (
        f"thresholds.yaml:{line}:{column}: targets.database.connections.acceptable (60) is no less "
        "than the 60 connections that the pools of 4 workers open (5 + 10 each):"
        " alerts.many_database_connections.warning never fires for them"
    )


def test_an_accepted_note_is_not_given() -> None:
    text = f"{GOOD}accepted_notes: {{targets.latency.p95.poor: the guide's}}\n"
    assert about_p95(text) == []


def test_an_accepted_note_that_is_gone_is_a_note() -> None:
    """So that a number can be changed without another edit."""
    text = f"{GOOD}accepted_notes: {{targets.latency.p95.target: the guide's}}\n"
    (note,) = (each for each in notes(load(text, FILE)) if "p95.target" in each.path)
    assert note.position.line == len(text.splitlines())
    assert note.text == "accepts a note that is gone: delete the line"


def test_an_accepted_note_on_no_value_is_refused() -> None:
    (problem,) = problems(f"{GOOD}accepted_notes: {{targets.latency.p95.pour: the guide's}}\n")
    assert problem.endswith(
        "found `targets.latency.p95.pour`, "
        "expected the path of a value such as targets.latency.p95.poor"
    )


def test_an_overlay_that_needs_no_note_may_leave_it_accepted() -> None:
    text = f"{GOOD}accepted_notes: {{targets.latency.p95.poor: the guide's}}\n"
    exact = ("staging.yaml", "targets: {latency: {p95: {poor: 2500ms}}}")
    assert notes(load(text, FILE, [exact])) == notes(load(GOOD, FILE, [exact]))


def test_a_note_is_accepted_for_a_reason() -> None:
    text = f'{GOOD}accepted_notes: {{targets.latency.p95.poor: ""}}\n'
    (problem,) = problems(text)
    assert problem.endswith("found an empty text, expected a text of one line")


def test_the_committed_file_has_no_note_that_is_not_accepted() -> None:
    """A stale acceptance is no fault of the one who changed the number."""
    new = [each for each in notes(thresholds()) if not each.path.startswith("accepted_notes.")]
    assert new == []


def quantile(q: float, values: list[float]) -> float:
    """Prometheus's `histogram_quantile` over BUCKETS, for values that all lie in finite buckets."""
    counts = [sum(value <= bound for value in values) for bound in BUCKETS]
    rank = q * len(values)
    index = next(index for index, count in enumerate(counts) if count >= rank)
    below = counts[index - 1] if index else 0
    start = BUCKETS[index - 1] if index else 0.0
    return start + (BUCKETS[index] - start) * (rank - below) / (counts[index] - below)


def test_the_error_is_as_bad_as_said_and_no_worse() -> None:
    low, high = 1.0, 2.5
    bound = 2.0
    # All in one bucket, so that its top is read: far above the true values.
    assert quantile(0.95, [math.nextafter(low, high)] * 100) > bound
    # The rank is the bucket's first value: its bottom is read, far below the true value.
    assert quantile(0.95, [0.05] * 94 + [high] * 6) < bound
    # At a bucket's own bound the answer is never wrong.
    assert quantile(0.95, [math.nextafter(low, high)] * 100) > low
    assert quantile(0.95, [low] * 100) <= low
