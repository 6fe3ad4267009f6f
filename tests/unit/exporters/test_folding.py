from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exporters.app import AppMetrics
from exporters.folding import Witness
from exporters.proc.parse import Denied, Identity, Stat
from exporters.proc.root import ProcRoot
from tests.unit.exporters.app.memory import encoded
from tests.unit.exporters.app.pages import Reports
from tests.unit.exporters.tree import Tree


class Worker:
    """This very process, with or without its file open."""

    def __init__(self, folder: Path) -> None:
        self.app = AppMetrics(folder, Reports())
        self.file = folder / f"counter_{os.getpid()}.db"
        self.identity = ProcRoot().stat(os.getpid()).identity


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    return Worker(tmp_path)


def test_a_worker_that_holds_the_file_of_its_pid_proves_it(worker: Worker) -> None:
    witness = Witness(ProcRoot(), worker.app)
    assert not witness.proves([worker.identity]), "it has no file"
    worker.file.write_bytes(encoded({}))
    assert not witness.proves([worker.identity]), "it does not hold it"
    with worker.file.open("rb"):
        assert witness.proves([worker.identity])
    assert witness.proves([worker.identity]), "once is enough, while it lives"
    assert not witness.proves([]), "the dead prove nothing"
    assert not witness.proves([worker.identity])


class Inner(ProcRoot):
    """The worker is in a namespace below."""

    def namespace_pids(self, pid: int) -> tuple[int, ...]:
        return (pid, 7)


class Forbidden(ProcRoot):
    """Another user's."""

    def holds(self, pid: int, device: int, inode: int) -> bool:
        raise Denied(f"{pid}/fd: Permission denied for {device}, {inode}")

    def stat(self, pid: int) -> Stat:
        raise Denied(f"{pid}/stat: Permission denied")


@pytest.mark.parametrize("root", [Inner(), Forbidden()])
def test_who_cannot_be_seen_through_proves_nothing(worker: Worker, root: ProcRoot) -> None:
    worker.file.write_bytes(encoded({}))
    with worker.file.open("rb"):
        assert not Witness(root, worker.app).proves([worker.identity])


def test_a_folder_that_cannot_be_read_proves_nothing(worker: Worker) -> None:
    worker.file.parent.rmdir()
    assert not Witness(ProcRoot(), worker.app).proves([worker.identity])


def test_who_is_dead(worker: Worker) -> None:
    witness = Witness(ProcRoot(), worker.app)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert not witness.is_dead(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert witness.is_dead(process.pid), "a zombie writes no more"
    assert witness.is_dead(process.pid)
    assert not Witness(Forbidden(), worker.app).is_dead(os.getpid()), "who is hidden is not dead"


def test_a_proc_that_hides_processes_is_not_believed(worker: Worker, tmp_path: Path) -> None:
    """With hidepid=2 others' are not there at all, but signals tell."""
    hiding = Tree(tmp_path / "proc").root
    assert not Witness(hiding, worker.app).is_dead(os.getpid())
    assert not Witness(hiding, worker.app).is_dead(1)
    assert not Witness(hiding, worker.app).proves([Identity(1, os.getpid())])
