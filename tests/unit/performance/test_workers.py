from __future__ import annotations

import csv
import socket
from collections.abc import Callable
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Any

import pytest

from demo.processes import free_port
from exporters import contract
from exporters.proc.parse import Denied
from exporters.proc.root import ProcRoot, SocketInodes
from generator.thresholds.settings import WindowAlert
from tests.bundle import thresholds
from tests.performance.grading import Grade, Level
from tests.performance.recording import FILE, Recording
from tests.performance.workers import (
    LocalWorkers,
    SidecarWorkers,
    WorkerSample,
    WorkersError,
    by_process,
    grades,
    unclear_growth,
    worker_source,
)

MIB = 2**20
TARGETS = thresholds().targets
NORMAL_USERS = TARGETS.cpu.normal.up_to_users or 0
HIGH_USERS = TARGETS.cpu.high.up_to_users or 0
POOL = thresholds().service.database_pool.size + thresholds().service.database_pool.overflow
# A healthy worker uses half of each target.
RESIDENT = TARGETS.memory.peak_1h.target / 2
# A poor leak, in bytes per minute.
LEAK = 1.2 * 60 * TARGETS.memory.growth.acceptable


def worker_run(
    seconds: float = 600, per_minute: float = 0.0, worker: str = "0", **other: Any
) -> list[WorkerSample]:
    """A sample every five seconds of a worker that grows by `per_minute` bytes per minute."""
    found = []
    for at in range(0, int(seconds) + 1, 5):
        resident = RESIDENT + round(per_minute / 12) * at / 5  # rises that are all the same
        sample = WorkerSample(
            at=1000 + at,
            worker=worker,
            started=10,
            resident=resident,
            threads=TARGETS.worker.threads.target / 2,
            fds=TARGETS.worker.fds.target / 2,
            max_fds=1,
            cpu=TARGETS.cpu.normal.target / 2 * at,
        )
        found.append(replace(sample, **other))
    return found


def graded(
    samples: list[WorkerSample], users: int | None = NORMAL_USERS, warm_up: float = 0
) -> dict[str, Grade]:
    return {each.row: each for each in grades(thresholds(), samples, users, warm_up)}


def test_a_healthy_worker_is_on_target() -> None:
    found = graded(worker_run())
    assert {row: each.level for row, each in found.items()} == dict.fromkeys(
        ["memory.growth", "memory.peak_1h", "worker.fds", "worker.threads", "cpu.normal"],
        Level.TARGET,
    )
    assert found["cpu.normal"].value == pytest.approx(TARGETS.cpu.normal.target / 2)
    assert found["worker.fds"].value == TARGETS.worker.fds.target / 2


@pytest.mark.parametrize(
    ("row", "sample"),
    [
        ("memory.peak_1h", lambda value: {"resident": value}),
        ("worker.threads", lambda value: {"threads": value}),
        ("worker.fds", lambda value: {"fds": value, "max_fds": 1}),
        ("database.connections", lambda value: {"connections": value}),
        ("database.pool_usage", lambda value: {"connections": value * POOL}),
    ],
)
def test_levels_change_exactly_at_the_numbers_of_a_row(
    row: str, sample: Callable[[float], dict[str, Any]]
) -> None:
    for name, edge in thresholds().rows()[row].edges():
        assert graded(worker_run(**sample(edge)))[row].level is Level[name.upper()]
        beyond = edge * (1 + 1e-12)
        assert graded(worker_run(**sample(beyond)))[row].level is Level(Level[name.upper()] + 1)


def test_levels_of_growth_change_at_the_numbers_of_the_row() -> None:
    for name, edge in TARGETS.memory.growth.edges():
        at, beyond = (
            graded(worker_run(per_minute=60 * edge * factor)) for factor in (0.9999, 1.0001)
        )
        assert at["memory.growth"].level is Level[name.upper()]
        assert beyond["memory.growth"].level is Level(Level[name.upper()] + 1)


def test_the_worst_worker_is_graded() -> None:
    leaking = worker_run(per_minute=LEAK, worker="2")
    found = graded([*worker_run(worker="0"), *worker_run(worker="1"), *leaking])
    assert found["memory.growth"].subject == "worker 2"
    assert found["memory.growth"].level is Level.POOR


def test_a_replaced_worker_counts_as_another_process() -> None:
    """The memory of its slot falls and starts again, which is not growth."""
    first = worker_run(600, worker="0")
    second = [replace(each, at=each.at + 605, started=1600) for each in first]
    assert len(by_process([*first, *second])) == 2
    last = [replace(each, at=each.at + 1300, started=2300) for each in first[:2]]
    found = graded([*first, *second, *last])
    assert found["memory.growth"].level is Level.TARGET, "a short-lived process hides no other"


def test_slow_growth_is_graded_only_in_long_runs() -> None:
    hour = thresholds().alert("memory_leak", WindowAlert).window
    slow = 1.2 * 60 * TARGETS.memory.slow_growth.acceptable
    assert "memory.slow_growth" not in graded(worker_run(hour - 5, slow))
    found = graded(worker_run(hour, slow))
    assert found["memory.slow_growth"].level is Level.POOR
    assert found["memory.growth"].level is Level.TARGET
    assert "memory.slow_growth" not in graded(worker_run(hour, slow), warm_up=60)
    assert "memory.peak_24h" in graded(worker_run(TARGETS.memory.peak_1h.within + 5))


def test_initial_memory_is_graded_only_for_new_workers() -> None:
    assert "memory.initial" not in graded(worker_run(started=980))
    assert graded(worker_run(started=995))["memory.initial"].value == RESIDENT


@pytest.mark.parametrize(
    ("users", "row"),
    [
        (None, None),
        (1 + (TARGETS.cpu.idle.up_to_users or 0), "normal"),
        (NORMAL_USERS, "normal"),
        (NORMAL_USERS + 1, "high"),
        (HIGH_USERS, "high"),
        (HIGH_USERS + 1, None),
    ],
)
def test_the_row_of_the_cpu_depends_on_the_users(users: int | None, row: str | None) -> None:
    found = [each for each in graded(worker_run(), users) if each.startswith("cpu.")]
    assert found == ([f"cpu.{row}"] if row else [])


def test_unclear_growth_is_explained() -> None:
    def why(samples: list[WorkerSample], warm_up: float = 0) -> str:
        found = grades(thresholds(), samples, 1, warm_up)
        return unclear_growth(found, "the host is another machine")

    assert why(worker_run()) == ""
    assert why(worker_run(per_minute=LEAK)) == ""
    assert why([]) == "no worker was seen: the host is another machine"
    assert why(worker_run(), warm_up=590) == "worker 0: memory.growth: too few samples; run longer"
    jumps = [
        replace(each, resident=(900 if each.at > 1350 else 100) * MIB) for each in worker_run()
    ]
    assert "memory.growth: unclear (0B/min to " in why(jumps)


PAGE = f"""\
{contract.START_TIME.sample}{{worker="0"}} 100
{contract.RESIDENT_MEMORY.sample}{{worker="0"}} 2e+08
{contract.CPU_SECONDS.sample}{{worker="0",mode="user"}} 3
{contract.CPU_SECONDS.sample}{{worker="0",mode="system"}} 1
{contract.DB_CONNECTIONS.sample}{{worker="0"}} 2
{contract.RESIDENT_MEMORY.sample}{{worker="1"}} 2e+08
{contract.WORKERS.sample} 2
"""


def test_the_sidecars_metrics_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    page = SidecarWorkers("http://sidecar:9105")
    urls = []

    class Response:
        text = PAGE

        def raise_for_status(self) -> None: ...

    def get(url: str, **_: object) -> Response:
        urls.append(url)
        return Response()

    monkeypatch.setattr("requests.get", get)
    (found,) = page.read()
    assert urls == ["http://sidecar:9105/metrics"]
    assert replace(found, at=0) == WorkerSample(0, "0", 100, resident=2e8, cpu=4, connections=2)


def test_missing_workers_are_an_error_with_a_hint() -> None:
    with pytest.raises(WorkersError, match="nothing listens on the port; start the Auditor"):
        LocalWorkers(free_port()).read()
    with pytest.raises(WorkersError, match="is not a sidecar"):
        SidecarWorkers(f"http://127.0.0.1:{free_port()}").read()


def test_workers_of_another_user_are_an_error_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_self: ProcRoot, pid: int) -> SocketInodes:
        raise Denied(f"/proc/{pid}/fd")

    monkeypatch.setattr(ProcRoot, "socket_inodes", denied)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(WorkersError, match="run this as the Auditor's user or give its sidecar"),
    ):
        LocalWorkers(server.getsockname()[1]).read()


def test_workers_are_read_locally_or_from_the_sidecar() -> None:
    assert isinstance(worker_source("http://localhost:8888"), LocalWorkers)
    assert isinstance(worker_source("http://[::1]:8888"), LocalWorkers)
    assert worker_source("https://staging.example.com") is None
    assert isinstance(
        worker_source("https://staging.example.com", "http://there:9105"), SidecarWorkers
    )


class Failing:
    """Every second read fails."""

    def __init__(self) -> None:
        self.turn = 0

    def read(self) -> list[WorkerSample]:
        self.turn += 1
        if self.turn % 2:
            return worker_run(5)
        raise WorkersError("gone")


def test_a_recording_is_written_at_once_and_survives_gaps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = Recording(Failing(), tmp_path / "new")
    for _ in range(3):
        recording.sample()
    assert recording.samples == worker_run(5) * 2
    head, *rows = csv.reader((tmp_path / "new" / FILE).read_text().splitlines())
    assert head == [each.name for each in fields(WorkerSample)]
    assert rows == [
        ["" if v is None else str(v) for v in astuple(each)] for each in worker_run(5) * 2
    ]
    assert capsys.readouterr().err == "warning: gone\n"
