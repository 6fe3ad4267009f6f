"""Every series that the rules read of a world, in promtool's notation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from generator import names
from generator.alerts.clock import Clock
from generator.alerts.context import Context
from generator.alerts.model import Series
from generator.alerts.testcases.series import counter, gauge, selector
from generator.promql import le
from generator.scenarios.timeseries import Grid, Line, ScrapeState, Steps, level, total
from generator.scenarios.world import MAX_FDS, Spread, Worker, World

# Every counter has a healthy day behind it.
_BEFORE: Final = 86400.0
# Probes a second, as the sidecar asks unless told otherwise.
_PROBES: Final = 0.2


Rate = Callable[[float], float | None]


def series(world: World, context: Context, clock: Clock, length: int) -> tuple[Series, ...]:
    """All that Prometheus gets of one instance over `length` seconds."""
    app = _Target(context.api(world.instance), Grid(clock, length, world.api))
    sidecar = _Target(context.workers(world.instance), Grid(clock, length, world.sidecar))
    return (
        *_app(world, app, context),
        *_instance(world, sidecar, context),
        *(
            each
            for slot, worker in enumerate(world.workers)
            for each in _worker(world, worker, sidecar.of(worker=str(slot)))
        ),
    )


def process_memory(world: World, context: Context, clock: Clock, length: int) -> Series:
    """The series that the standard collector would have for the first worker."""
    app = _Target(context.api(world.instance), Grid(clock, length, world.api))
    worker = world.workers[0]
    return app.line("process_resident_memory_bytes", worker.memory, worker.alive)


@dataclass(frozen=True)
class _Target:
    """What one job scrapes of the instance."""

    labels: Mapping[str, str]
    grid: Grid

    def of(self, **labels: str) -> _Target:
        return _Target({**self.labels, **labels}, self.grid)

    def line(self, name: str, course: Line, *there: Steps[bool]) -> Series:
        return Series(selector(name, self.labels), self.grid.line(course, *there))

    def gauge(self, name: str, alert_tests: Iterable[float], value: Rate) -> Series:
        values = gauge(self.grid.clock, self.grid.phases(alert_tests, value), float)
        return Series(selector(name, self.labels), values)

    def up(self) -> Series:
        """1, or 0 where a scrape fails."""
        tried: Steps[ScrapeState] = Steps(
            tuple(
                (moment, "scraped" if sight == "failed" else sight)
                for moment, sight in self.grid.seen.points
            )
        )
        target = _Target(self.labels, Grid(self.grid.clock, self.grid.length, tried))
        scraped = self.grid.seen
        return target.gauge(
            names.UP, scraped.alert_tests, lambda moment: float(scraped.at(moment) == "scraped")
        )

    def counter(
        self, name: str, alert_tests: Iterable[float], rate: Rate, resets: Iterable[float] = ()
    ) -> Series:
        """A counter that grows by `rate` a second."""
        clock = self.grid.clock
        values = counter(
            clock,
            self.grid.phases(alert_tests, rate, resets),
            lambda phase: round((phase.value or 0.0) * clock.interval, 6),
            round((rate(0.0) or 0.0) * _BEFORE, 3),
        )
        return Series(selector(name, self.labels), values)

    def histogram(
        self,
        name: str,
        buckets: Sequence[float],
        alert_tests: Sequence[float],
        rate: Rate,
        share: Callable[[float, float], float],
        resets: Iterable[float] = (),
    ) -> Iterator[Series]:
        """`share(moment, bound)` of the observations, `rate` a second, lie at or under a bound."""
        for bound in (*buckets, math.inf):
            text = "+Inf" if math.isinf(bound) else le(bound)
            yield self.of(le=text).counter(
                f"{name}_bucket", alert_tests, _scaled(rate, share, bound), resets
            )
        yield self.counter(f"{name}_count", alert_tests, rate, resets)


def _scaled(rate: Rate, share: Callable[[float, float], float], bound: float) -> Rate:
    def scaled(moment: float) -> float | None:
        whole = rate(moment)
        return whole if whole is None or math.isinf(bound) else whole * share(moment, bound)

    return scaled


def _app(world: World, target: _Target, context: Context) -> Iterator[Series]:
    there = world.counted

    def answered(moment: float) -> float | None:
        if not there.at(moment):
            return None
        return world.requests.at(moment) * (1 - world.errors.at(moment))

    def failed(moment: float) -> float | None:
        ever = world.errors.at(0.0) > 0 or any(
            world.errors.at(each) > 0 for each in world.errors.alert_tests if each <= moment
        )
        return (
            world.requests.at(moment) * world.errors.at(moment)
            if ever and there.at(moment)
            else None
        )

    alert_tests = [*world.requests.alert_tests, *world.errors.alert_tests, *there.alert_tests]
    again = world.restarts
    yield target.up()
    yield target.of(status="success").counter(names.REQUESTS, alert_tests, answered, again)
    yield target.of(status="error").counter(names.REQUESTS, alert_tests, failed, again)
    service = context.thresholds.service
    spreads = [*alert_tests, *world.latency.alert_tests]
    yield from target.histogram(
        names.LATENCY,
        service.latency_buckets,
        spreads,
        answered,
        lambda moment, bound: world.latency.at(moment).share(bound),
        again,
    )
    yield from target.histogram(
        names.CONFIDENCE,
        service.confidence_buckets,
        [*alert_tests, *world.weak.alert_tests],
        answered,
        lambda moment, bound: _scores(world.weak.at(moment), context).share(bound),
        again,
    )


def _scores(weak: float, context: Context) -> Spread:
    """So many answers are scored at or under the bound of weak ones, the others above it."""
    return Spread(((weak, context.thresholds.targets.confidence.below), (1.0, 1.0)))


def _instance(world: World, target: _Target, context: Context) -> Iterator[Series]:
    answers, found = world.answers, [*world.seen.alert_tests]
    for worker in world.workers:
        found += worker.alive.alert_tests

    def workers(moment: float) -> float:
        return float(world.seen.at(moment) and sum(each.alive.at(moment) for each in world.workers))

    yield target.up()
    yield target.gauge(names.WORKERS, found, workers)
    born = [moment for worker in world.workers for moment in worker.born.alert_tests]
    yield target.gauge(names.WORKER_STARTS, [*born, *world.resumes], world.starts)
    yield target.line(names.MEMORY_LIMIT, level(world.memory_limit))
    yield target.line(names.MEMORY_USAGE, total([worker.memory for worker in world.workers]))
    yield target.line(names.API_CLIENTS, world.clients)
    yield target.line(names.CONNECTIONS_WAITING, world.waiting)
    yield target.line(names.ACCEPT_QUEUE, world.queued)
    yield target.gauge(
        names.PROBE_SUCCESS, answers.alert_tests, lambda moment: float(answers.at(moment))
    )
    yield from target.histogram(
        names.PROBE_DURATION,
        context.thresholds.service.latency_buckets,
        [*answers.alert_tests, *world.probe.alert_tests],
        lambda moment: _PROBES * answers.at(moment),
        lambda moment, bound: world.probe.at(moment).share(bound),
        world.resumes,
    )
    yield target.of(reason="permission").counter(
        names.EXPORTER_ERRORS, world.read_errors.alert_tests, world.read_errors.at, world.resumes
    )


def _worker(world: World, worker: Worker, target: _Target) -> Iterator[Series]:
    there = worker.alive, world.seen
    yield target.line(names.RESIDENT_MEMORY, worker.memory, *there)
    yield target.line(names.THREADS, worker.threads, *there)
    yield target.line(names.OPEN_FDS, worker.fds, *there)
    yield target.line(names.MAX_FDS, level(MAX_FDS), *there)
    yield target.line(names.DB_CONNECTIONS, worker.database, *there)
    alert_tests = [moment for each in there for moment in each.alert_tests]

    def present(course: Steps[float], share: float = 1.0) -> Rate:
        return lambda moment: (
            share * course.at(moment) if all(each.at(moment) for each in there) else None
        )

    born = worker.born
    yield target.gauge(names.START_TIME, [*alert_tests, *born.alert_tests], present(born))
    for mode, share in (("user", 0.75), ("system", 0.25)):
        yield target.of(mode=mode).counter(
            names.CPU_SECONDS,
            [*alert_tests, *worker.cpu.alert_tests],
            present(worker.cpu, share),
            [moment for moment in born.alert_tests if moment > 0],
        )
