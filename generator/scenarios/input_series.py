"""Every series that the rules read of an instance, as input series of a promtool test."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from generator import names
from generator.alerts.clock import Clock
from generator.alerts.context import Context
from generator.alerts.model import Series
from generator.alerts.testcases.series import counter, gauge
from generator.promql import le
from generator.scenarios.instance import MAX_FDS, Distribution, Instance, Worker
from generator.scenarios.timeseries import (
    Line,
    Sampler,
    ScrapeState,
    Steps,
    combine,
    level,
    total,
)

Rate = Steps[float] | Steps[float | None]
# Every counter starts after a healthy day.
_BEFORE: Final = 86400.0
# Probes a second, the sidecar's default.
_PROBES: Final = 0.2


def series(instance: Instance, context: Context, clock: Clock, length: int) -> tuple[Series, ...]:
    """All that Prometheus gets of one instance over `length` seconds."""
    app = _app_target(instance, context, clock, length)
    sidecar = _Target(
        context.workers(instance.address), Sampler(clock, length, instance.sidecar_scrapes)
    )
    return (
        *_app(instance, app, context),
        *_instance(instance, sidecar, context),
        *(
            each
            for slot, worker in enumerate(instance.workers)
            for each in _worker(instance, worker, sidecar.labelled(worker=str(slot)))
        ),
    )


def process_memory(instance: Instance, context: Context, clock: Clock, length: int) -> Series:
    """The series that the standard collector would have for the first worker."""
    worker = instance.workers[0]
    app = _app_target(instance, context, clock, length)
    return app.line("process_resident_memory_bytes", worker.memory, worker.alive)


def _app_target(instance: Instance, context: Context, clock: Clock, length: int) -> _Target:
    return _Target(context.api(instance.address), Sampler(clock, length, instance.api_scrapes))


@dataclass(frozen=True)
class _Target:
    """What one job scrapes of the instance."""

    labels: Mapping[str, str]
    sampler: Sampler

    def labelled(self, **labels: str) -> _Target:
        return replace(self, labels={**self.labels, **labels})

    def line(self, name: str, line: Line, *present: Steps[bool]) -> Series:
        """A gauge that may grow steadily."""
        return Series(name, self.labels, self.sampler.line(line, *present))

    def gauge(self, name: str, values: Rate) -> Series:
        phases = self.sampler.phases(values)
        return Series(name, self.labels, gauge(self.sampler.clock, phases, float))

    def up(self) -> Series:
        """1, or 0 where a scrape fails."""
        scrapes = self.sampler.scrapes
        tried: Steps[ScrapeState] = combine(
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
        values: Steps[Distribution],
        resets: Iterable[float],
    ) -> Iterator[Series]:
        """`rate` observations a second, whose values are distributed like that."""

        def at_or_under(bound: float) -> Steps[float | None]:
            return combine(
                lambda rate, values: None if rate is None else rate * values.share(bound),
                rate,
                values,
            )

        for bound in (*buckets, math.inf):
            text = "+Inf" if math.isinf(bound) else le(bound)
            yield self.labelled(le=text).counter(f"{name}_bucket", at_or_under(bound), resets)
        yield self.counter(f"{name}_count", at_or_under(math.inf), resets)


def _app(instance: Instance, target: _Target, context: Context) -> Iterator[Series]:
    service = context.thresholds.service
    low = context.thresholds.targets.confidence.below
    resets = instance.app_resets
    counted = instance.requests, instance.errors, instance.app_metrics
    answered: Steps[float | None] = combine(
        lambda requests, errors, there: requests * (1 - errors) if there else None, *counted
    )
    failed: Steps[float | None] = combine(
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
    seen: Steps[float | None] = combine(
        lambda visible, *alive: float(visible and sum(alive)),
        instance.workers_visible,
        *(worker.alive for worker in workers),
    )
    yield target.up()
    yield target.gauge(names.WORKERS, seen)
    yield target.gauge(names.WORKER_STARTS, instance.worker_starts)
    yield target.line(names.MEMORY_LIMIT, level(instance.memory_limit))
    yield target.line(names.MEMORY_USAGE, total([worker.memory for worker in workers]))
    yield target.line(names.API_CLIENTS, instance.clients)
    yield target.line(names.CONNECTIONS_WAITING, instance.waiting)
    yield target.line(names.ACCEPT_QUEUE, instance.accept_queue)
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


def _worker(instance: Instance, worker: Worker, target: _Target) -> Iterator[Series]:
    present = worker.alive, instance.workers_visible
    yield target.line(names.RESIDENT_MEMORY, worker.memory, *present)
    yield target.line(names.THREADS, worker.threads, *present)
    yield target.line(names.OPEN_FDS, worker.fds, *present)
    yield target.line(names.MAX_FDS, level(MAX_FDS), *present)
    yield target.line(names.DB_CONNECTIONS, worker.db_connections, *present)

    def while_present(values: Steps[float], share: float = 1.0) -> Steps[float | None]:
        return combine(
            lambda value, *present: share * value if all(present) else None, values, *present
        )

    yield target.gauge(names.START_TIME, while_present(worker.started))
    restarts = [moment for moment in worker.started.moments if moment > 0]
    for mode, share in (("user", 0.75), ("system", 0.25)):
        yield target.labelled(mode=mode).counter(
            names.CPU_SECONDS, while_present(worker.cpu, share), restarts
        )
