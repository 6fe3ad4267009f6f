from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from exporters.errors import ErrorReason
from exporters.proc.cgroup import CgroupMemory, CgroupReader
from exporters.proc.parse import Identity
from exporters.proc.root import ProcRoot
from tests.unit.exporters.app.pages import Reports
from tests.unit.exporters.tree import Tree

MIB = 2**20
V2 = "30 23 0:26 {root} /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
V1 = "31 23 0:27 {root} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
NONE_V1 = 9223372036854771712


class Machine:
    """A /proc with one worker, and a root file system whose cgroups can be filled."""

    def __init__(self, folder: Path) -> None:
        self.tree = Tree(folder / "proc")
        self.worker = self.tree.process(10)
        self.root = folder / "root"
        self.root.mkdir()
        self.reports = Reports()
        self.reader = CgroupReader(ProcRoot(self.tree.folder, own_root=str(self.root)))

    def inside(self, container: Path) -> None:
        """The worker's root is a container's."""
        container.mkdir()
        (self.tree.folder / "10/root").symlink_to(container)

    def mounts(self, text: str, root: str = "/") -> None:
        for pid in ("10", "self"):
            self.tree.write(f"{pid}/mountinfo", text.format(root=root))

    def read(self) -> CgroupMemory:
        return self.reader.read(self.worker, self.reports)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    (made.tree.folder / "10/root").symlink_to(made.root)
    return made


def v2(folder: Path, limit: int | str, usage: int, inactive: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{usage}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {inactive}\nactive_file 7\n")


def v1(folder: Path, limit: int, usage: int, inactive: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.limit_in_bytes").write_text(f"{limit}\n")
    (folder / "memory.usage_in_bytes").write_text(f"{usage}\n")
    (folder / "memory.stat").write_text(f"inactive_file 3\ntotal_inactive_file {inactive}\n")


def test_v2_the_limit_of_a_slice_above_counts_with_its_usage(machine: Machine) -> None:
    cgroups = machine.root / "sys/fs/cgroup"
    machine.mounts(V2)
    machine.tree.write("10/cgroup", "0::/system.slice/auditor.service\n")
    v2(cgroups / "system.slice/auditor.service", 900 * MIB, 100 * MIB)
    v2(cgroups / "system.slice", 500 * MIB, 300 * MIB, 50 * MIB)
    assert machine.read() == CgroupMemory(500 * MIB, 250 * MIB)
    v2(cgroups / "system.slice/auditor.service", 400 * MIB, 100 * MIB, 30 * MIB)
    assert machine.read() == CgroupMemory(400 * MIB, 70 * MIB)
    v2(cgroups / "system.slice/auditor.service", "max", 100 * MIB)
    v2(cgroups / "system.slice", "max", 300 * MIB)
    assert machine.read() == CgroupMemory(None, 100 * MIB)
    assert machine.reports.found == []


def test_v2_in_a_container_with_a_namespace_of_its_own(machine: Machine) -> None:
    machine.mounts(V2)
    machine.tree.write("10/cgroup", "0::/\n")
    v2(machine.root / "sys/fs/cgroup", 2048 * MIB, 700 * MIB, 100 * MIB)
    assert machine.read() == CgroupMemory(2048 * MIB, 600 * MIB)


def test_v2_of_a_sibling_container(tmp_path: Path) -> None:
    """Its path leads out of the sidecar's own cgroup; its root file system has it as "/"."""
    machine = Machine(tmp_path)
    container = tmp_path / "container"
    machine.inside(container)
    machine.tree.write("10/cgroup", "0::/../auditor\n")
    machine.tree.write("10/mountinfo", V2.format(root="/../auditor"))
    machine.tree.write("self/mountinfo", V2.format(root="/"))
    v2(machine.root / "sys/fs/cgroup", 64 * MIB, 30 * MIB)
    v2(container / "sys/fs/cgroup", 2048 * MIB, 700 * MIB)
    assert machine.read() == CgroupMemory(2048 * MIB, 700 * MIB)


def test_v2_of_a_worker_whose_root_is_not_readable(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.tree.write("10/cgroup", "0::/auditor.service\n")
    machine.tree.write("self/mountinfo", V2.format(root="/"))
    v2(machine.root / "sys/fs/cgroup/auditor.service", 64 * MIB, 30 * MIB)
    assert machine.read() == CgroupMemory(64 * MIB, 30 * MIB)


@pytest.mark.parametrize("hybrid", [False, True])
def test_v1_and_hybrid(machine: Machine, hybrid: bool) -> None:
    machine.mounts(V2 + V1 if hybrid else V1)
    machine.tree.write("10/cgroup", "5:cpu:/x\n4:memory:/auditor\n0::/unified\n")
    v1(machine.root / "sys/fs/cgroup/memory/auditor", 300 * MIB, 200 * MIB, 20 * MIB)
    v1(machine.root / "sys/fs/cgroup/memory", NONE_V1, 5000 * MIB)
    assert machine.read() == CgroupMemory(300 * MIB, 180 * MIB)
    v1(machine.root / "sys/fs/cgroup/memory/auditor", NONE_V1, 200 * MIB)
    assert machine.read() == CgroupMemory(None, 200 * MIB)


def test_v1_in_a_container(machine: Machine) -> None:
    """Its cgroup is mounted, the path is the host's."""
    machine.mounts(V1, root="/docker/abc")
    machine.tree.write("10/cgroup", "4:memory:/docker/abc\n")
    v1(machine.root / "sys/fs/cgroup/memory", 300 * MIB, 200 * MIB)
    assert machine.read() == CgroupMemory(300 * MIB, 200 * MIB)


@pytest.mark.parametrize(
    ("cgroup", "mounts"),
    [("0::/\n", "22 1 0:5 / / rw - ext4 /dev/sda1 rw\n"), ("1:cpu:/\n", V1), ("", "")],
)
def test_no_memory_controller_is_no_error(machine: Machine, cgroup: str, mounts: str) -> None:
    machine.mounts(mounts)
    machine.tree.write("10/cgroup", cgroup)
    assert machine.read() == CgroupMemory(None, None)
    assert machine.reports.found == []


def test_the_root_cgroup_has_no_files_of_its_own(machine: Machine) -> None:
    machine.mounts(V2)
    machine.tree.write("10/cgroup", "0::/\n")
    (machine.root / "sys/fs/cgroup").mkdir(parents=True)
    assert machine.read() == CgroupMemory(None, None)
    assert machine.reports.found == []


@pytest.mark.parametrize(
    ("file", "text"), [("memory.max", "much"), ("memory.current", "-5"), ("memory.current", "")]
)
def test_what_is_malformed_is_counted(machine: Machine, file: str, text: str) -> None:
    machine.mounts(V2)
    machine.tree.write("10/cgroup", "0::/\n")
    v2(machine.root / "sys/fs/cgroup", 64 * MIB, 30 * MIB)
    (machine.root / "sys/fs/cgroup" / file).write_text(text)
    assert machine.read() == CgroupMemory(None, None)
    assert [reason for reason, _ in machine.reports.found] == [ErrorReason.MALFORMED]


def test_what_is_refused_is_counted(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.mounts(V2)
    machine.tree.write("10/cgroup", "0::/\n")
    v2(machine.root / "sys/fs/cgroup", 64 * MIB, 30 * MIB)
    real = os.open

    def refuse(path: Any, *rest: Any) -> int:
        if str(path).endswith("memory.max"):
            raise OSError(errno.EACCES, "Permission denied")
        return real(path, *rest)

    monkeypatch.setattr(os, "open", refuse)
    assert machine.read() == CgroupMemory(None, None)
    assert [reason for reason, _ in machine.reports.found] == [ErrorReason.PERMISSION]


def test_another_worker_is_looked_up_again(machine: Machine) -> None:
    machine.mounts(V2)
    machine.tree.write("10/cgroup", "0::/old\n")
    v2(machine.root / "sys/fs/cgroup/old", 64 * MIB, 30 * MIB)
    v2(machine.root / "sys/fs/cgroup/new", 32 * MIB, 10 * MIB)
    assert machine.read().limit == 64 * MIB
    machine.tree.write("10/cgroup", "0::/new\n")
    assert machine.read().limit == 64 * MIB, "the cgroup is remembered"
    assert machine.reader.read(Identity(2, 10), machine.reports).limit == 32 * MIB
    assert machine.reader.read(Identity(3, 11), machine.reports) == CgroupMemory(None, None)
    assert machine.reports.found == [], "a dead worker has none"


def test_a_real_one() -> None:
    root, reports = ProcRoot(), Reports()
    memory = CgroupReader(root).read(root.stat(os.getpid()).identity, reports)
    assert reports.found == []
    assert memory.usage is None or memory.usage > MIB
