"""What the kernel says of the workers, read in another way than the sidecar reads it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from exporters import contract

Key = tuple[str, tuple[tuple[str, str], ...]]


def truth(slots: Mapping[str, int]) -> dict[Key, float]:
    """Every sample that a page with `?pss=1` should have of these workers, pid by slot."""
    return {key: value for slot, pid in slots.items() for key, value in _worker(slot, pid).items()}


def _worker(slot: str, pid: int) -> dict[Key, float]:
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
    return {
        (contract.RESIDENT_MEMORY.name, worker): memory["Rss"] * 1024,
        (contract.PROPORTIONAL_MEMORY.name, worker): memory["Pss"] * 1024,
        (contract.UNIQUE_MEMORY.name, worker): 1024
        * (memory["Private_Clean"] + memory["Private_Dirty"]),
        (contract.VIRTUAL_MEMORY.name, worker): status["VmSize"] * 1024,
        (contract.THREADS.name, worker): len(list((folder / "task").iterdir())),
        (contract.OPEN_FDS.name, worker): len(list((folder / "fd").iterdir())),
        (contract.MAX_FDS.name, worker): int(limit[1]),
        (contract.CPU_SECONDS.sample, (("mode", "user"), *worker)): int(times[11]) / ticks,
        (contract.CPU_SECONDS.sample, (("mode", "system"), *worker)): int(times[12]) / ticks,
        (contract.START_TIME.name, worker): boot + int(times[19]) / ticks,
        (contract.DB_CONNECTIONS.name, worker): 0,
        (contract.WORKER_INFO.name, (("pid", str(pid)), *worker)): 1,
    }


def _fields(file: Path) -> dict[str, int]:
    return {
        name: int(value)
        for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", file.read_text(), re.MULTILINE)
    }
