"""Failing requests, and failures that nobody needs to hear of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator.alerts.proof import THERE
from generator.scenarios.book import SPARE, Book, Times
from generator.scenarios.course import level, steady
from generator.scenarios.model import May, Scenario

_ALSO = May(
    reason="other alerts of failing requests, such as on the budget, tell of the same",
    families=("error", "budget"),
)


def scenarios(book: Book) -> Iterator[Scenario]:
    yield _release(book)
    yield _creeping(book)
    yield _one_of_two(book)
    yield _night_outage(book)
    yield _first_requests(book)
    yield _one_of_three(book)
    yield _on_target(book)
    yield _reset(book)
    yield _refused(book)


def _release(book: Book) -> Scenario:
    times = book.times("high_error_rate")
    world = book.world()
    share = min(0.9, 3 * book.bound("high_error_rate"))
    return Scenario(
        name="errors-after-a-release",
        family="error",
        story="A release breaks one kind of question. It is rolled back later.",
        length=times.length,
        worlds=(replace(world, errors=world.errors.between(times.start, times.end, share)),),
        must=book.must(times, "high_error_rate"),
        may=(_ALSO,),
    )


def _creeping(book: Book) -> Scenario:
    times = book.times("high_error_rate", which="mildest")
    world = book.world()
    share = min(0.9, book.between("high_error_rate"))
    return Scenario(
        name="errors-above-the-acceptable",
        family="error",
        story="A few requests fail, more than is acceptable. It is no matter for the night.",
        length=times.length,
        worlds=(replace(world, errors=world.errors.between(times.start, times.end, share)),),
        must=book.must(times, "high_error_rate", which="mildest"),
        may=(_ALSO,),
    )


def _one_of_two(book: Book) -> Scenario:
    times = book.times("high_error_rate")
    well, ill = book.pair()
    share = min(0.9, 3 * book.bound("high_error_rate"))
    return Scenario(
        name="errors-on-one-of-two-instances",
        family="error",
        story="The second of two instances cannot reach the database any more. The first is well.",
        length=times.length,
        worlds=(well, replace(ill, errors=ill.errors.between(times.start, times.end, share))),
        must=book.must(times, "high_error_rate", instance=THERE),
        may=(_ALSO,),
    )


def _sparse(book: Book) -> float:
    """Requests a second with half as many again in the window as failures are needed."""
    settings = book.thresholds.alerts.requests_failing
    return 1.5 * settings.min_failures / settings.window


def _night_outage(book: Book) -> Scenario:
    times = book.times("requests_failing")
    world = replace(book.world(), requests=steady(_sparse(book)))
    return Scenario(
        name="every-request-fails-at-night",
        family="error",
        story="Few requests come at night, and all of them fail. No ratio has enough of them.",
        length=times.length,
        worlds=(replace(world, errors=world.errors.between(times.start, times.end, 1.0)),),
        must=book.must(times, "requests_failing"),
        may=(_ALSO,),
    )


def _first_requests(book: Book) -> Scenario:
    """The first failure of an app brings a new series, which begins with its count."""
    settings = book.thresholds.alerts.requests_failing
    once = float(book.kit.clock.interval)
    start = settings.window + 300.0
    times = Times(start, start + once, start + once + book.fade("requests_failing") + SPARE)
    burst = 3 * settings.min_failures / once
    requests = steady(_sparse(book) / 2).between(start, start + once, burst)
    world = replace(book.world(), requests=requests, errors=steady(0.0))
    return Scenario(
        name="the-first-failures-come-at-once",
        family="error",
        story=(
            "An instance that never failed refuses a batch within seconds. Then it is well again."
        ),
        length=times.length,
        worlds=(replace(world, errors=world.errors.between(start, start + once, 1.0)),),
        must=book.must(times, "requests_failing"),
        may=(_ALSO,),
    )


def _one_of_three(book: Book) -> Scenario:
    """Often enough that it is no silence either."""
    pause = 60.0 * int(book.window("no_traffic") / 90)
    requests = steady(0.0)
    for turn in range(1, 9):
        requests = requests.between(turn * pause, turn * pause + 60, 3 / 60)
    return Scenario(
        name="one-of-three-requests-fails-at-night",
        family="error",
        story="Three requests come now and then, and one of them fails. That is no outage.",
        length=9 * pause,
        worlds=(replace(book.idle(), requests=requests, errors=steady(1 / 3)),),
    )


def _on_target(book: Book) -> Scenario:
    targets = book.thresholds.targets
    return Scenario(
        name="a-busy-day-with-errors-on-target",
        family="error",
        story="Requests come as fast as they can be answered. As few fail as the target allows.",
        length=3 * 3600.0,
        worlds=(
            replace(
                book.world(),
                requests=steady(targets.throughput.high.target),
                errors=steady(targets.error_rate.normal.target),
            ),
        ),
    )


def _reset(book: Book) -> Scenario:
    promised = 1 - book.thresholds.slo.availability.objective
    share = 0.8 * min(promised, book.bound("high_error_rate", "mildest"))
    return Scenario(
        name="counters-start-again-under-load",
        family="error",
        story=(
            "The folder of the app's metrics is emptied twice under load. Failures go on as before."
        ),
        length=5400.0,
        worlds=(replace(book.world(), errors=steady(share), restarts=(1800.0, 3000.0)),),
    )


def _refused(book: Book) -> Scenario:
    """Refused requests are counted nowhere; what shows is a crowd of clients."""
    world = book.world()
    start, end = 1800.0, 1860.0
    return Scenario(
        name="a-burst-is-refused",
        family="error",
        story="A client sends a burst and is answered 429 for a minute. Nobody else notices.",
        length=5400.0,
        worlds=(
            replace(
                world,
                requests=world.requests.between(start, end, 3 * book.busy),
                clients=level(world.clients.at(0.0)).between(start, end, 400.0),
                waiting=world.waiting.between(start, end, book.busy),
            ),
        ),
    )
