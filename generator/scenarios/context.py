"""What every scenario is built from: the alerts' own numbers, and a healthy instance."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from generator.alerts.context import Context
from generator.alerts.model import Alert, Effect, Trigger
from generator.alerts.testcases.inputs import HERE
from generator.scenarios.instance import MAX_FDS, Distribution, Instance, Worker
from generator.scenarios.scenario import Events, Incident, RequiredAlert
from generator.scenarios.timeseries import Span, steady
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import AlertSettings

# The values of a healthy instance, as a share of the targets.
_HEALTHY: Final = 0.5
# Seconds that a scenario goes on after each deadline.
SPARE: Final = 600.0
# Seconds that a new worker takes to load its models.
LOADING: Final = 30.0
_DAY: Final = 86400.0

# Of an alert's severities.
Rank = Literal["highest", "lowest"]


@dataclass(frozen=True)
class ScenarioContext:
    """The thresholds and the alerts by their keys; every number of a scenario comes from these."""

    thresholds: Thresholds
    alerts: Mapping[str, Alert]

    @property
    def interval(self) -> float:
        """Seconds between two samples."""
        return float(Context(self.thresholds).clock.interval)

    def one_sample(self, moment: float) -> Span:
        """So short a while that it shows in a single sample."""
        return Span(moment, moment + self.interval)

    def settings(self, key: str) -> Any:
        """The alert's settings, of the form that its family declares."""
        return self.thresholds.alert(key, AlertSettings)

    def trigger(self, key: str, severity: Rank = "highest") -> Trigger:
        return self.alerts[key].triggers[0 if severity == "highest" else -1]

    def bound(self, key: str, severity: Rank = "highest") -> float:
        return self.alerts[key].bound(self.trigger(key, severity))

    def between_severities(self, key: str) -> float:
        """A value between the bounds of two severities; three times the only bound."""
        lowest, highest = self.bound(key, "lowest"), self.bound(key)
        return math.sqrt(lowest * highest) if lowest != highest else 3 * lowest

    def window(self, key: str) -> float:
        """How long the alert looks back, its envelope included."""
        settings = self.settings(key)
        return float(getattr(settings, "window", 0.0) + getattr(settings, "envelope", 0.0))

    def time_to_fire(self, key: str, severity: Rank = "highest") -> float:
        """From the beginning of an incident until the alert must fire."""
        return self.window(key) + self.trigger(key, severity).for_

    def time_to_resolve(self, key: str) -> float:
        """From the end of an incident until the alert must have ended."""
        return self.window(key) + self.alerts[key].keep_firing_for

    def incident(
        self,
        *keys: str,
        severity: Rank = "highest",
        instance: str = HERE,
        delay: float = 0.0,
        lasts: float | None = None,
        outlasts: tuple[str, ...] = (),
    ) -> Incident:
        """A fault that lasts until the alerts of `keys` must fire, and those it `outlasts` would.

        It takes `delay` seconds to exceed the bounds. `lasts` sets its length instead.
        """
        concerned = (*keys, *outlasts)
        start = max(900.0, *(self.window(key) + 300.0 for key in concerned))
        if lasts is None:
            lasts = max(self.time_to_fire(key, severity) for key in concerned) + SPARE
        end = start + lasts
        required = tuple(
            RequiredAlert(
                self.alerts[key],
                self.trigger(key, severity),
                instance,
                since=start,
                due=start + delay + self.time_to_fire(key, severity),
                resolved=end + self.time_to_resolve(key),
            )
            for key in keys
        )
        length = end + max(self.time_to_resolve(key) for key in concerned) + SPARE
        return Incident(start, end, length, required)

    def leak(self, key: str, quantity: str, also: tuple[Effect, ...] = ()) -> Events:
        """A worker's `quantity` grows three times as fast as the bound, until it is restarted."""
        incident = self.incident(key)
        growing = getattr(self.worker, quantity).grow(incident.start, 3 * self.bound(key))
        leaking = self.healthy().workers_with([0], **{quantity: growing})
        return incident.events(self.restarted(leaking, incident.end, [0]), also=also)

    @property
    def workers(self) -> int:
        return self.thresholds.service.expected_workers

    @property
    def request_rate(self) -> float:
        """Requests a second: twice what an alert must see to judge, and one for each worker."""
        known = [self.settings(key) for key in self.alerts]
        floors = [
            each.min_requests / each.window for each in known if hasattr(each, "min_requests")
        ]
        return float(max(self.workers, math.ceil(2 * max(floors))))

    def healthy(self, address: str = HERE) -> Instance:
        """An instance with every value within the targets, and plenty of requests."""
        targets = self.thresholds.targets
        return Instance(
            address=address,
            requests=steady(self.request_rate),
            errors=steady(_HEALTHY * targets.error_rate.normal.target),
            latency=steady(self.latency),
            low_confidence=steady(_HEALTHY * targets.confidence.target),
            workers=(self.worker,) * self.workers,
            memory_limit=2.0 * self.workers * targets.memory.peak_24h.acceptable,
            waiting=steady(0.0),
            accept_queue=steady(0.0),
            clients=steady(float(math.ceil(_HEALTHY * targets.throughput.low.concurrency))),
            probe_succeeds=steady(True),
            probe_latency=steady(self.latency.times(0.1)),
            read_errors=steady(0.0),
        )

    def idle(self) -> Instance:
        """A healthy instance without requests."""
        idle = self.healthy().workers_with(cpu=steady(self.idle_cpu))
        return replace(idle, requests=steady(0.0), clients=steady(0.0))

    def restarted(
        self,
        instance: Instance,
        moment: float,
        slots: Collection[int] | None = None,
        downtime: float = 0.0,
        growth: float = 0.0,
    ) -> Instance:
        """Workers end, all or those in `slots`; `downtime` later new ones start and load models.

        What the old ones held is free; the memory of the new ones grows by `growth` a second.
        """
        back = moment + downtime

        def restart(old: Worker) -> Worker:
            memory = old.memory.then(moment, 0.0).then(back, self.cold_memory)
            return replace(
                old,
                memory=memory.then(back + LOADING, self.warm_memory, growth),
                threads=old.threads.then(back, self.worker.threads.at(0)),
                fds=old.fds.then(back, self.worker.fds.at(0)),
                db_connections=old.db_connections.then(back, self.worker.db_connections.at(0)),
                started=old.started.then(back, back),
                alive=old.alive.during(Span(moment, back), False) if downtime else old.alive,
            )

        return instance.change_workers(restart, slots)

    @property
    def latency(self) -> Distribution:
        """Of a healthy instance."""
        rows = self.thresholds.targets.latency
        return Distribution(
            (
                (0.5, _HEALTHY * rows.p50.target),
                (0.95, _HEALTHY * rows.p95.target),
                (0.99, _HEALTHY * rows.p99.target),
                (0.999, _HEALTHY * rows.p999.target),
                (1.0, rows.p999.target),
            )
        )

    @property
    def slow_probe(self) -> Distribution:
        """Of health checks so slow that every severity of that alert fires."""
        return self.latency.with_quantile(0.5, 3 * self.bound("slow_probe"))

    @property
    def warm_memory(self) -> float:
        """Of a worker with its models."""
        return 0.9 * self.thresholds.targets.memory.peak_1h.target

    @property
    def cold_memory(self) -> float:
        """Of a worker before its first request."""
        return _HEALTHY * self.thresholds.targets.memory.initial.target

    @property
    def idle_cpu(self) -> float:
        """Of a healthy worker without requests."""
        return _HEALTHY * self.thresholds.targets.cpu.idle.target

    @property
    def worker(self) -> Worker:
        """A healthy one."""
        targets = self.thresholds.targets
        pool = _HEALTHY * targets.database.pool_usage.target * self.pool
        all_pools = _HEALTHY * targets.database.connections.target
        return Worker(
            memory=steady(self.warm_memory),
            threads=steady(math.ceil(_HEALTHY * targets.worker.threads.target)),
            fds=steady(round(_HEALTHY * targets.worker.fds.target * MAX_FDS)),
            db_connections=steady(max(1.0, math.floor(min(pool, all_pools / self.workers)))),
            cpu=steady(_HEALTHY * targets.cpu.normal.target),
            started=steady(-_DAY),
        )

    @property
    def pool(self) -> float:
        """Connections that a worker's pool opens at most."""
        pool = self.thresholds.service.database_pool
        return float(pool.size + pool.overflow)
