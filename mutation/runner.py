"""Running every mutant against the slices of its rule until one of them kills it."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from mutation.errors import InputError
from mutation.mutants import Mutant
from mutation.promtool import Promtool, Verdict
from mutation.sandbox import Sandbox
from mutation.slices import Slice
from mutation.suite import Rule

# What one promtool process is given at most: this many test files, or what takes this long.
_BATCH_SIZE: Final = 100
_BATCH_SECONDS: Final = 1.0
# A batch times out after so many seconds plus so many times what it takes on the unchanged rules.
_MIN_TIMEOUT, _TIMEOUT_FACTOR = 60.0, 50


@dataclass(frozen=True)
class Result:
    """What became of a mutant: `killed_by`, or why it is `invalid`, or that no test covers it."""

    mutant: Mutant
    killed_by: Slice | None = None
    invalid: str = ""
    uncovered: bool = False

    @property
    def survived(self) -> bool:
        return self.killed_by is None and not self.invalid


Run = tuple[Mutant, Slice]


class Runner:
    """Runs `jobs` processes at a time; `on_result` is called with each result as it comes in."""

    def __init__(
        self,
        promtool: Promtool,
        slices: Mapping[Rule, Sequence[Slice]],
        jobs: int,
        on_result: Callable[[Result], None] = lambda _result: None,
    ) -> None:
        self._promtool, self._slices, self._jobs = promtool, slices, jobs
        self._on_result = on_result
        self._sandbox = Sandbox(promtool.folder)
        self._seconds: dict[Slice, float] = {}
        self._kill_rates = _KillRates()

    def run_baseline(self) -> None:
        """Run every slice on the unchanged rules, in the form that the mutants will have.

        Raises InputError if one fails.
        """
        slices = list(dict.fromkeys(each for found in self._slices.values() for each in found))
        shares = [slices[start :: self._jobs] for start in range(self._jobs)]
        with ThreadPoolExecutor(self._jobs) as pool:
            for share, verdicts in zip(shares, pool.map(self._test, shares), strict=True):
                for slice_, verdict in zip(share, verdicts, strict=True):
                    if not verdict.passed:
                        raise InputError(
                            f"{slice_.case.place}: passes in its file, but fails with only the "
                            f"rules that it depends on:\n{verdict.message}"
                        )
                    self._seconds[slice_] = verdict.seconds

    def _test(self, slices: Sequence[Slice]) -> list[Verdict]:
        verdicts = self._promtool.test([self._sandbox.write_test(each)[0] for each in slices])
        if len(verdicts) != len(slices):
            raise InputError(f"promtool gave {len(verdicts)} verdicts on {len(slices)} tests")
        return verdicts

    def run(self, mutants: Sequence[Mutant]) -> list[Result]:
        """The results in the order of the mutants; raises InputError."""
        results: dict[Mutant, Result] = {}
        for result in self._results(mutants):
            results[result.mutant] = result
            self._on_result(result)
        return [results[mutant] for mutant in mutants]

    def _results(self, mutants: Sequence[Mutant]) -> Iterator[Result]:
        waiting: dict[Mutant, list[Slice]] = {}
        for mutant, error in zip(mutants, self._load_errors(mutants), strict=True):
            slices = list(self._slices[mutant.rule])
            if error or not slices:
                yield Result(mutant, invalid=error, uncovered=not error)
            else:
                waiting[mutant] = slices
        yield from self._run_slices(waiting)

    def _load_errors(self, mutants: Sequence[Mutant]) -> Iterator[str]:
        """Why promtool cannot load a mutant; empty if it can."""
        files = [self._sandbox.write_rule(mutant) for mutant in mutants]
        for file, verdict in zip(files, self._promtool.check(files), strict=True):
            file.unlink()
            message = (verdict.message or "promtool gave no verdict").replace(f"{file}: ", "")
            yield "" if verdict.passed else message.strip()

    def _run_slices(self, slices: Mapping[Mutant, list[Slice]]) -> Iterator[Result]:
        """Removes from the lists what it has run."""
        mutants = list(slices)
        random.Random(0).shuffle(mutants)  # noqa: S311  # so that the first runs are of many kinds
        queue = deque(mutants)
        running: set[Future[list[tuple[Mutant, Slice, Verdict]]]] = set()
        with ThreadPoolExecutor(self._jobs) as pool:
            while queue or running:
                while queue and len(running) < self._jobs:
                    running.add(pool.submit(self._run_batch, self._next_batch(queue, slices)))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for mutant, slice_, verdict in (each for one in done for each in one.result()):
                    _check(mutant, slice_, verdict)
                    self._kill_rates.add(mutant, slice_, killed=not verdict.passed)
                    if not verdict.passed:
                        yield Result(mutant, killed_by=slice_)
                    elif slices[mutant]:
                        queue.append(mutant)
                    else:
                        yield Result(mutant)

    def _next_batch(self, queue: deque[Mutant], slices: Mapping[Mutant, list[Slice]]) -> list[Run]:
        """The next mutants of the queue, each with its most promising slice for the time."""
        batch: list[Run] = []
        seconds = 0.0
        while queue and len(batch) < _BATCH_SIZE and seconds <= _BATCH_SECONDS:
            mutant = queue.popleft()
            slice_ = max(
                slices[mutant],
                key=lambda each: self._kill_rates.of(mutant, each) / (self._seconds[each] + 0.002),
            )
            slices[mutant].remove(slice_)
            batch.append((mutant, slice_))
            seconds += self._seconds[slice_]
        return batch

    def _run_batch(self, batch: Sequence[Run]) -> list[tuple[Mutant, Slice, Verdict]]:
        """A verdict on each run, even if one of them does not end."""
        written = [self._sandbox.write_test(slice_, mutant) for mutant, slice_ in batch]
        expected = sum(self._seconds[slice_] for _, slice_ in batch)
        timeout = _MIN_TIMEOUT + _TIMEOUT_FACTOR * expected
        verdicts: list[Verdict] = []
        while len(verdicts) < len(batch):
            files = [test for test, *_ in written[len(verdicts) :]]
            more = self._promtool.test(files, timeout)
            if not more:
                raise InputError(f"promtool gave no verdict:\n{self._promtool.output(files[0])}")
            verdicts += more
        for path in (path for paths in written for path in paths):
            path.unlink()
        return [(*run, verdict) for run, verdict in zip(batch, verdicts, strict=True)]


def _check(mutant: Mutant, slice_: Slice, verdict: Verdict) -> None:
    if not verdict.passed and not verdict.is_kill:
        raise InputError(
            f"{slice_.case.place}: promtool cannot run this test with a mutant of "
            f"{mutant.rule.name} ({mutant.description}):\n{verdict.message}"
        )


class _KillRates:
    """How likely a slice kills a mutant, by the runs of similar ones."""

    def __init__(self) -> None:
        self._seen: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0])

    def of(self, mutant: Mutant, slice_: Slice) -> float:
        expects_firing = slice_.expects_firing(mutant.rule)
        killed, runs = 0.5 if expects_firing or not mutant.rule.is_alert else 0.1, 1.0
        for weight, key in self._keys(mutant, slice_):
            seen_killed, seen_runs = self._seen[key]
            killed, runs = killed + weight * seen_killed, runs + weight * seen_runs
        in_text = mutant.operator in ("label", "annotation")
        return killed / runs / (100 if in_text and not expects_firing else 1)

    def add(self, mutant: Mutant, slice_: Slice, *, killed: bool) -> None:
        for _, key in self._keys(mutant, slice_):
            self._seen[key][0] += killed
            self._seen[key][1] += 1

    def _keys(self, mutant: Mutant, slice_: Slice) -> Iterator[tuple[int, tuple[object, ...]]]:
        """What similar runs share, with its weight."""
        yield 4, (mutant.operator, mutant.rule, slice_)
        yield 1, (mutant.operator, slice_.case.title)
