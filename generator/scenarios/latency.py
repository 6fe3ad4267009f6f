"""Slow answers, and single ones that are slow for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator.alerts.latency import QUANTILES
from generator.alerts.proof import THERE
from generator.scenarios.book import LOADING, Book
from generator.scenarios.course import level, steady
from generator.scenarios.model import May, Scenario

_ALSO = May(
    reason="other alerts of slow answers, such as on the budget, tell of the same",
    families=("latency", "budget"),
)


def scenarios(book: Book) -> Iterator[Scenario]:
    yield _slow_database(book)
    yield _one_of_two(book)
    yield _median(book)
    yield _tail(book)
    yield _extreme(book)
    yield _slow_request(book)
    yield _models_load(book)


def factor(book: Book, field: str, beyond: float) -> float:
    """How many times slower than healthy a quantile is where it lies `beyond`."""
    healthy = next(value for share, value in book.latency.points if share == QUANTILES[field])
    return beyond / healthy


def _slow_database(book: Book) -> Scenario:
    keys = ("high_latency", "high_median_latency", "requests_waiting", "slow_probe")
    times = book.times(*keys)
    slower = max(
        factor(book, field, 3 * book.bound(key))
        for key, field in (("high_latency", "p95"), ("high_median_latency", "p50"))
    )
    world = book.world()
    waiting = 3 * book.bound("requests_waiting") * book.busy
    probe = book.latency.times(factor(book, "p50", 3 * book.bound("slow_probe")))
    return Scenario(
        name="the-database-answers-slowly",
        family="latency",
        story=(
            "A missing index makes every verification slow, and the next ones wait. "
            "Then it is there."
        ),
        length=times.length,
        worlds=(
            replace(
                world,
                latency=world.latency.between(times.start, times.end, book.latency.times(slower)),
                waiting=world.waiting.between(times.start, times.end, waiting),
                probe=world.probe.between(times.start, times.end, probe),
            ),
        ),
        must=book.must(times, *keys),
        may=(
            _ALSO,
            May(
                reason="while many wait, fewer are answered than should be",
                keys=("low_throughput",),
            ),
        ),
    )


def _one_of_two(book: Book) -> Scenario:
    times = book.times("high_latency")
    well, ill = book.pair()
    slow = book.latency.times(factor(book, "p95", 3 * book.bound("high_latency")))
    return Scenario(
        name="one-of-two-instances-is-slow",
        family="latency",
        story="The second of two instances lost its graphics card. The first is well.",
        length=times.length,
        worlds=(well, replace(ill, latency=ill.latency.between(times.start, times.end, slow))),
        must=book.must(times, "high_latency", instance=THERE),
        may=(_ALSO,),
    )


def _median(book: Book) -> Scenario:
    times = book.times("high_median_latency", which="mildest")
    value = book.between("high_median_latency")
    slow = book.latency.times(factor(book, "p50", value))
    world = book.world()
    return Scenario(
        name="a-larger-model-is-slower",
        family="latency",
        story=(
            "A release with a larger model takes longer for every answer. "
            "It is no matter for the night."
        ),
        length=times.length,
        worlds=(replace(world, latency=world.latency.between(times.start, times.end, slow)),),
        must=book.must(times, "high_median_latency", which="mildest"),
        may=(_ALSO,),
    )


def _tail(book: Book) -> Scenario:
    times = book.times("high_tail_latency")
    value = 3 * book.bound("high_tail_latency")
    slow = book.latency.times(factor(book, "p99", value), above=0.95)
    world = book.world()
    return Scenario(
        name="one-of-fifty-is-slow",
        family="latency",
        story=(
            "Questions with many sources take long, all others are fast. The p95 does not show it."
        ),
        length=times.length,
        worlds=(replace(world, latency=world.latency.between(times.start, times.end, slow)),),
        must=book.must(times, "high_tail_latency"),
        may=(replace(_ALSO, but=("high_latency", "high_median_latency")),),
    )


def _extreme(book: Book) -> Scenario:
    times = book.times("extreme_latency")
    value = 3 * book.bound("extreme_latency")
    slow = book.latency.times(factor(book, "p999", value), above=0.99)
    world = book.world()
    return Scenario(
        name="one-of-five-hundred-takes-for-ever",
        family="latency",
        story="Now and then a verification runs into a lock. Nobody is called for that.",
        length=times.length,
        worlds=(replace(world, latency=world.latency.between(times.start, times.end, slow)),),
        must=book.must(times, "extreme_latency"),
        may=(replace(_ALSO, but=("high_latency", "high_median_latency", "high_tail_latency")),),
    )


def _slow_request(book: Book) -> Scenario:
    """Out of few requests one is a high percentile."""
    settings = book.thresholds.alerts.high_median_latency
    rate = 0.8 * settings.min_requests / settings.window
    once = float(book.kit.clock.interval)
    world = replace(book.world(), requests=steady(rate).between(1800.0, 1800.0 + once, 1 / once))
    slow = book.latency.times(30)
    return Scenario(
        name="one-slow-request-in-the-evening",
        family="latency",
        story=(
            "Few requests come in the evening, and one of them takes long. That is no percentile."
        ),
        length=5400.0,
        worlds=(replace(world, latency=world.latency.between(1800.0, 1800.0 + once, slow)),),
    )


def _models_load(book: Book) -> Scenario:
    """Each worker loads its models with its first request, which takes as long."""
    world = book.idle()
    first = 3600.0
    requests = steady(0.0).to(first, book.workers / LOADING).to(first + LOADING, book.busy)
    slow = book.latency.times(LOADING / 2 / book.latency.points[0][1])
    workers = tuple(
        replace(
            worker,
            memory=level(book.cold)
            .to(first, book.cold, (book.warm - book.cold) / LOADING)
            .to(first + LOADING, book.warm),
            born=steady(0.0),
            cpu=worker.cpu.to(first, 1.0).to(first + LOADING, book.worker.cpu.at(0)),
        )
        for worker in world.workers
    )
    return Scenario(
        name="models-load-at-the-first-requests",
        family="latency",
        story=(
            "The first requests of the morning find cold workers. "
            "Each of these loads a gigabyte first."
        ),
        length=2 * 3600.0,
        pace=int(LOADING),
        worlds=(
            replace(
                world,
                requests=requests,
                latency=world.latency.between(first, first + LOADING, slow),
                waiting=level(0.0).between(first, first + LOADING, float(book.workers)),
                probe=world.probe.between(first, first + LOADING, book.latency.times(10)),
                workers=workers,
                clients=level(0.0).to(first, book.world().clients.at(0)),
            ),
        ),
    )
