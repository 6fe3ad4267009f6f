from __future__ import annotations

import errno
import mmap
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from exporters.contract import WORKER_METRICS
from exporters.errors import ErrorReason
from exporters.proc.parse import Denied, Gone, Identity, ProcError
from exporters.proc.reader import TICKS, WorkerReader, WorkerSample
from exporters.proc.root import ProcRoot
from tests.live.exporters import kernel
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
    process.communicate(timeout=60)


def reader(root: ProcRoot, pid: int) -> WorkerReader:
    return WorkerReader(root, root.stat(pid).identity)


def test_a_real_process(child: subprocess.Popen[bytes]) -> None:
    root, reports, pid = ProcRoot(), Reports(), child.pid
    worker = reader(root, pid)
    sample = worker.read(reports)
    assert sample
    assert sample.threads == 5
    assert sample.open_fds
    assert sample.open_fds >= 10
    assert sample.resident_bytes
    assert sample.resident_bytes > 32 << 20
    assert sample.start_time == pytest.approx(time.time(), abs=60)
    assert (sample.proportional_bytes, sample.unique_bytes) == (None, None), "not asked for"
    kernel.assert_same(lambda: page(worker, reports), lambda: kernel.expected("0", pid))
    child.kill()
    child.wait(60)
    assert worker.read(reports) is None
    assert worker.read(reports, pss=True) is None
    assert reports.found == []
    worker.close()
    worker.close()


def page(worker: WorkerReader, reports: Reports) -> kernel.Samples:
    """Every metric of the contract that is read from a sample."""
    sample = worker.read(reports, pss=True)
    assert sample
    return {
        (metric.sample, tuple(sorted(zip(metric.labels, ("0", *labels), strict=True)))): value
        for metric in WORKER_METRICS
        for labels, value in metric.values(sample)
        if value is not None
    }


def test_a_zombie_has_ended(child: subprocess.Popen[bytes]) -> None:
    root = ProcRoot()
    worker = reader(root, child.pid)
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert root.stat(child.pid).state == "Z"
    assert worker.read(Reports()) is None
    worker.close()


@pytest.mark.parametrize(("memory", "expected"), [(0, Gone), (4096, Denied)])
def test_the_file_descriptors_of_an_exiting_process_belong_to_root(
    memory: int, expected: type[ProcError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = Tree(tmp_path)
    tree.process(10, memory=memory)

    def denied(path: str) -> list[str]:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "listdir", denied)
    with pytest.raises(expected):
        tree.root.socket_inodes(10)


def test_a_process_without_memory_has_ended(tmp_path: Path) -> None:
    """Though it is not a zombie yet: its values would read 0."""
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
        assert root.has_open(pid, status.st_dev, status.st_ino)
        assert not root.has_open(pid, status.st_dev + 1, status.st_ino)
        assert os.fstat(sock.fileno()).st_ino in root.socket_inodes(pid).open
    assert not root.has_open(pid, status.st_dev, status.st_ino)
    assert root.namespace_pids(pid)[-1] == pid
    assert root.command_line(pid).startswith(Path("/proc/self/cmdline").read_text().split("\0")[0])


def test_more_children_than_one_read_gives() -> None:
    program = "import os\nfor _ in range(900):\n    os.fork() or os._exit(0)\ninput()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as process:
        root = ProcRoot()
        end = time.monotonic() + 60
        while len(found := root.children(process.pid)) < 900 and time.monotonic() < end:
            time.sleep(0.02)
        process.communicate(b"\n", timeout=60)
    assert len(set(found)) == 900


def test_without_the_kernel_option_children_are_found_by_their_parent(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.process(1, 0)
    for pid, parent in ((10, 1), (11, 10), (12, 10), (13, 11)):
        tree.process(pid, parent)
        (tmp_path / f"{pid}/task/{pid}/children").unlink()
    assert tree.root.children(10) == [11, 12]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    made.process(10, sockets=[1, 2], name="a) R (\n")
    return made


def test_a_fixture_tree(tree: Tree) -> None:
    worker = reader(tree.root, 10)
    sample = whole(worker)
    assert sample.pid == 10
    assert sample.start_time == 1700000000 + 1000 / TICKS
    assert (sample.resident_bytes, sample.virtual_bytes) == (250 * 4096, 4096000)
    assert (sample.proportional_bytes, sample.unique_bytes) == (40 * 1024, 8 * 1024)
    assert (sample.user_seconds, sample.system_seconds) == (31 / TICKS, 7 / TICKS)
    assert (sample.threads, sample.open_fds, sample.max_fds) == (3, 2, 1024)
    worker.close()


def whole(worker: WorkerReader) -> WorkerSample:
    """A sample without any failure."""
    reports = Reports()
    sample = worker.read(reports, pss=True)
    assert sample
    assert reports.found == []
    return sample


@pytest.mark.parametrize(
    ("file", "text", "missing", "reason"),
    [
        ("statm", "12", ["resident_bytes"], ErrorReason.MALFORMED),
        ("limits", "nothing", ["max_fds"], ErrorReason.MALFORMED),
        (
            "smaps_rollup",
            "Pss: 5 kB",
            ["proportional_bytes", "unique_bytes"],
            ErrorReason.MALFORMED,
        ),
        (
            "stat",
            "10 (short) S",
            ["virtual_bytes", "threads", "user_seconds", "system_seconds"],
            ErrorReason.MALFORMED,
        ),
    ],
)
def test_what_is_malformed_is_left_out_and_counted(
    tree: Tree, file: str, text: str, missing: list[str], reason: ErrorReason
) -> None:
    worker, reports = reader(tree.root, 10), Reports()
    expected = asdict(whole(worker)) | dict.fromkeys(missing)
    tree.write(f"10/{file}", text)
    assert worker.read(reports, pss=True) == WorkerSample(**expected)
    assert [each for each, _ in reports.found] == [reason]
    worker.close()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EACCES, ErrorReason.PERMISSION),
        (errno.EMFILE, ErrorReason.FILE_DESCRIPTORS),
        (errno.EIO, ErrorReason.READ),
    ],
)
def test_what_is_denied_is_left_out_and_counted(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, code: int, reason: ErrorReason
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
    """Make a function of os fail for paths that end with `where`."""
    real = getattr(os, name)

    def maybe(path: Any, *rest: Any, **named: Any) -> Any:
        if str(path).endswith(where):
            raise OSError(code, os.strerror(code), path)
        return real(path, *rest, **named)

    monkeypatch.setattr(os, name, maybe)


def test_out_of_file_descriptors_files_are_read_by_name(
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
    expected = WorkerReader(tree.root, identity).read(Reports())
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", first_refused)
        worker, reports = WorkerReader(tree.root, identity), Reports()
    assert worker.read(reports) == expected
    assert reports.found == []
    tree.process(10, start=5)
    assert worker.read(reports) is None, "another process, though it has the same pid"


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
    assert {each for each, _ in reports.found} <= {ErrorReason.VANISHED}
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


def test_no_limit_on_file_descriptors_is_no_value(tree: Tree) -> None:
    tree.write("10/limits", "Max open files            unlimited            unlimited files\n")
    worker, reports = reader(tree.root, 10), Reports()
    sample = worker.read(reports)
    assert sample
    assert sample.max_fds is None
    assert reports.found == []
    worker.close()
