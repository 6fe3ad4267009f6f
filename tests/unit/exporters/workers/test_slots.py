from __future__ import annotations

import random

from exporters.proc.parse import Identity
from exporters.workers.slots import Slots

STEPS = 10_000


def test_a_new_worker_takes_the_freed_slot() -> None:
    slots = Slots()
    a, b, c, d = (Identity(start, pid) for start, pid in ((1, 10), (2, 9), (3, 12), (4, 10)))
    assert slots.update([c, a, b]) == {a: 0, b: 1, c: 2}
    assert slots.update([c, a]) == {a: 0, c: 2}
    assert slots.update([c, d]) == {d: 0, c: 2}, "the lowest; the same pid is another process"
    assert slots.starts == [2, 1, 1]


def test_ten_thousand_random_steps_against_a_model() -> None:
    chance = random.Random(7)  # noqa: S311  # repeatable, not secret
    slots, model, alive = Slots(), dict[Identity, int](), set[Identity]()
    most, starts = 0, list[int]()
    for step in range(STEPS):
        ended = set(chance.sample(sorted(alive), chance.randint(0, min(3, len(alive)))))
        pids = chance.sample(range(100, 130), chance.randint(0, 3))
        started = {Identity(step, pid) for pid in pids}
        alive = {
            each for each in alive - ended if each.pid not in pids
        } | started  # a pid that is reused has lost its first process
        found = slots.update(chance.sample(sorted(alive), len(alive)))

        model = {each: slot for each, slot in model.items() if each in alive}
        for each in sorted(alive - model.keys()):
            model[each] = min(set(range(len(alive) + 1)) - set(model.values()))
        starts += [0] * (len(alive) - len(starts))
        for each in started:
            starts[model[each]] += 1
        most = max(most, len(alive))
        assert found == model
        assert len(set(found.values())) == len(alive), "no two share a slot"
        assert max(found.values(), default=0) < max(most, 1)
        assert slots.starts == starts
    assert sum(starts) > STEPS
