"""Whole pages of a small machine, compared with the contract."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse

from exporters.app import AppMetrics
from exporters.contract import FAMILIES
from exporters.errors import ErrorCounter
from exporters.pages import AppPage, WorkersPage
from exporters.probe import Probe
from exporters.settings import load
from exporters.workers.discovery import Discovery, Found, State, Target
from exporters.workers.registry import WorkerRegistry
from tests.unit.exporters.tree import PORT, SOCKET, Tree

DATABASE = 77
CGROUP = {"memory.max": 1 << 30, "memory.current": 1 << 20}


class Machine:
    """A uvicorn with two workers, of which the second has a connection to the database."""

    def __init__(self, folder: Path) -> None:
        self.tree = Tree(folder / "proc")
        self.tree.process(10, 1, sockets=[SOCKET])
        self.tree.process(12, 10, watches=[SOCKET])
        self.tree.process(13, 10, sockets=[DATABASE], watches=[SOCKET])
        self.tree.connect(DATABASE, remote_port=5432)
        self.tree.write("12/cgroup", "0::/\n")
        self.tree.write("self/mountinfo", "30 23 0:26 / /cgroup rw - cgroup2 cgroup2 rw\n")
        (folder / "cgroup").mkdir()
        for name, value in CGROUP.items():
            (folder / "cgroup" / name).write_text(f"{value}\n")
        self.tree.root.own_root = str(folder)
        self.changes: list[Found] = []
        self.errors = ErrorCounter()
        self.registry = WorkerRegistry(
            self.tree.root,
            Discovery(self.tree.root, Target(PORT)),
            self.errors.report,
            self.changes.append,
        )
        probe = Probe("http://127.0.0.1:1/", 1, 1)
        asyncio.run(probe.send())
        metrics = AppMetrics(folder / "app", self.errors.report)
        app = AppPage(self.tree.root, self.registry, metrics, self.errors, merge=True)
        settings = load(["--port", str(PORT)], {})
        self.page = WorkersPage(self.tree.root, settings, self.registry, probe, app, self.errors)

    def families(self, pss: bool = True) -> dict[str, Metric]:
        """By name, read by the strict parser of the client library."""
        page = self.page.text(openmetrics=True, pss=pss).decode()
        return {family.name: family for family in parse(page)}  # type: ignore[no-untyped-call]  # the client has no types


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_page_has_every_metric_of_the_contract(machine: Machine) -> None:
    served = machine.families()
    missing = [family.name for family in FAMILIES if family.name not in served]
    assert not missing, f"in exporters/contract.py, but on no page: {', '.join(missing)}"
    assert served.keys() == {family.name for family in FAMILIES}
    for family in FAMILIES:
        found = served[family.name]
        assert (found.type, found.documentation) == (family.kind, family.help), family.name
        assert {tuple(sample.labels) for sample in found.samples if "le" not in sample.labels} == {
            family.labels
        }, family.name


def values(family: Metric) -> dict[tuple[str, ...], float]:
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


def test_each_worker_has_its_values(machine: Machine) -> None:
    served = machine.families()
    assert values(served["auditor_worker_info"]) == {("0", "12"): 1, ("1", "13"): 1}
    assert values(served["auditor_worker_db_connections"]) == {("0",): 0, ("1",): 1}
    cpu = served["auditor_worker_cpu_seconds"]
    assert {sample.name for sample in cpu.samples} == {"auditor_worker_cpu_seconds_total"}
    assert values(cpu).keys() == {(slot, mode) for slot in "01" for mode in ("user", "system")}
    assert values(served["auditor_workers"]) == {(): 2}
    assert not any(values(served["auditor_exporter_errors"]).values())


def test_what_cannot_be_read_is_left_out_and_counted(machine: Machine) -> None:
    machine.tree.write("13/limits", "nothing")
    served = machine.families(pss=False)
    assert values(served["auditor_worker_max_fds"]) == {("0",): 1024}
    assert values(served["auditor_exporter_errors"])["malformed",] == 1
    assert "auditor_worker_unique_memory_bytes" not in served, "not asked for"


def test_a_new_worker_takes_the_slot_of_a_dead_one(machine: Machine) -> None:
    assert values(machine.families()["auditor_worker_starts"]) == {("0",): 1, ("1",): 1}
    machine.tree.end(12)
    served = machine.families()
    assert values(served["auditor_worker_info"]) == {("1", "13"): 1}
    assert values(served["auditor_worker_starts"]) == {("0",): 1, ("1",): 1}, "a counter stays"
    machine.tree.process(14, 10, watches=[SOCKET])
    served = machine.families()
    assert values(served["auditor_worker_info"]) == {("0", "14"): 1, ("1", "13"): 1}
    assert values(served["auditor_worker_starts"]) == {("0",): 2, ("1",): 1}


def test_changes_of_the_discovery_are_reported(machine: Machine) -> None:
    machine.families()
    machine.families()
    machine.tree.listen()
    served = machine.families()
    assert [found.state for found in machine.changes] == [State.FOUND, State.NO_LISTENER]
    states = values(served["auditor_exporter_discovery"])
    assert [state for (state,), value in states.items() if value] == [State.NO_LISTENER]
