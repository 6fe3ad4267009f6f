"""Thousands of random steps of workers and sidecars, compared with an exact model."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction

import pytest

from exporters.app import AppMetrics
from tests.unit.exporters.app.memory import Folder, MemoryDisk, PowerCutError, encoded
from tests.unit.exporters.app.pages import Reports, totals

PIDS = range(1, 6)
STEPS = 600


class World:
    """Workers that write, and a sidecar; `values` has the content of every file ever created."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  # repeatable, not secret
        self.folder = Folder()
        self.values: dict[int, float] = {}
        self.alive: dict[int, int] = {}
        self.highest = 0.0
        self.start()

    def start(self) -> None:
        self.disk, self.reports = MemoryDisk(self.folder), Reports()
        self.metrics = AppMetrics(
            folder=None,  # type: ignore[arg-type]  # the disk has its own
            report=self.reports,
            disk=self.disk,
            clock=self.reports.clock,
        )

    def spawn(self, pid: int) -> None:
        """A worker starts; it continues the file of its pid if there is one."""
        name = f"counter_{pid}.db"
        if pid in self.alive:
            return
        if name not in self.folder.names:
            self.values[self.folder.add(name, encoded({}))] = 0.0
        self.alive[pid] = self.folder.names[name]

    def count(self, pid: int) -> None:
        if pid in self.alive:
            inode = self.alive[pid]
            self.values[inode] += self.random.choice((1, 0.1, 1e-9, 1e9)) * self.random.random()
            self.folder.contents[inode] = encoded({"success": self.values[inode]})

    def die(self, pid: int) -> None:
        self.alive.pop(pid, None)

    def is_dead(self, pid: int) -> bool:
        return pid not in self.alive

    def merge(self) -> None:
        """Now and then a worker starts with the pid of a file that is just being renamed."""

        def before(what: str, name: str) -> None:
            if what == "rename" and name.endswith(".db") and self.random.random() < 0.3:
                pid = int(name.split("_")[1].removesuffix(".db"))
                self.spawn(pid)
                self.count(pid)

        self.disk.before = before
        self.metrics.merge(self.is_dead)

    def failing(self, error: BaseException) -> Callable[[str, str], None]:
        """All operations fail from some point on."""
        left = self.random.randrange(12)

        def before(_what: str, _name: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise error

        return before

    def fail(self) -> None:
        """A merge on a full disk; the next one is due at once."""
        self.disk.before = self.failing(OSError(errno.ENOSPC, "No space left on device"))
        self.metrics.merge(self.is_dead)
        self.reports.found.clear()
        self.reports.now += 61

    def crash(self, power: bool) -> None:
        """In the middle of a merge; a power cut kills the workers as well."""
        self.disk.before = self.failing(PowerCutError())
        with suppress(PowerCutError):
            self.metrics.merge(self.is_dead)
        if power:
            self.alive.clear()
            lasting = tuple(self.random.random() < 0.5 for _ in self.folder.pending)
            self.folder = self.folder.after_power_cut(lasting)
        self.start()

    def check(self) -> None:
        slots = {pid: slot for slot, pid in enumerate(sorted(self.alive))}
        self.disk.before = lambda _what, _name: None
        total = totals(self.metrics.collect(slots)).get("success", 0.0)
        assert total == float(sum(map(Fraction, self.values.values())))
        assert total >= self.highest
        self.highest = total
        assert self.reports.found == []

    def step(self) -> None:
        pid = self.random.choice(PIDS)
        chance = self.random.random()
        if chance < 0.25:
            self.spawn(pid)
        elif chance < 0.65:
            self.count(pid)
        elif chance < 0.8:
            self.die(pid)
        elif chance < 0.92:
            self.merge()
        elif chance < 0.95:
            self.fail()
        else:
            self.crash(power=chance < 0.97)


@pytest.mark.parametrize("seed", range(10))
def test_the_total_is_exact_after_every_step(seed: int) -> None:
    world = World(seed)
    for _ in range(STEPS):
        world.step()
        world.check()
    merged = len(world.values) - len([name for name in world.folder.names if ".db" in name])
    assert merged > 20, "enough was merged for the test to mean something"
    world.metrics.close()
    assert not world.disk.opened, "no file is left open"
