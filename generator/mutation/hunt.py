"""The hunt: every mutant is run against the cases that can notice it, until one does."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final

from generator.mutation.documents import SuiteError
from generator.mutation.mutants import Mutant
from generator.mutation.promtool import Promtool, Verdict
from generator.mutation.scaffold import Scaffold, Unit, Workshop
from generator.mutation.suite import Rule

# A process runs so many test files, or what takes so long, at most.
_MOST_RUNS: Final = 100
_LONGEST: Final = 1.0
# How much longer than the unchanged rules' a mutant's case may take, and at least how long.
_SLOWER, _PATIENCE = 50, 60.0
_TEXTS: Final = ("label", "annotation")


@dataclass(frozen=True, eq=False)
class Subject:
    """A mutant of a rule on its way; `units` are those that it has not yet been run against."""

    rule: Rule
    mutant: Mutant
    units: list[Unit] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """What became of a mutant: `by` is the case that noticed it, `invalid` why it is no rule."""

    rule: Rule
    mutant: Mutant
    by: Unit | None = None
    invalid: str = ""
    untouched: bool = False

    @property
    def survived(self) -> bool:
        return self.by is None and not self.invalid


class Hunt:
    """Runs mutants against units; `jobs` processes at a time, `tell` hears of every result."""

    def __init__(
        self, promtool: Promtool, scaffold: Scaffold, jobs: int, tell: Callable[[Result], None]
    ) -> None:
        self._promtool, self._scaffold, self._jobs, self._tell = promtool, scaffold, jobs, tell
        self._workshop = Workshop(promtool.folder)
        self._seconds: dict[Unit, float] = {}
        self._odds = _Odds()

    def prove(self) -> None:
        """Run every unit with the rules unchanged, in the very form that the mutants will have.

        Raises SuiteError where one fails, which the whole test file does not.
        """
        units = self._scaffold.units
        with ThreadPoolExecutor(self._jobs) as pool:
            parts = [units[start :: self._jobs] for start in range(self._jobs)]
            for part, verdicts in zip(parts, pool.map(self._proven, parts), strict=True):
                for unit, verdict in zip(part, verdicts, strict=True):
                    if not verdict.passed:
                        raise SuiteError(
                            f"{unit.case.place}: passes in its file, yet not alone with the rules "
                            f"that it reads:\n{verdict.said}"
                        )
                    self._seconds[unit] = verdict.seconds

    def _proven(self, units: Sequence[Unit]) -> list[Verdict]:
        verdicts = self._promtool.test([self._workshop.test(unit)[0] for unit in units])
        if len(verdicts) != len(units):
            raise SuiteError(f"promtool gave {len(verdicts)} verdicts on {len(units)} tests")
        return verdicts

    def run(self, found: Iterable[tuple[Rule, Mutant]]) -> list[Result]:
        """The results in the order of the mutants; raises SuiteError."""
        subjects = [
            Subject(rule, mutant, list(self._scaffold.of_rule[rule])) for rule, mutant in found
        ]
        results = dict(self._invalid(subjects))
        waiting: list[Subject] = []
        for subject in subjects:
            if subject in results:
                continue
            if subject.units:
                waiting.append(subject)
            else:
                results[subject] = Result(subject.rule, subject.mutant, untouched=True)
        for result in results.values():
            self._tell(result)
        results.update(self._hunted(waiting))
        return [results[subject] for subject in subjects]

    def _invalid(self, subjects: Sequence[Subject]) -> Iterator[tuple[Subject, Result]]:
        files = [self._workshop.alone(each.mutant.body) for each in subjects]
        verdicts = self._promtool.check(files)
        for subject, file, verdict in zip(subjects, files, verdicts, strict=True):
            file.unlink()
            if not verdict.passed:
                said = (verdict.said or "").replace(f"{file}: ", "").strip()
                yield subject, Result(subject.rule, subject.mutant, invalid=said)

    def _hunted(self, subjects: Iterable[Subject]) -> Iterator[tuple[Subject, Result]]:
        waiting = deque(subjects)
        random.Random(0).shuffle(waiting)  # noqa: S311  # so that each batch learns of many kinds
        running: set[Future[list[tuple[Subject, Unit, Verdict]]]] = set()
        with ThreadPoolExecutor(self._jobs) as pool:
            while waiting or running:
                while waiting and len(running) < self._jobs:
                    running.add(pool.submit(self._batch, list(self._next(waiting))))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    for subject, unit, verdict in future.result():
                        result = self._judged(subject, unit, verdict)
                        if result is None:
                            waiting.append(subject)
                        else:
                            self._tell(result)
                            yield subject, result

    def _next(self, waiting: deque[Subject]) -> Iterator[tuple[Subject, Unit]]:
        """A batch of what is waiting, each with the unit that promises most for its time."""
        seconds = 0.0
        for _ in range(min(_MOST_RUNS, len(waiting))):
            subject = waiting.popleft()
            unit = max(
                subject.units,
                key=lambda each: self._odds.of(subject, each) / (self._seconds[each] + 0.002),
            )
            subject.units.remove(unit)
            yield subject, unit
            seconds += self._seconds[unit]
            if seconds > _LONGEST:
                return

    def _batch(self, runs: Sequence[tuple[Subject, Unit]]) -> list[tuple[Subject, Unit, Verdict]]:
        """A verdict on each run, also where one of them brings the process to its end."""
        written = [
            self._workshop.test(unit, subject.rule, subject.mutant.body) for subject, unit in runs
        ]
        patience = max(_PATIENCE, _SLOWER * max(self._seconds[unit] for _, unit in runs))
        verdicts: list[Verdict] = []
        while len(verdicts) < len(runs):
            files = [own[0] for own in written[len(verdicts) :]]
            new = self._promtool.test(files, patience)
            if not new:
                raise SuiteError(f"promtool gave no verdict:\n{self._promtool.words(files[0])}")
            verdicts += new
        for path in (path for own in written for path in own):
            path.unlink()
        return [(*run, verdict) for run, verdict in zip(runs, verdicts, strict=True)]

    def _judged(self, subject: Subject, unit: Unit, verdict: Verdict) -> Result | None:
        """None while other units are left that may notice."""
        if not verdict.passed and not verdict.by_assertion:
            raise SuiteError(
                f"{unit.case.place}: promtool cannot run it with a mutant of {subject.rule.name} "
                f"({subject.mutant.what}):\n{verdict.said}"
            )
        self._odds.learn(subject, unit, killed=not verdict.passed)
        if not verdict.passed:
            return Result(subject.rule, subject.mutant, by=unit)
        return None if subject.units else Result(subject.rule, subject.mutant)


class _Odds:
    """How likely a unit notices a mutant, by what it and its like noticed before."""

    def __init__(self) -> None:
        self._seen: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0])

    def of(self, subject: Subject, unit: Unit) -> float:
        fires = unit.fires(subject.rule)
        killed, runs = (0.5, 1.0) if fires or not subject.rule.alerts else (0.1, 1.0)
        for weight, key in self._keys(subject, unit):
            each_killed, each_runs = self._seen[key]
            killed, runs = killed + weight * each_killed, runs + weight * each_runs
        return killed / runs if fires or subject.mutant.kind not in _TEXTS else killed / runs / 100

    def learn(self, subject: Subject, unit: Unit, *, killed: bool) -> None:
        for _, key in self._keys(subject, unit):
            self._seen[key][0] += killed
            self._seen[key][1] += 1

    def _keys(self, subject: Subject, unit: Unit) -> Iterator[tuple[int, tuple[object, ...]]]:
        """What it was like, with its weight: the very unit, or one of the same title."""
        kind = subject.mutant.kind
        yield 4, (kind, subject.rule, unit)
        yield 1, (kind, unit.case.title)
