"""Workers that end: again and again, for good, or once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator.scenarios.book import Book
from generator.scenarios.course import steady
from generator.scenarios.model import Scenario


def scenarios(book: Book) -> Iterator[Scenario]:
    yield _crash_loop(book)
    if book.workers > 1:  # the loss of a single worker is that of the service
        yield _stays_away(book)
    yield _killed_once(book)
    yield _deploy(book)
    yield from _rollback(book)


def _crash_loop(book: Book) -> Scenario:
    times = book.times("worker_crash_loop")
    pause = book.window("worker_crash_loop") / (3 * book.bound("worker_crash_loop"))
    world = book.world()
    moment = times.start
    while moment < times.end:
        world = book.restarted(world, moment)
        moment += pause
    return Scenario(
        name="workers-crash-in-a-loop",
        family="workers",
        story=(
            "Every worker ends minutes after its start, as a model is broken. A rollback mends it."
        ),
        length=times.length,
        worlds=(world,),
        must=book.must(times, "worker_crash_loop"),
    )


def _stays_away(book: Book) -> Scenario:
    times = book.times("workers_missing")
    world = book.restarted(book.world(), times.start, [0], gone=times.end - times.start)
    return Scenario(
        name="a-worker-stays-away",
        family="workers",
        story="A worker was killed and its supervisor does not replace it. A restart does.",
        length=times.length,
        worlds=(world,),
        must=book.must(times, "workers_missing"),
    )


def _killed_once(book: Book) -> Scenario:
    gone = float(book.kit.clock.interval)
    world = book.restarted(book.world(), 1800.0, [0], gone=gone)
    return Scenario(
        name="a-worker-is-killed-once",
        family="workers",
        story="The kernel kills a worker. Its supervisor replaces it within seconds.",
        length=5400.0,
        worlds=(replace(world, errors=world.errors.between(1800.0, 1800.0 + gone, 0.02)),),
    )


def _deploy(book: Book) -> Scenario:
    """One worker after the other, as a graceful reload does, and all at once an hour later."""
    world = book.world()
    for slot in range(book.workers):
        world = book.restarted(world, 1800.0 + 30 * slot, [slot])
    world = book.restarted(world, 5400.0)
    answers = steady(True).between(5400.0, 5400.0 + book.kit.clock.interval, False)
    return Scenario(
        name="deploys-of-all-workers",
        family="workers",
        story=(
            "A deploy replaces one worker after the other. The next one restarts them all at once."
        ),
        length=3 * 3600.0,
        worlds=(replace(world, answers=answers),),
    )


def _rollback(book: Book) -> Iterator[Scenario]:
    """Two starts of each worker in the window: none where a bound finds that too many."""
    if book.bound("worker_crash_loop", "mildest") < 2:
        return
    second = 1800.0 + book.window("worker_crash_loop") * 2 / 3
    yield Scenario(
        name="a-deploy-is-rolled-back",
        family="workers",
        story=(
            "A release turns out to be wrong and is rolled back minutes later. "
            "Every worker starts twice."
        ),
        length=3 * 3600.0,
        worlds=(book.restarted(book.restarted(book.world(), 1800.0), second),),
    )
