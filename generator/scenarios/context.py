"""What every scenario is written from: a healthy instance, and the alerts' own numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final, Literal

from generator.alerts.context import Context
from generator.alerts.model import Alert, Trigger
from generator.alerts.testcases.inputs import HERE, THERE
from generator.scenarios.model import Demand
from generator.scenarios.timeseries import level, steady
from generator.scenarios.world import MAX_FDS, Spread, Worker, World
from generator.thresholds.model import Thresholds

# How good a healthy instance is, as a share of the targets.
_WELL: Final = 0.5
# Left after each deadline before the course goes on.
SPARE: Final = 600.0
# Until the models of a new worker are loaded.
LOADING: Final = 30.0
_DAY: Final = 86400.0

Which = Literal["worst", "mildest"]


@dataclass(frozen=True)
class Times:
    """When an incident begins and ends, and how long its scenario is."""

    start: float
    end: float
    length: float


@dataclass(frozen=True)
class ScenarioContext:
    """Kit and alerts by their keys; every number of a scenario comes out of these."""

    context: Context
    alerts: Mapping[str, Alert]

    @property
    def thresholds(self) -> Thresholds:
        return self.context.thresholds

    @property
    def workers(self) -> int:
        return self.thresholds.service.expected_workers

    def trigger(self, key: str, which: Which = "worst") -> Trigger:
        return self.alerts[key].triggers[0 if which == "worst" else -1]

    def bound(self, key: str, which: Which = "worst") -> float:
        return self.alerts[key].bound(self.trigger(key, which))

    def between(self, key: str) -> float:
        """Beyond the mildest bound of an alert, short of its worst; thrice the only one."""
        mild, worst = self.bound(key, "mildest"), self.bound(key)
        return math.sqrt(mild * worst) if mild != worst else 3 * mild

    def window(self, key: str) -> float:
        """How long the alert looks back, envelope included."""
        settings = getattr(self.thresholds.alerts, key)
        return float(getattr(settings, "window", 0.0) + getattr(settings, "envelope", 0.0))

    def wait(self, key: str, which: Which = "worst") -> float:
        """From the beginning of an incident until its alert must fire."""
        return self.window(key) + self.trigger(key, which).for_

    def fade(self, key: str) -> float:
        """From the end of an incident until its alert must have ended."""
        return self.window(key) + self.alerts[key].keep_firing_for

    def times(self, *keys: str, which: Which = "worst") -> Times:
        """An incident that lasts until each of the alerts must fire."""
        start = max(900.0, *(self.window(key) + 300.0 for key in keys))
        end = start + max(self.wait(key, which) for key in keys) + SPARE
        return Times(start, end, end + max(self.fade(key) for key in keys) + SPARE)

    def must(
        self,
        times: Times,
        *keys: str,
        which: Which = "worst",
        instance: str = HERE,
        late: float = 0.0,
    ) -> tuple[Demand, ...]:
        """Alerts that must fire; `late` is how long after its start the incident is ill enough."""
        return tuple(
            Demand(
                self.alerts[key],
                self.trigger(key, which),
                instance,
                times.start,
                times.start + late + self.wait(key, which),
                times.end + self.fade(key),
            )
            for key in keys
        )

    @property
    def busy(self) -> float:
        """Requests a second: twice what an alert must see to judge, and one for each worker."""
        alerts = self.thresholds.alerts
        floors: list[float] = [
            settings.min_requests / settings.window
            for settings in (getattr(alerts, item.name) for item in fields(alerts))
            if hasattr(settings, "min_requests")
        ]
        return float(max(self.workers, math.ceil(2 * max(floors))))

    def world(self, instance: str = HERE) -> World:
        """An instance that is well and busy."""
        targets = self.thresholds.targets
        return World(
            instance=instance,
            requests=steady(self.busy),
            errors=steady(_WELL * targets.error_rate.normal.target),
            latency=steady(self.latency),
            weak=steady(_WELL * targets.confidence.target),
            workers=(self.worker,) * self.workers,
            memory_limit=2.0 * self.workers * targets.memory.peak_24h.acceptable,
            waiting=level(0.0),
            queued=level(0.0),
            clients=level(float(math.ceil(_WELL * targets.throughput.low.concurrency))),
            answers=steady(True),
            probe=steady(self.latency.times(0.1)),
            read_errors=steady(0.0),
        )

    def idle(self, instance: str = HERE) -> World:
        """An instance that is well and that nobody asks anything."""
        world = self.world(instance)
        cpu = steady(_WELL * self.thresholds.targets.cpu.idle.target)
        workers = tuple(replace(worker, cpu=cpu) for worker in world.workers)
        return replace(world, requests=steady(0.0), workers=workers, clients=level(0.0))

    def restarted(
        self, world: World, moment: float, slots: Iterable[int] | None = None, gone: float = 0.0
    ) -> World:
        """Workers, all unless told which, end; `gone` later new ones start and load models."""
        back = moment + gone
        slots = range(self.workers) if slots is None else slots
        for slot in slots:
            old = world.workers[slot]
            new = replace(
                old,
                memory=old.memory.to(moment, 0.0).to(back, self.cold).to(back + LOADING, self.warm),
                born=old.born.to(back, back),
                alive=old.alive.between(moment, back, False) if gone else old.alive,
            )
            world = world.worker(slot, new)
        return world

    def pair(self) -> tuple[World, World]:
        return self.world(), self.world(THERE)

    @property
    def latency(self) -> Spread:
        rows = self.thresholds.targets.latency
        return Spread(
            (
                (0.5, _WELL * rows.p50.target),
                (0.95, _WELL * rows.p95.target),
                (0.99, _WELL * rows.p99.target),
                (0.999, _WELL * rows.p999.target),
                (1.0, rows.p999.target),
            )
        )

    @property
    def warm(self) -> float:
        """Memory of a worker with its models."""
        return 0.9 * self.thresholds.targets.memory.peak_1h.target

    @property
    def cold(self) -> float:
        """Memory of a worker before its first request."""
        return _WELL * self.thresholds.targets.memory.initial.target

    @property
    def worker(self) -> Worker:
        targets = self.thresholds.targets
        return Worker(
            memory=level(self.warm),
            threads=level(math.ceil(_WELL * targets.worker.threads.target)),
            fds=level(round(_WELL * targets.worker.fds.target * MAX_FDS)),
            database=level(self.connections),
            cpu=steady(_WELL * targets.cpu.normal.target),
            born=steady(-_DAY),
        )

    @property
    def connections(self) -> float:
        """Database connections of a worker: of its pool, and of what all may have."""
        rows = self.thresholds.targets.database
        pool = self.thresholds.service.database_pool
        share = _WELL * rows.pool_usage.target * (pool.size + pool.overflow)
        return max(1.0, math.floor(min(share, _WELL * rows.connections.target / self.workers)))
