from __future__ import annotations

import errno
import mmap
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporters.proc.parse import Denied, Gone, Identity, ProcError
from exporters.proc.reader import TICKS, WorkerReader, WorkerSample
from exporters.proc.root import ProcRoot
from exporters.reasons import Reason
from tests.unit.exporters.app.pages import Reports
from tests.unit.exporters.tree import Tree

CHILD = """
import os, sys, threading
files = [open(os.devnull) for _ in range(7)]
memory = bytearray(32 << 20)
for _ in range(4):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Five threads, seven files beside its pipes, 32 MiB."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.kill()
    process.communicate(timeout=10)


def reader(root: ProcRoot, pid: int) -> WorkerReader:
    return WorkerReader(root, root.stat(pid).identity)


def test_a_real_process(child: subprocess.Popen[bytes]) -> None:
    root, reports, pid = ProcRoot(), Reports(), child.pid
    worker = reader(root, pid)
    sample = worker.read(reports)
    assert sample
    folder = Path(f"/proc/{pid}")
    status = folder.joinpath("status").read_text()
    rollup = folder.joinpath("smaps_rollup").read_text()
    limits = folder.joinpath("limits").read_text()
    assert sample.threads == 5
    assert sample.open_fds == len(list(folder.joinpath("fd").iterdir())) >= 10
    assert sample.virtual_bytes == kib(status, "VmSize")
    assert sample.resident_bytes == kib(rollup, "Rss") > 32 << 20
    assert sample.max_fds == int(re.findall(r"Max open files +(\d+)", limits)[0])
    assert worker.shared_memory(reports) == (
        kib(rollup, "Pss"),
        kib(rollup, "Private_Clean") + kib(rollup, "Private_Dirty"),
    )
    assert worker.start_time == pytest.approx(time.time(), abs=60)
    child.kill()
    child.wait(10)
    assert worker.read(reports) is None
    assert worker.shared_memory(reports) is None
    assert reports.found == []
    worker.close()
    worker.close()


def kib(text: str, name: str) -> int:
    return 1024 * int(re.findall(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[0])


def test_a_zombie_has_ended(child: subprocess.Popen[bytes]) -> None:
    root = ProcRoot()
    worker = reader(root, child.pid)
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert root.stat(child.pid).state == "Z"
    assert worker.read(Reports()) is None
    worker.close()


@pytest.mark.parametrize(("memory", "expected"), [(0, Gone), (4096, Denied)])
def test_the_descriptors_of_an_ending_process_are_roots(
    memory: int, expected: type[ProcError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = Tree(tmp_path)
    tree.process(10, memory=memory)

    def denied(path: str) -> list[str]:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "listdir", denied)
    with pytest.raises(expected):
        tree.root.links(10)


def test_a_process_without_memory_has_ended(tmp_path: Path) -> None:
    """Though it is no zombie yet: its figures would read 0."""
    tree, reports = Tree(tmp_path), Reports()
    tree.process(10, memory=0)
    assert reader(tree.root, 10).read(reports) is None
    assert reports.found == []


def test_what_a_process_has_open(tmp_path: Path) -> None:
    root, pid = ProcRoot(), os.getpid()
    file = tmp_path / "counter_1.db"
    file.write_bytes(bytes(4096))
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0), socket.socket() as sock:
        status = os.fstat(opened.fileno())
        assert root.holds(pid, status.st_dev, status.st_ino)
        assert not root.holds(pid, status.st_dev + 1, status.st_ino)
        assert os.fstat(sock.fileno()).st_ino in root.links(pid).sockets
    assert not root.holds(pid, status.st_dev, status.st_ino)
    assert root.namespace_pids(pid)[-1] == pid
    assert root.command(pid).split()[0] == Path("/proc/self/cmdline").read_text().split("\0")[0]


def test_more_children_than_one_read_gives() -> None:
    program = "import os\nfor _ in range(900):\n    os.fork() or os._exit(0)\ninput()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as process:
        root = ProcRoot()
        end = time.monotonic() + 20
        while len(found := root.children(process.pid)) < 900 and time.monotonic() < end:
            time.sleep(0.02)
        process.communicate(b"\n", timeout=10)
    assert len(set(found)) == 900


def test_without_the_kernels_option_children_are_found_by_their_parent(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.process(1, 0)
    for pid, parent in ((10, 1), (11, 10), (12, 10), (13, 11)):
        tree.process(pid, parent)
        (tmp_path / f"{pid}/task/{pid}/children").unlink()
    assert tree.root.children(10) == [11, 12]


WHOLE = WorkerSample(
    resident_bytes=250 * 4096,
    virtual_bytes=4096000,
    threads=3,
    user_seconds=31 / TICKS,
    system_seconds=7 / TICKS,
    open_fds=2,
    max_fds=1024,
)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    made.process(10, sockets=[1, 2], name="a) R (\n")
    return made


def test_a_fixture_tree(tree: Tree) -> None:
    worker = reader(tree.root, 10)
    assert worker.read(Reports()) == WHOLE
    assert worker.start_time == 1700000000 + 1000 / TICKS
    worker.close()


@pytest.mark.parametrize(
    ("file", "text", "missing", "reason"),
    [
        ("statm", "12", ["resident_bytes"], Reason.MALFORMED),
        ("limits", "nothing", ["max_fds"], Reason.MALFORMED),
        (
            "stat",
            "10 (short) S",
            ["virtual_bytes", "threads", "user_seconds", "system_seconds"],
            Reason.MALFORMED,
        ),
    ],
)
def test_what_is_malformed_is_left_out_and_counted(
    tree: Tree, file: str, text: str, missing: list[str], reason: Reason
) -> None:
    worker, reports = reader(tree.root, 10), Reports()
    tree.write(f"10/{file}", text)
    expected = {name: getattr(WHOLE, name) for name in WorkerSample.__slots__}
    assert worker.read(reports) == WorkerSample(**{**expected, **dict.fromkeys(missing)})
    assert [each for each, _ in reports.found] == [reason]
    worker.close()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EACCES, Reason.PERMISSION),
        (errno.EMFILE, Reason.DESCRIPTORS),
        (errno.EIO, Reason.READ),
    ],
)
def test_what_is_refused_is_left_out_and_counted(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, code: int, reason: Reason
) -> None:
    worker, reports = reader(tree.root, 10), Reports()
    refuse(monkeypatch, "listdir", "10/fd", code)
    sample = worker.read(reports)
    assert sample
    assert sample.open_fds is None
    assert sample.threads == 3
    assert [each for each, _ in reports.found] == [reason]
    worker.close()


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, where: str, code: int) -> None:
    """Let one function of os fail where a path ends so."""
    real = getattr(os, name)

    def maybe(path: Any, *rest: Any, **named: Any) -> Any:
        if str(path).endswith(where):
            raise OSError(code, os.strerror(code), path)
        return real(path, *rest, **named)

    monkeypatch.setattr(os, name, maybe)


def test_out_of_descriptors_files_are_read_by_name(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [2]
    real = os.open

    def first_refused(path: Any, *rest: Any) -> int:
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(errno.EMFILE, "Too many open files")
        return real(path, *rest)

    identity = tree.root.stat(10).identity
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", first_refused)
        worker, reports = WorkerReader(tree.root, identity), Reports()
    assert worker.read(reports) == WHOLE
    assert reports.found == []
    tree.process(10, start=5)
    assert worker.read(reports) is None, "another process, though its name is the same"


def test_a_pid_that_is_another_process_by_now(tree: Tree) -> None:
    with pytest.raises(Gone):
        WorkerReader(tree.root, Identity(999, 10))
    worker = reader(tree.root, 10)
    tree.write("10/stat", (tree.folder / "10/stat").read_bytes().replace(b" 1000 ", b" 2000 "))
    assert worker.read(Reports()) is None
    worker.close()


@pytest.mark.parametrize("file", ["stat", "statm", "limits", "fd"])
def test_whatever_vanishes_first_it_is_gone_or_left_out(tree: Tree, file: str) -> None:
    worker, reports = reader(tree.root, 10), Reports()
    (tree.folder / "10" / file).rename(tree.folder / "away")
    sample = worker.read(reports)
    assert sample
    assert {each for each, _ in reports.found} <= {Reason.VANISHED}
    worker.close()


def test_huge_values(tree: Tree) -> None:
    big = 2**63
    numbers = f"S 1 0 0 0 0 0 0 0 0 0 {big} {big} 0 0 20 0 {big} 0 1000 {big} 0 0"
    tree.write("10/stat", f"10 (x) {numbers}\n")
    tree.write("10/statm", f"{big} {big} 0\n")
    tree.write("10/limits", f"Max open files  {big}  {big}  files\n")
    worker = reader(tree.root, 10)
    sample = worker.read(Reports())
    assert sample
    assert sample.resident_bytes == big * 4096
    assert (sample.virtual_bytes, sample.threads, sample.max_fds) == (big, big, big)
    assert sample.user_seconds == big / TICKS
    worker.close()


def test_no_limit_of_descriptors_is_no_value(tree: Tree) -> None:
    tree.write("10/limits", "Max open files            unlimited            unlimited files\n")
    worker, reports = reader(tree.root, 10), Reports()
    sample = worker.read(reports)
    assert sample
    assert sample.max_fds is None
    assert reports.found == []
    worker.close()
