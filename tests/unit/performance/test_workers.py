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
    Reading,
    SidecarPage,
    WorkersError,
    grades,
    lives,
    source,
    unproven,
)

MIB = 2**20
TARGETS = thresholds().targets
NORMAL_USERS = TARGETS.cpu.normal.up_to_users or 0
HIGH_USERS = TARGETS.cpu.high.up_to_users or 0
POOL = thresholds().service.database_pool.size + thresholds().service.database_pool.overflow
# Of a healthy worker: half of what is on target.
RESIDENT = TARGETS.memory.peak_1h.target / 2
# Bytes a minute of a poor leak.
LEAK = 1.2 * 60 * TARGETS.memory.growth.acceptable


def life(
    seconds: float = 600, per_minute: float = 0.0, worker: str = "0", **other: Any
) -> list[Reading]:
    """A reading every five seconds of a worker that grows by so many bytes a minute."""
    found = []
    for at in range(0, int(seconds) + 1, 5):
        resident = RESIDENT + round(per_minute / 12) * at / 5  # rises that are all the same
        reading = Reading(
            at=1000 + at,
            worker=worker,
            started=10,
            resident=resident,
            threads=TARGETS.worker.threads.target / 2,
            fds=TARGETS.worker.fds.target / 2,
            max_fds=1,
            cpu=TARGETS.cpu.normal.target / 2 * at,
        )
        found.append(replace(reading, **other))
    return found


def graded(
    readings: list[Reading], users: int | None = NORMAL_USERS, warm_up: float = 0
) -> dict[str, Grade]:
    return {each.row: each for each in grades(thresholds(), readings, users, warm_up)}


def test_a_healthy_worker_is_on_target_everywhere() -> None:
    found = graded(life())
    assert {row: each.level for row, each in found.items()} == dict.fromkeys(
        ["memory.growth", "memory.peak_1h", "worker.fds", "worker.threads", "cpu.normal"],
        Level.TARGET,
    )
    assert found["cpu.normal"].value == pytest.approx(TARGETS.cpu.normal.target / 2)
    assert found["worker.fds"].value == TARGETS.worker.fds.target / 2


@pytest.mark.parametrize(
    ("row", "reading"),
    [
        ("memory.peak_1h", lambda value: {"resident": value}),
        ("worker.threads", lambda value: {"threads": value}),
        ("worker.fds", lambda value: {"fds": value, "max_fds": 1}),
        ("database.connections", lambda value: {"connections": value}),
        ("database.pool_usage", lambda value: {"connections": value * POOL}),
    ],
)
def test_a_row_turns_exactly_at_its_numbers(
    row: str, reading: Callable[[float], dict[str, Any]]
) -> None:
    for name, edge in thresholds().rows()[row].edges():
        assert graded(life(**reading(edge)))[row].level is Level[name.upper()]
        beyond = edge * (1 + 1e-12)
        assert graded(life(**reading(beyond)))[row].level is Level(Level[name.upper()] + 1)


def test_growth_turns_at_its_numbers() -> None:
    for name, edge in TARGETS.memory.growth.edges():
        at, beyond = (graded(life(per_minute=60 * edge * factor)) for factor in (0.9999, 1.0001))
        assert at["memory.growth"].level is Level[name.upper()]
        assert beyond["memory.growth"].level is Level(Level[name.upper()] + 1)


def test_the_worst_worker_is_told() -> None:
    leaking = life(per_minute=LEAK, worker="2")
    found = graded([*life(worker="0"), *life(worker="1"), *leaking])
    assert found["memory.growth"].of == "worker 2"
    assert found["memory.growth"].level is Level.POOR


def test_a_replaced_worker_is_another_one() -> None:
    """Its slot's memory falls with it, and begins anew; neither is growth."""
    readings = life(600, worker="0")
    second = [replace(each, at=each.at + 605, started=1600) for each in readings]
    assert len(lives([*readings, *second])) == 2
    last = [replace(each, at=each.at + 1300, started=2300) for each in readings[:2]]
    found = graded([*readings, *second, *last])
    assert found["memory.growth"].level is Level.TARGET, "too short a life hides no other"


def test_the_slow_growth_needs_a_long_run() -> None:
    hour = thresholds().alert("memory_leak", WindowAlert).window
    slow = 1.2 * 60 * TARGETS.memory.slow_growth.acceptable
    assert "memory.slow_growth" not in graded(life(hour - 5, slow))
    found = graded(life(hour, slow))
    assert found["memory.slow_growth"].level is Level.POOR
    assert found["memory.growth"].level is Level.TARGET
    assert "memory.slow_growth" not in graded(life(hour, slow), warm_up=60)
    assert "memory.peak_24h" in graded(life(TARGETS.memory.peak_1h.within + 5))


def test_the_initial_memory_is_that_of_a_worker_that_has_just_started() -> None:
    assert "memory.initial" not in graded(life(started=980))
    assert graded(life(started=995))["memory.initial"].value == RESIDENT


@pytest.mark.parametrize(
    ("users", "row"),
    [
        (None, None),
        (1, "normal"),
        (NORMAL_USERS, "normal"),
        (NORMAL_USERS + 1, "high"),
        (HIGH_USERS, "high"),
        (HIGH_USERS + 1, None),
    ],
)
def test_the_processor_is_judged_by_the_row_of_the_users(
    users: int | None, row: str | None
) -> None:
    found = [each for each in graded(life(), users) if each.startswith("cpu.")]
    assert found == ([f"cpu.{row}"] if row else [])


def test_what_does_not_tell_of_growth_proves_nothing() -> None:
    def why(readings: list[Reading], warm_up: float = 0) -> str:
        return unproven(grades(thresholds(), readings, 1, warm_up), "the host is another machine")

    assert why(life()) == ""
    assert why(life(per_minute=LEAK)) == ""
    assert why([]) == "no worker was seen: the host is another machine"
    assert why(life(), warm_up=590) == "worker 0: memory.growth is too few: run longer"
    jumps = [replace(each, resident=(900 if each.at > 1350 else 100) * MIB) for each in life()]
    assert "memory.growth is unclear (0B/min to " in why(jumps)


PAGE = f"""\
{contract.START_TIME.sample}{{worker="0"}} 100
{contract.RESIDENT_MEMORY.sample}{{worker="0"}} 2e+08
{contract.CPU_SECONDS.sample}{{worker="0",mode="user"}} 3
{contract.CPU_SECONDS.sample}{{worker="0",mode="system"}} 1
{contract.DB_CONNECTIONS.sample}{{worker="0"}} 2
{contract.RESIDENT_MEMORY.sample}{{worker="1"}} 2e+08
{contract.WORKERS.sample} 2
"""


def test_the_sidecars_page_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    page = SidecarPage("http://sidecar:9105")
    asked = []

    class Answer:
        text = PAGE

        def raise_for_status(self) -> None: ...

    def get(url: str, **_: object) -> Answer:
        asked.append(url)
        return Answer()

    monkeypatch.setattr("requests.get", get)
    (found,) = page.read()
    assert asked == ["http://sidecar:9105/metrics"]
    assert replace(found, at=0) == Reading(0, "0", 100, resident=2e8, cpu=4, connections=2)


def test_no_workers_is_an_error_that_helps() -> None:
    with pytest.raises(WorkersError, match="nothing listens on the port: start the Auditor"):
        LocalWorkers(free_port()).read()
    with pytest.raises(WorkersError, match="is no page of a sidecar"):
        SidecarPage(f"http://127.0.0.1:{free_port()}").read()


def test_workers_of_another_user_are_said_to_be_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_self: ProcRoot, pid: int) -> SocketInodes:
        raise Denied(f"/proc/{pid}/fd")

    monkeypatch.setattr(ProcRoot, "socket_inodes", denied)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(WorkersError, match="run this as the Auditor's user, or name its sidecar"),
    ):
        LocalWorkers(server.getsockname()[1]).read()


def test_the_workers_are_looked_for_where_they_may_be() -> None:
    assert isinstance(source("http://localhost:8888"), LocalWorkers)
    assert isinstance(source("http://[::1]:8888"), LocalWorkers)
    assert source("https://staging.example.com") is None
    assert isinstance(source("https://staging.example.com", "http://there:9105"), SidecarPage)


class Failing:
    """Reads once of two."""

    def __init__(self) -> None:
        self.turn = 0

    def read(self) -> list[Reading]:
        self.turn += 1
        if self.turn % 2:
            return life(5)
        raise WorkersError("gone")


def test_a_recording_is_on_disk_at_once_and_survives_gaps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = Recording(Failing(), tmp_path / "new")
    for _ in range(3):
        recording.read()
    assert recording.readings == life(5) * 2
    head, *rows = csv.reader((tmp_path / "new" / FILE).read_text().splitlines())
    assert head == [each.name for each in fields(Reading)]
    assert rows == [["" if v is None else str(v) for v in astuple(each)] for each in life(5) * 2]
    assert capsys.readouterr().err == "warning: gone\n"
