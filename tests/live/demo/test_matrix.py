"""Every fault of the demo, from the worker to the receiver and back to silence."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from demo.faults import FAULTS, Fault
from demo.stack import Stack
from tests.bundle import ROOT
from tests.live.demo import course

ROWS = ROOT / "build" / "faults"
HALVES = (FAULTS[::2], FAULTS[1::2])
# One worker is busy, and nothing else runs beside: this needs a whole processor.
ALONE = ("cpu",)
# What is true after half a minute of a fault that fires nothing.
TRACES = {
    "crash": "auditor_worker_starts_total - auditor_worker_starts_total offset 30s >= 2",
    "sawtooth": "max_over_time(auditor_worker_resident_memory_bytes[20s])"
    " - min_over_time(auditor_worker_resident_memory_bytes[20s]) > 50e6",
}


@pytest.fixture(scope="module")
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    pair, _ = request.param
    with course.stack(tmp_path_factory.mktemp("stack") / "run", pair) as running:
        yield running


def cases() -> Iterator[object]:
    """Four stacks side by side, each with half of the faults."""
    for pair in course.PAIRS:
        for number, half in enumerate(HALVES):
            group = f"{pair[0]}-{number}"
            for fault in half:
                yield pytest.param(
                    (pair, number),
                    fault,
                    id=f"{pair[0]}-{fault.name}",
                    marks=[
                        pytest.mark.xdist_group(group),
                        *([pytest.mark.alone] if fault.name in ALONE else []),
                    ],
                )


@pytest.mark.matrix
@pytest.mark.parametrize(("stack", "fault"), list(cases()), indirect=["stack"])
def test_a_fault_reaches_its_receiver_and_no_other_family_fires(stack: Stack, fault: Fault) -> None:
    course.quiet(stack)
    if not fault.fires:
        unnoticed(stack, fault)
        return
    found = course.run(stack, fault, ":0" if fault.name in ALONE else "")
    note(stack, found)
    course.check_notifications(found)
    assert found.others(course.families(stack)) == set()


def unnoticed(stack: Stack, fault: Fault) -> None:
    """It is seen in the metrics, and nobody need be told."""
    found = course.Course(fault)
    stack.inject([fault.name])
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found.seen |= course.firing(stack)
        time.sleep(0.5)
    assert stack.prometheus.query(TRACES[fault.name]), "the fault leaves its trace"
    assert (stack.prometheus.value("auditor_workers") or 0) == stack.options.workers
    stack.inject([])
    note(stack, found)
    assert found.seen == set()


def note(stack: Stack, found: course.Course) -> None:
    """A row of the table that `python -m tests.live.demo.table` prints."""
    ROWS.mkdir(parents=True, exist_ok=True)
    wanted = {name for name, _ in found.fault.fires}
    row = {
        "fault": found.fault.name,
        "with": f"{stack.options.prometheus}, {stack.options.alertmanager}",
        "alert": sorted(f"{name} ({severity})" for name, severity in found.fault.fires),
        "fire": found.fired,
        "notify": found.told,
        "resolve": found.resolved,
        "others": sorted({name for name, _ in found.seen} - wanted),
    }
    file = ROWS / f"{stack.options.prometheus}-{found.fault.name}.json"
    file.write_text(json.dumps(row, indent=2) + "\n")
