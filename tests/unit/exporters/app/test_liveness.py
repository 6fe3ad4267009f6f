from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exporters.app import AppMetrics
from exporters.app.liveness import Liveness
from exporters.proc.parse import Denied, Identity, Stat
from exporters.proc.root import ProcRoot
from tests.unit.exporters.app.memory import encoded
from tests.unit.exporters.app.pages import Reports
from tests.unit.exporters.tree import Tree


class Worker:
    """This process, with or without its file open."""

    def __init__(self, folder: Path) -> None:
        self.app = AppMetrics(folder, Reports())
        self.file = folder / f"counter_{os.getpid()}.db"
        self.identity = ProcRoot().stat(os.getpid()).identity


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    return Worker(tmp_path)


def test_pids_match_if_a_worker_has_the_file_of_its_pid_open(worker: Worker) -> None:
    liveness = Liveness(ProcRoot(), worker.app)
    assert not liveness.pids_match([worker.identity]), "it has no file"
    worker.file.write_bytes(encoded({}))
    assert not liveness.pids_match([worker.identity]), "it does not have it open"
    with worker.file.open("rb"):
        assert liveness.pids_match([worker.identity])
    assert liveness.pids_match([worker.identity]), "once is enough while it lives"
    assert not liveness.pids_match([]), "a dead worker does not count"
    assert not liveness.pids_match([worker.identity])


class Inner(ProcRoot):
    """The worker is in a nested pid namespace."""

    def namespace_pids(self, pid: int) -> tuple[int, ...]:
        return (pid, 7)


class Forbidden(ProcRoot):
    """The worker is another user's."""

    def has_open(self, pid: int, device: int, inode: int) -> bool:
        raise Denied(f"{pid}/fd: Permission denied for {device}, {inode}")

    def stat(self, pid: int) -> Stat:
        raise Denied(f"{pid}/stat: Permission denied")


@pytest.mark.parametrize("root", [Inner(), Forbidden()])
def test_a_worker_that_cannot_be_inspected_does_not_count(worker: Worker, root: ProcRoot) -> None:
    worker.file.write_bytes(encoded({}))
    with worker.file.open("rb"):
        assert not Liveness(root, worker.app).pids_match([worker.identity])


def test_pids_do_not_match_if_the_folder_cannot_be_read(worker: Worker) -> None:
    worker.file.parent.rmdir()
    assert not Liveness(ProcRoot(), worker.app).pids_match([worker.identity])


def test_is_dead(worker: Worker) -> None:
    liveness = Liveness(ProcRoot(), worker.app)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert not liveness.is_dead(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert liveness.is_dead(process.pid), "a zombie writes nothing any more"
    assert liveness.is_dead(process.pid)
    assert not Liveness(Forbidden(), worker.app).is_dead(os.getpid()), "hidden is not dead"


def test_a_proc_that_hides_processes_is_not_trusted(worker: Worker, tmp_path: Path) -> None:
    """With hidepid=2 other users' processes are missing from /proc, but accept signals."""
    hiding = Tree(tmp_path / "proc").root
    assert not Liveness(hiding, worker.app).is_dead(os.getpid())
    assert not Liveness(hiding, worker.app).is_dead(1)
    assert not Liveness(hiding, worker.app).pids_match([Identity(1, os.getpid())])
