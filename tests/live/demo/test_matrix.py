"""Every fault of the demo, from the worker to the receiver and back to normal."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from demo.faults import FAULTS, Fault
from demo.stack import Stack
from tests.bundle import ROOT
from tests.live.demo import fault_run
from tests.live.demo.fault_run import FaultRun

ROWS = ROOT / "build" / "faults"
HALVES = (FAULTS[::2], FAULTS[1::2])
# A busy worker needs a whole core, so nothing else may run meanwhile.
ALONE = ("cpu",)
# One worker has these, the others are healthy.
ONE_WORKER = ("cpu", "crash-loop")
# What holds half a minute after a fault for which no alert is expected.
TRACES = {
    "crash": "sum(auditor_worker_starts_total - auditor_worker_starts_total offset 30s) >= 2",
    "sawtooth": "max_over_time(auditor_worker_resident_memory_bytes[20s])"
    " - min_over_time(auditor_worker_resident_memory_bytes[20s]) > 50e6",
}


@pytest.fixture(scope="module")
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    versions, _ = request.param
    folder = tmp_path_factory.mktemp("stack") / "run"
    with fault_run.running_stack(folder, versions) as running:
        yield running


def cases() -> Iterator[object]:
    """Four stacks in parallel, each with half of the faults."""
    for versions in fault_run.VERSIONS:
        for number, half in enumerate(HALVES):
            group = f"{versions[0]}-{number}"
            for fault in half:
                yield pytest.param(
                    (versions, number),
                    fault,
                    id=f"{versions[0]}-{fault.name}",
                    marks=[
                        pytest.mark.xdist_group(group),
                        *([pytest.mark.alone] if fault.name in ALONE else []),
                    ],
                )


@pytest.mark.matrix
@pytest.mark.parametrize(("stack", "fault"), list(cases()), indirect=["stack"])
def test_a_fault_reaches_its_receiver_and_no_other_family_fires(stack: Stack, fault: Fault) -> None:
    fault_run.wait_until_resolved(stack)
    if not fault.expected:
        no_alert_fires(stack, fault)
        return
    run = fault_run.follow(stack, fault, ":0" if fault.name in ONE_WORKER else "")
    save_row(stack, run)
    fault_run.check_notifications(run)
    assert run.unexpected(fault_run.families(stack)) == set()


def no_alert_fires(stack: Stack, fault: Fault) -> None:
    """The fault shows in the metrics, but no alert fires."""
    run = FaultRun(fault)
    stack.inject([fault.name])
    end = time.monotonic() + 30
    while time.monotonic() < end:
        run.seen |= fault_run.firing(stack)
        time.sleep(0.5)
    assert stack.prometheus.query(TRACES[fault.name]), "the fault shows in the metrics"
    assert (stack.prometheus.value("auditor_workers") or 0) == stack.options.workers
    stack.inject([])
    save_row(stack, run)
    assert run.seen == set()


def save_row(stack: Stack, run: FaultRun) -> None:
    """Save the row that `python -m tests.live.demo.table` reads."""
    ROWS.mkdir(parents=True, exist_ok=True)
    expected = {name for name, _ in run.fault.expected}
    receivers = [each.receiver for each in run.calls]
    row = {
        "fault": run.fault.name,
        "versions": f"{stack.options.prometheus}, {stack.options.alertmanager}",
        "alerts": sorted(f"{name} ({severity})" for name, severity in run.fault.expected),
        "fired": run.fired,
        "notified": run.notified,
        "resolved": run.resolved,
        "pages": receivers.count("pages"),
        "tickets": receivers.count("tickets"),
        "others": sorted({name for name, _ in run.seen} - expected),
    }
    file = ROWS / f"{stack.options.prometheus}-{run.fault.name}.json"
    file.write_text(json.dumps(row, indent=2) + "\n")
