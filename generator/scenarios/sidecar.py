"""The monitoring itself: blind, gone, or only restarted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator.scenarios.book import Book
from generator.scenarios.model import May, Scenario


def scenarios(book: Book) -> Iterator[Scenario]:
    yield _down(book)
    yield _unknown(book)
    yield _blind(book)
    yield _no_rights(book)
    yield _no_app_metrics(book)
    yield _restarts(book)
    yield _prometheus_restarts(book)
    yield _failed_scrapes(book)


def _down(book: Book) -> Scenario:
    times = book.times("sidecar_down")
    return Scenario(
        name="the-sidecar-is-down",
        family="availability",
        story="The sidecar ends and nobody starts it for a while. The service is well.",
        length=times.length,
        worlds=(
            replace(book.world().scrapes(times.start, times.end, "failed"), resumes=(times.end,)),
        ),
        must=book.must(times, "sidecar_down"),
    )


def _unknown(book: Book) -> Scenario:
    times = book.times("target_missing")
    return Scenario(
        name="prometheus-forgets-the-targets",
        family="availability",
        story="A change of the service discovery drops both jobs. It is taken back.",
        length=times.length,
        worlds=(book.world().scrapes(times.start, times.end, "unknown"),),
        must=book.must(times, "target_missing"),
    )


def _blind(book: Book) -> Scenario:
    times = book.times("sidecar_blind")
    world = book.world()
    return Scenario(
        name="the-sidecar-sees-no-workers",
        family="availability",
        story=(
            "The sidecar lost the shared namespace of processes and finds nobody. "
            "The service answers."
        ),
        length=times.length,
        worlds=(replace(world, seen=world.seen.between(times.start, times.end, False)),),
        must=book.must(times, "sidecar_blind"),
        may=(May(reason="none seen is fewer than should run", keys=("workers_missing",)),),
    )


def _no_rights(book: Book) -> Scenario:
    times = book.times("sidecar_errors")
    world = book.world()
    return Scenario(
        name="the-sidecar-lost-its-rights",
        family="availability",
        story="The sidecar runs as another user and cannot read descriptors. That is set right.",
        length=times.length,
        worlds=(replace(world, troubles=world.troubles.between(times.start, times.end, 0.2)),),
        must=book.must(times, "sidecar_errors"),
    )


def _no_app_metrics(book: Book) -> Scenario:
    """For hours: what other alerts read of the app is missing as well."""
    times = book.times("app_metrics_missing", "idle_cpu")
    world = book.world()
    return Scenario(
        name="the-apps-metrics-are-gone",
        family="availability",
        story="A deploy lost the folder of the app's metrics. For hours nobody sets it again.",
        length=times.length,
        worlds=(replace(world, counted=world.counted.between(times.start, times.end, False)),),
        must=book.must(times, "app_metrics_missing"),
    )


def _restarts(book: Book) -> Scenario:
    world = book.world()
    moments = (1800.0, 2700.0)
    for moment in moments:
        world = world.scrapes(moment, moment + 2 * book.kit.clock.interval, "failed")
    return Scenario(
        name="the-sidecar-restarts",
        family="availability",
        story=(
            "The sidecar is restarted twice and misses some scrapes. Its own counters begin anew."
        ),
        length=5400.0,
        worlds=(replace(world, resumes=moments),),
    )


def _prometheus_restarts(book: Book) -> Scenario:
    """A gap that Prometheus looks back over, and a longer one."""
    world = book.world().scrapes(1800.0, 2010.0, "lost").scrapes(3600.0, 4080.0, "lost")
    return Scenario(
        name="prometheus-restarts",
        family="availability",
        story=(
            "Prometheus is restarted, and later moved to another machine. "
            "It scrapes nothing meanwhile."
        ),
        length=3 * 3600.0,
        worlds=(world,),
    )


def _failed_scrapes(book: Book) -> Scenario:
    world = book.world()
    once = float(book.kit.clock.interval)
    for turn in range(1, 8):
        world = world.scrapes(600.0 * turn, 600.0 * turn + once, "failed")
    return Scenario(
        name="a-scrape-fails-now-and-then",
        family="availability",
        story="A scrape runs into its time limit every ten minutes. The next one succeeds.",
        length=5400.0,
        worlds=(world,),
    )
