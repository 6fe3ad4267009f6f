"""What the kernel says about the workers, read in another way than the sidecar reads it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from exporters import contract

Key = tuple[str, tuple[tuple[str, str], ...]]
"""Name and sorted labels."""
Samples = Mapping[Key, float]


def expected(slot: str, pid: int) -> Samples:
    """Every sample of a worker that the page should have with `?pss=1`."""
    folder = Path(f"/proc/{pid}")
    status = _fields(folder / "status")
    memory = _fields(folder / "smaps_rollup")
    limit = re.search(r"^Max open files\s+(\d+)", (folder / "limits").read_text(), re.MULTILINE)
    assert limit
    times = (folder / "stat").read_text().rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    boot = next(
        int(line.split()[1])
        for line in Path("/proc/stat").read_text().splitlines()
        if line.startswith("btime ")
    )
    worker = (("worker", slot),)
    samples = {
        (contract.RESIDENT_MEMORY.sample, worker): memory["Rss"] * 1024,
        (contract.PROPORTIONAL_MEMORY.sample, worker): memory["Pss"] * 1024,
        (contract.UNIQUE_MEMORY.sample, worker): 1024
        * (memory["Private_Clean"] + memory["Private_Dirty"]),
        (contract.VIRTUAL_MEMORY.sample, worker): status["VmSize"] * 1024,
        (contract.THREADS.sample, worker): len(list((folder / "task").iterdir())),
        (contract.OPEN_FDS.sample, worker): len(list((folder / "fd").iterdir())),
        (contract.MAX_FDS.sample, worker): int(limit[1]),
        (contract.CPU_SECONDS.sample, (("mode", "user"), *worker)): int(times[11]) / ticks,
        (contract.CPU_SECONDS.sample, (("mode", "system"), *worker)): int(times[12]) / ticks,
        (contract.START_TIME.sample, worker): boot + int(times[19]) / ticks,
        (contract.WORKER_INFO.sample, (("pid", str(pid)), *worker)): 1,
    }
    missing = {metric.sample for metric in contract.WORKER_METRICS} - {name for name, _ in samples}
    assert not missing, f"tests/live/exporters/kernel.py does not read {', '.join(sorted(missing))}"
    return samples


def _fields(file: Path) -> dict[str, int]:
    return {
        name: int(value)
        for name, value in re.findall(r"^(\w+):\s+(\d+)(?: kB)?$", file.read_text(), re.MULTILINE)
    }


def assert_same(
    page: Callable[[], Samples], kernel: Callable[[], Samples], seconds: float = 60
) -> None:
    """Each value of the page lies between two readings of the kernel.

    A value that goes up and down in between may not, so several attempts are allowed.
    """
    end = time.monotonic() + seconds
    while different := _different(kernel(), page(), kernel()):
        assert time.monotonic() < end, f"value of the sidecar, of the kernel: {different}"


def _different(before: Samples, page: Samples, after: Samples) -> dict[Key, tuple[float, float]]:
    assert page.keys() == before.keys()
    return {
        key: (value, before[key])
        for key, value in page.items()
        if not min(before[key], after[key]) <= value <= max(before[key], after[key])
    }
