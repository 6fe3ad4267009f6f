"""Every series that the rules read of an instance, as input series of a promtool test."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import methodcaller
from typing import Final

from generator import names
from generator.alerts.clock import Clock
from generator.alerts.context import Context
from generator.alerts.model import Series
from generator.alerts.testcases.series import counter
from generator.promql import le
from generator.scenarios.instance import MAX_FDS, Distribution, Instance, Worker
from generator.scenarios.timeseries import (
    SCRAPED,
    Sampler,
    ScrapeState,
    TimeSeries,
    combine,
    steady,
    total,
)

Rate = TimeSeries[float] | TimeSeries[float | None]
# Every counter starts after a healthy day.
_BEFORE: Final = 86400.0
# Probes a second, the sidecar's default.
_PROBES: Final = 0.2


def series(instance: Instance, context: Context, clock: Clock, length: int) -> Iterator[Series]:
    """All that Prometheus gets of one instance over `length` seconds."""

    def target(labels: Mapping[str, str], *scrapes: TimeSeries[ScrapeState]) -> _Target:
        return _Target(labels, Sampler(clock, length, combine(_first_failure, *scrapes)))

    address, scrapes = instance.address, instance.scrapes
    sidecar = target(context.workers(address), scrapes)
    yield from _app(instance, target(context.api(address), scrapes, instance.app_scrapes), context)
    yield from _instance(instance, sidecar, context)
    yield from _probe(instance, target(context.probe(address), instance.probes))
    for slot, worker in enumerate(instance.workers):
        yield from _worker(instance, worker, sidecar.labelled(worker=str(slot)))


def lost_notifications(rate: Rate, clock: Clock, length: int) -> Series:
    """Alertmanager's counter of the notifications that it could not deliver."""
    labels = {"job": names.ALERTMANAGER, "instance": "alertmanager:9093"}
    labels |= {"integration": "pagerduty", "reason": "other"}
    target = _Target(labels, Sampler(clock, length, SCRAPED))
    return target.counter(names.NOTIFICATIONS_FAILED, rate)


def process_memory(instance: Instance, context: Context, clock: Clock, length: int) -> Series:
    """The series that the standard collector would have for the first worker."""
    worker = instance.workers[0]
    app = _Target(context.api(instance.address), Sampler(clock, length, instance.scrapes))
    return app.gauge("process_resident_memory_bytes", worker.memory, worker.alive)


def _first_failure(*states: ScrapeState) -> ScrapeState:
    """The first state that is not a success, or else that one."""
    return next((each for each in states if each != "scraped"), "scraped")


@dataclass(frozen=True)
class _Target:
    """What one job scrapes of the instance."""

    labels: Mapping[str, str]
    sampler: Sampler

    def labelled(self, **labels: str) -> _Target:
        return replace(self, labels={**self.labels, **labels})

    def gauge(self, name: str, values: TimeSeries[float], *present: TimeSeries[bool]) -> Series:
        return Series(name, self.labels, self.sampler.gauge(values, *present))

    def up(self) -> Series:
        """1, or 0 where a scrape fails."""
        scrapes = self.sampler.scrapes
        tried: TimeSeries[ScrapeState] = combine(
            lambda state: "scraped" if state == "failed" else state, scrapes
        )
        target = replace(self, sampler=replace(self.sampler, scrapes=tried))
        return target.gauge(names.UP, combine(lambda state: float(state == "scraped"), scrapes))

    def counter(self, name: str, rate: Rate, resets: Iterable[float] = ()) -> Series:
        """A counter that grows by `rate` a second."""
        clock = self.sampler.clock
        values = counter(
            clock,
            self.sampler.phases(rate, resets),
            lambda phase: round((phase.value or 0.0) * clock.interval, 6),
            round((rate.at(0.0) or 0.0) * _BEFORE, 3),
        )
        return Series(name, self.labels, values)

    def histogram(
        self,
        name: str,
        buckets: Sequence[float],
        rate: Rate,
        values: TimeSeries[Distribution],
        resets: Iterable[float],
    ) -> Iterator[Series]:
        """`rate` observations a second, whose values are distributed like that."""

        def under(bound: float) -> Rate:
            return combine(_times, rate, combine(methodcaller("share", bound), values))

        for text, bound in [*((le(bound), bound) for bound in buckets), ("+Inf", math.inf)]:
            yield self.labelled(le=text).counter(f"{name}_bucket", under(bound), resets)
        yield self.counter(f"{name}_count", under(math.inf), resets)


def _times(rate: float | None, share: float) -> float | None:
    return None if rate is None else rate * share


def _app(instance: Instance, target: _Target, context: Context) -> Iterator[Series]:
    service = context.thresholds.service
    low = context.thresholds.targets.confidence.below
    resets = instance.app_resets
    counted = instance.requests, instance.errors, instance.app_metrics
    answered: Rate = combine(
        lambda requests, errors, there: requests * (1 - errors) if there else None, *counted
    )
    failed: Rate = combine(
        lambda requests, errors, there, ever: requests * errors if there and ever else None,
        *counted,
        instance.failed_before,
    )
    scores = combine(
        lambda share: Distribution(((share, low), (1.0, 1.0))), instance.low_confidence
    )
    yield target.up()
    yield target.labelled(status="success").counter(names.REQUESTS, answered, resets)
    yield target.labelled(status="error").counter(names.REQUESTS, failed, resets)
    yield from target.histogram(
        names.LATENCY, service.latency_buckets, answered, instance.latency, resets
    )
    yield from target.histogram(
        names.CONFIDENCE, service.confidence_buckets, answered, scores, resets
    )


def _instance(instance: Instance, target: _Target, context: Context) -> Iterator[Series]:
    workers = instance.workers
    resets = instance.sidecar_restarts
    seen: TimeSeries[float] = combine(
        lambda visible, *alive: float(visible and sum(alive)),
        instance.workers_visible,
        *(worker.alive for worker in workers),
    )
    yield target.up()
    yield target.gauge(names.WORKERS, seen)
    yield target.gauge(names.MEMORY_LIMIT, steady(instance.memory_limit))
    yield target.gauge(names.MEMORY_USAGE, total([worker.memory for worker in workers]))
    yield target.gauge(names.API_CLIENTS, instance.clients)
    yield target.gauge(names.CONNECTIONS_WAITING, instance.waiting)
    yield target.gauge(names.ACCEPT_QUEUE, instance.accept_queue)
    yield target.gauge(names.PROBE_SUCCESS, combine(float, instance.probe_succeeds))
    yield from target.histogram(
        names.PROBE_DURATION,
        context.thresholds.service.latency_buckets,
        combine(lambda succeeds: _PROBES * succeeds, instance.probe_succeeds),
        instance.probe_latency,
        resets,
    )
    yield target.labelled(reason="permission").counter(
        names.EXPORTER_ERRORS, instance.read_errors, resets
    )


def _probe(instance: Instance, target: _Target) -> Iterator[Series]:
    yield target.up()
    yield target.gauge(names.BLACKBOX_SUCCESS, combine(float, instance.reachable))


def _worker(instance: Instance, worker: Worker, target: _Target) -> Iterator[Series]:
    present = worker.alive, instance.workers_visible
    yield target.gauge(names.RESIDENT_MEMORY, worker.memory, *present)
    yield target.gauge(names.THREADS, worker.threads, *present)
    yield target.gauge(names.OPEN_FDS, worker.fds, *present)
    yield target.gauge(names.MAX_FDS, steady(MAX_FDS), *present)
    yield target.gauge(names.DB_CONNECTIONS, worker.db_connections, *present)
    yield target.gauge(names.START_TIME, worker.started, *present)
    yield target.gauge(names.WORKER_STARTS, instance.starts(worker), worker.was_alive)
    restarts = [moment for moment in worker.started.moments if moment > 0]
    used: Rate = combine(lambda cpu, *there: cpu if all(there) else None, worker.cpu, *present)
    for mode, share in (("user", 0.75), ("system", 0.25)):
        part: Rate = combine(_times, used, steady(share))
        yield target.labelled(mode=mode).counter(names.CPU_SECONDS, part, restarts)
