"""A real folder, written by prometheus_client itself."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

from exporters.app import AppMetrics
from exporters.app.archive import NAME
from exporters.app.disk import Disk
from exporters.app.folder import LOCK, MAX_MERGED
from exporters.errors import ErrorReason
from exporters.exposition import render
from tests.bundle import ROOT
from tests.unit.exporters.app.memory import encoded
from tests.unit.exporters.app.pages import Reports, samples, totals

WRITER = """
import sys
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary
registry = CollectorRegistry()
seed = int(sys.argv[1])
help = 'Requests, "quoted" \\\\ and\\nbroken.'
counter = Counter("requests", help, ["status"], registry=registry)
for status in ("success", 'quo"ted', "back\\\\slash", "new\\nline", "ümlaut", ""):
    counter.labels(status).inc(seed + 0.1)
plain = Counter("plain_total", "Without labels.", registry=registry)
plain.inc(seed)
buckets = (0.1, 0.5, 1, 2.5)
latency = Histogram("latency_seconds", "Time.", ["route"], buckets=buckets, registry=registry)
for value in (0.05, 0.1, 0.7, 3, seed / 3):
    latency.labels("/verify").observe(value)
summary = Summary("size_bytes", "Size.", registry=registry)
summary.observe(seed * 1.5)
for mode in ("all", "liveall", "min", "livemin", "max", "livemax", "sum", "livesum",
             "mostrecent", "livemostrecent"):
    gauge = Gauge(f"gauge_{mode}", "A gauge.", registry=registry, multiprocess_mode=mode)
    gauge.set(seed)
print("ready", flush=True)
sys.stdin.readline()
"""


class Writer:
    """A process with metrics of every type, which lives until `end`."""

    def __init__(self, folder: Path, seed: int) -> None:
        environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
        )
        assert self.process.stdout
        assert self.process.stdout.readline() == b"ready\n"
        self.pid = self.process.pid

    def end(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[list[Writer]]:
    """Three writers, the first of them dead."""
    started = [Writer(tmp_path, seed) for seed in (1, 2, 3)]
    started[0].end()
    yield started
    for writer in started:
        writer.end()


def standard(folder: Path) -> dict[str, float]:
    """The folder as collected by prometheus_client."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]  # the client has no types
    return {
        f"{sample.name}{json.dumps(sample.labels, sort_keys=True)}": sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def parsed(page: str, parse: object) -> dict[str, float]:
    assert callable(parse)
    return {
        f"{sample.name}{json.dumps(sample.labels, sort_keys=True)}": sample.value
        for family in parse(page)
        for sample in family.samples
    }


def alike(ours: dict[str, float], theirs: dict[str, float]) -> None:
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert value == pytest.approx(theirs[name], rel=1e-14), name


def test_the_page_is_that_of_prometheus_client(tmp_path: Path, writers: list[Writer]) -> None:
    """Except for per-process gauges, which have the slot as label and exclude dead workers."""
    slots = {writers[1].pid: 0, writers[2].pid: 1}
    with_pid = standard(tmp_path)
    each = re.compile(r"gauge_(live)?all")
    expected = {name: value for name, value in with_pid.items() if not each.match(name)}
    # The library counts live* gauges of a dead worker too, unless somebody marks it as dead.
    expected |= {"gauge_livemin{}": 2.0, "gauge_livesum{}": 5.0}
    expected |= {
        f'gauge_{mode}all{{"worker": "{slot}"}}': slot + 2.0
        for mode in ("", "live")
        for slot in (0, 1)
    }
    reports = Reports()
    metrics = AppMetrics(tmp_path, reports)
    for _ in range(2):
        blocks = metrics.collect(slots)
        alike(parsed(render(blocks, openmetrics=True).decode(), openmetrics), expected)
        alike(parsed(render(blocks, openmetrics=False).decode(), text), expected)
    dead = lambda pid: pid not in slots  # noqa: E731  # as short as the idea
    metrics.merge(dead)
    assert metrics.merge(dead) == len({"counter", "histogram", "summary"}) + 10
    alike(parsed(render(metrics.collect(slots), openmetrics=True).decode(), openmetrics), expected)
    assert not list(tmp_path.glob(f"*_{writers[0].pid}.db*"))
    metrics.close()
    again = AppMetrics(tmp_path, reports)
    alike(parsed(render(again.collect(slots), openmetrics=True).decode(), openmetrics), expected)
    again.close()
    assert reports.found == []


def put(folder: Path, pid: int, **values: float) -> Path:
    file = folder / f"counter_{pid}.db"
    file.write_bytes(encoded(values))
    return file


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\1\2\3", "a file of 3 bytes is too short"),
        (b"\x07\0\0\0\0\0\0\0", "7 is not a possible number of bytes in use"),
        (b"\x08\0\0\x7f\0\0\0\0", "is not a possible number of bytes in use"),
        (b"\xf0\0\0\0" + bytes(60), "240 bytes in use, but the file has only 64"),
        (b"\x20\0\0\0\0\0\0\0\xff\0\0\0" + bytes(60), "the entry at byte 8 is truncated"),
        (encoded({"a": 1}).replace(b'"requests"', b'"0equests"'), "invalid name in key"),
        (encoded({"a": 1}).replace(b"[", b"{"), "malformed key"),
    ],
)
def test_a_damaged_file_is_skipped_and_counted(tmp_path: Path, content: bytes, what: str) -> None:
    put(tmp_path, 1, success=1)
    (tmp_path / "counter_2.db").write_bytes(content)
    put(tmp_path, 3, success=2)
    reports = Reports()
    metrics = AppMetrics(tmp_path, reports)
    for turn in (1, 2):
        assert totals(metrics.collect({1: 0})) == {"success": 3}
        assert [reason for reason, _ in reports.found] == [ErrorReason.CORRUPT] * turn
        assert what in reports.found[-1][1]
    metrics.merge(lambda _pid: True)
    assert metrics.merge(lambda _pid: True) == 2
    assert totals(metrics.collect({})) == {"success": 3}
    assert metrics.merge(lambda _pid: True) == 0
    assert [file.name for file in tmp_path.glob("counter*")] == ["counter_2.db.ended-1"]
    metrics.close()


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"\x08\0\0\0" + bytes(4092)])
def test_a_file_that_is_being_created_is_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "counter_2.db").write_bytes(content)
    put(tmp_path, 3, success=2)
    reports = Reports()
    assert totals(AppMetrics(tmp_path, reports).collect({})) == {"success": 2}
    assert reports.found == []


@pytest.mark.parametrize("content", [b"", b"\1\2\3", encoded({})])
def test_a_live_file_that_gets_damaged_keeps_its_last_values(
    tmp_path: Path, content: bytes
) -> None:
    file = put(tmp_path, 1, success=5)
    reports = Reports()
    metrics = AppMetrics(tmp_path, reports)
    assert totals(metrics.collect({1: 0})) == {"success": 5}
    file.write_bytes(content)
    assert totals(metrics.collect({1: 0})) == {"success": 5}
    assert [reason for reason, _ in reports.found] == [ErrorReason.CORRUPT]
    metrics.close()


def test_a_removed_file_is_read_while_its_worker_lives(tmp_path: Path) -> None:
    file = put(tmp_path, 1, success=5)
    put(tmp_path, 2, success=7)
    metrics = AppMetrics(tmp_path, Reports())
    nobody = lambda _pid: False  # noqa: E731
    metrics.merge(nobody)
    metrics.collect({1: 0, 2: 1})
    with file.open("r+b") as worker:
        file.unlink()
        worker.write(encoded({"success": 6}))
        worker.flush()
        assert totals(metrics.collect({1: 0, 2: 1})) == {"success": 13}
    assert totals(metrics.collect({2: 0})) == {"success": 13}
    metrics.merge(nobody)
    metrics.close()
    assert totals(AppMetrics(tmp_path, Reports()).collect({2: 0})) == {"success": 13}


def test_an_emptied_folder_restarts_from_zero(tmp_path: Path) -> None:
    put(tmp_path, 1, success=5)
    put(tmp_path, 2, success=7)
    metrics = AppMetrics(tmp_path, Reports())
    for _ in range(2):
        metrics.merge(lambda pid: pid == 1)
    assert totals(metrics.collect({2: 0})) == {"success": 12}
    for file in tmp_path.iterdir():
        file.unlink()
    assert metrics.collect({2: 0}) == []
    put(tmp_path, 3, success=1)
    assert totals(metrics.collect({3: 0})) == {"success": 1}
    put(tmp_path, 4, success=2)
    for _ in range(2):
        metrics.merge(lambda pid: pid == 4)
    assert not (tmp_path / "counter_4.db").exists()
    assert totals(metrics.collect({3: 0})) == {"success": 3}
    metrics.close()


def test_a_missing_folder_is_no_error(tmp_path: Path) -> None:
    folder, reports = tmp_path / "metrics", Reports()
    metrics = AppMetrics(folder, reports)
    assert metrics.collect({}) == []
    assert metrics.merge(lambda _pid: True) == 0
    folder.mkdir()
    put(folder, 1, success=5)
    assert totals(metrics.collect({})) == {"success": 5}
    assert reports.found == []


def test_only_one_sidecar_merges_and_the_other_follows(tmp_path: Path) -> None:
    reports = Reports()
    first, second = AppMetrics(tmp_path, reports), AppMetrics(tmp_path, reports)
    expected = 0
    for turn in range(1, 6):
        put(tmp_path, turn, success=turn)
        expected += turn
        assert totals(second.collect({turn: 0})) == {"success": expected}
        for each in (first, second):
            each.merge(lambda _pid: False)
        assert second.merge(lambda _pid: True) == 0
        assert first.merge(lambda _pid: True) == 1
        for each in (first, second):
            assert totals(each.collect({})) == {"success": expected}
            assert totals(each.collect({turn: 0})) == {"success": expected}
    first.close()
    put(tmp_path, 9, success=1)
    second.merge(lambda _pid: True)
    assert second.merge(lambda _pid: True) == 1, "it merges once the first is gone"
    second.close()
    assert reports.found == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-10],
        lambda data: data.replace(b"0.1", b"0.2"),
        lambda _data: b"",
        lambda data: data[:5] + b"\xff" + data[6:],
    ],
)
def test_a_damaged_archive_is_reported_and_left_alone(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    put(tmp_path, 1, success=0.1)
    metrics = AppMetrics(tmp_path, Reports())
    for _ in range(2):
        metrics.merge(lambda _pid: True)
    metrics.close()
    put(tmp_path, 2, success=4)
    archive = tmp_path / NAME
    whole = archive.read_bytes()
    archive.write_bytes(damage(whole))
    damaged, reports = archive.read_bytes(), Reports()
    again = AppMetrics(tmp_path, reports)
    assert totals(again.collect({})) == {"success": 4}
    assert {reason for reason, _ in reports.found} == {ErrorReason.CORRUPT}
    for _ in range(3):
        assert again.merge(lambda _pid: True) == 0
    assert archive.read_bytes() == damaged
    archive.write_bytes(whole)
    assert totals(again.collect({})) == {"success": 4.1}
    again.close()


def test_many_files_are_merged_in_batches(tmp_path: Path) -> None:
    for pid in range(1, MAX_MERGED + 11):
        put(tmp_path, pid, success=0.1)
    metrics = AppMetrics(tmp_path, Reports())
    before = totals(metrics.collect({}))
    metrics.merge(lambda _pid: True)
    assert metrics.merge(lambda _pid: True) == MAX_MERGED
    assert totals(metrics.collect({})) == before
    assert metrics.merge(lambda _pid: True) == 10
    assert totals(metrics.collect({})) == before == {"success": pytest.approx(101)}
    assert metrics.files == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == [NAME, LOCK]
    metrics.close()


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("counter_x.db", "gauge_1.db", "gauge_best_1.db", "notes.txt", "counter_1.db.bak"):
        (tmp_path / name).write_bytes(encoded({"success": 1}))
    (tmp_path / "counter_7.db").symlink_to(tmp_path / "notes.txt")
    os.mkfifo(tmp_path / "counter_8.db")
    before = sorted(file.name for file in tmp_path.iterdir())
    metrics = AppMetrics(tmp_path, Reports())
    assert samples(metrics.collect({})) == {}
    for _ in range(2):
        metrics.merge(lambda _pid: False)
    assert sorted(file.name for file in tmp_path.iterdir() if "sidecar" not in file.name) == before
    metrics.close()


class Refusing(Disk):
    """Does not open one of its files."""

    def __init__(self, folder: Path, name: str, code: int) -> None:
        super().__init__(folder)
        self._refused = name
        self._code = code

    def open(self, name: str) -> int:
        if name == self._refused:
            raise OSError(self._code, os.strerror(self._code))
        return super().open(name)


def test_out_of_file_descriptors_no_page_is_better_than_a_smaller_total(tmp_path: Path) -> None:
    put(tmp_path, 1, success=5)
    disk = Refusing(tmp_path, "counter_1.db", errno.EMFILE)
    with pytest.raises(OSError, match="Too many open files"):
        AppMetrics(tmp_path, Reports(), disk).collect({1: 0})


def test_a_file_of_another_user_is_left_out_and_counted(tmp_path: Path) -> None:
    put(tmp_path, 1, success=5)
    put(tmp_path, 2, success=7)
    reports = Reports()
    metrics = AppMetrics(tmp_path, reports, Refusing(tmp_path, "counter_2.db", errno.EACCES))
    assert totals(metrics.collect({1: 0})) == {"success": 5}
    assert [reason for reason, _ in reports.found] == [ErrorReason.PERMISSION]
    metrics.close()
