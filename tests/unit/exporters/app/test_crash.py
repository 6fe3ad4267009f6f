"""Power cuts and failures at every operation of a merge: nothing lost, nothing counted twice."""

from __future__ import annotations

import errno

import pytest

from exporters.app import AppMetrics
from exporters.app.archive import NAME, NEW
from exporters.errors import ErrorReason
from tests.unit.exporters.app.memory import Folder, MemoryDisk, PowerCutError, encoded
from tests.unit.exporters.app.pages import Reports, totals

LIVE = 3
SLOTS = {LIVE: 0}
EXPECTED = {"success": 0.1 + 0.2 + 40, "error": 7.0}


def dead(pid: int) -> bool:
    return pid != LIVE


def start(folder: Folder) -> tuple[AppMetrics, MemoryDisk, Reports]:
    disk, reports = MemoryDisk(folder), Reports()
    metrics = AppMetrics(folder=None, report=reports, disk=disk, clock=reports.clock)  # type: ignore[arg-type]  # the disk has its own
    return metrics, disk, reports


def folder_of_three() -> Folder:
    """Two dead workers, a live one, and an archive of an earlier merge."""
    folder = Folder()
    folder.add("counter_1.db", encoded({"success": 30.0, "error": 5.0}))
    metrics, _, _ = start(folder)
    merge_all(metrics)
    metrics.close()
    assert folder.names.keys() == {NAME, "sidecar.lock"}
    folder.add("counter_1.db", encoded({"success": 0.1}))
    folder.add("counter_2.db", encoded({"success": 0.2, "error": 2.0}))
    folder.add("counter_3.db", encoded({"success": 10.0}))
    return folder


def merge_all(metrics: AppMetrics) -> int:
    """Once to get the lock, then until nothing is left."""
    metrics.merge(dead)
    return sum(iter(lambda: metrics.merge(dead), 0))


def operations() -> list[tuple[str, str]]:
    """All operations of a merge, in order."""
    metrics, disk, _ = start(folder_of_three())
    done: list[tuple[str, str]] = []
    metrics.merge(dead)
    disk.before = lambda what, name: done.append((what, name))
    assert metrics.merge(dead) == 2
    return done


OPERATIONS = operations()
NUMBERED = [
    pytest.param(number, id=f"{number}-{what}-{name}")
    for number, (what, name) in enumerate(OPERATIONS)
]


class FailingAt:
    """One operation fails; `failed` is its name."""

    def __init__(self, number: int, error: BaseException) -> None:
        self.left = number
        self.error = error
        self.failed = ""

    def __call__(self, what: str, _name: str) -> None:
        self.left -= 1
        if self.left == -1:
            self.failed = what
            raise self.error


def test_a_merge_is_as_documented() -> None:
    kinds = [what for what, _ in OPERATIONS if what not in ("names", "open")]
    expected = ["rename", "rename", "sync", "write", "fsync", "rename", "sync", "remove", "remove"]
    assert kinds == expected


@pytest.mark.parametrize("number", NUMBERED)
def test_a_power_cut_loses_nothing_and_counts_nothing_twice(number: int) -> None:
    folder = folder_of_three()
    metrics, disk, _ = start(folder)
    metrics.merge(dead)
    disk.before = FailingAt(number, PowerCutError())
    with pytest.raises(PowerCutError):
        metrics.merge(dead)
    outcomes = list(folder.outcomes())
    assert outcomes
    for outcome in outcomes:
        again, _, reports = start(outcome)
        assert totals(again.collect(SLOTS)) == EXPECTED
        merge_all(again)
        assert totals(again.collect(SLOTS)) == EXPECTED
        assert outcome.names.keys() - {NEW} == {NAME, "sidecar.lock", "counter_3.db"}
        assert reports.found == []


@pytest.mark.parametrize("number", NUMBERED)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("seen_alive", [False, True])
def test_a_failing_operation_is_reported_and_retried_later(
    number: int, code: int, seen_alive: bool
) -> None:
    folder = folder_of_three()
    metrics, disk, reports = start(folder)
    metrics.merge(dead)
    if seen_alive:
        assert totals(metrics.collect({1: 0, 2: 1, LIVE: 2})) == EXPECTED
    disk.before = failing = FailingAt(number, OSError(code, "failed"))
    assert metrics.merge(dead) in (0, 1, 2)
    disk.before = lambda _what, _name: None
    assert totals(metrics.collect(SLOTS)) == EXPECTED
    if failing.failed not in ("open", ""):  # a file that cannot be opened is left for `collect`
        assert [reason for reason, _ in reports.found] == [ErrorReason.WRITE]
        assert metrics.merge(dead) == 0, "not at once"
    for outcome in folder.outcomes():
        assert totals(start(outcome)[0].collect(SLOTS)) == EXPECTED
    reports.now += 61
    merge_all(metrics)
    assert totals(metrics.collect(SLOTS)) == EXPECTED
    assert not any(name.endswith(".db") and "_3" not in name for name in folder.names)


def test_a_power_cut_after_a_failure_that_was_not_the_last() -> None:
    """The folder was not synced after the archive was renamed, so what it names must stay."""
    folder = folder_of_three()
    metrics, disk, _ = start(folder)
    metrics.merge(dead)
    last_sync = max(number for number, (what, _) in enumerate(OPERATIONS) if what == "sync")
    disk.before = FailingAt(last_sync, OSError(errno.EIO, "failed"))
    metrics.merge(dead)
    restarted, disk, _ = start(folder)
    restarted.merge(dead)
    steps: list[str] = []
    disk.before = lambda what, _name: steps.append(what)
    restarted.merge(dead)
    assert steps.index("sync") < steps.index("remove")
