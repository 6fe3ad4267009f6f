"""The command `mutate`."""

from __future__ import annotations

import argparse
import gc
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from generator.files import write
from generator.mutation.documents import SuiteError
from generator.mutation.excuses import Excuse, read_excuses, rotten
from generator.mutation.hunt import Hunt, Result
from generator.mutation.mutants import Mutant, mutants
from generator.mutation.promtool import Promtool
from generator.mutation.reach import InputLabels
from generator.mutation.report import Report
from generator.mutation.scaffold import Scaffold
from generator.mutation.suite import Rule, Suite, read_suite

_TESTS: Final = "promtool-tests/*.yml"
_RULES: Final = "alerts/*.yml"
_EXCUSES: Final = Path("mutation-excuses.yaml")
_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # a folder of our own is made in it
_ENOUGH: Final = 2 * 2**30


def run_mutate(arguments: argparse.Namespace) -> bool:
    """Whether no mutant survives unexcused.

    Raises SuiteError, ConfigError and UnreadableError.
    """
    gc.enable()
    began = time.monotonic()
    suite = _suite(arguments)
    excuses = _excuses(arguments)
    chosen = list(_chosen(suite, arguments))
    if not chosen:
        raise SuiteError(f"no rule is named {' or '.join(arguments.only)}")
    path = _promtool(arguments.promtool)
    with tempfile.TemporaryDirectory(prefix="mutate-", dir=_place()) as folder:
        promtool = Promtool(path, Path(folder))
        results = _hunt(promtool, suite, chosen, arguments.jobs)
    complete = not arguments.only and not arguments.sample
    return _tell(arguments, Report(results, excuses), complete, time.monotonic() - began)


def _suite(arguments: argparse.Namespace) -> Suite:
    if arguments.tests:
        return read_suite(arguments.tests, arguments.rules)
    tests = sorted(Path().glob(_TESTS))
    if not tests:
        raise SuiteError(f"found no {_TESTS} here, expected the bundle's folder or test files")
    return read_suite(tests, [*sorted(Path().glob(_RULES)), *arguments.rules])


def _excuses(arguments: argparse.Namespace) -> tuple[Excuse, ...]:
    if arguments.excuses:
        return read_excuses(arguments.excuses)
    return read_excuses(_EXCUSES) if not arguments.tests and _EXCUSES.exists() else ()


def _chosen(suite: Suite, arguments: argparse.Namespace) -> Iterable[tuple[Rule, Mutant]]:
    patterns: Sequence[str] = arguments.only or ["*"]
    labels = InputLabels(suite)
    found = [
        (rule, mutant)
        for rule in suite.rules
        if any(fnmatchcase(rule.name, pattern) for pattern in patterns)
        for mutant in mutants(rule.body, labels)
    ]
    if not arguments.sample or arguments.sample >= len(found):
        return found
    picked = random.Random(arguments.seed).sample(range(len(found)), arguments.sample)  # noqa: S311
    return [found[index] for index in sorted(picked)]


def _promtool(named: str | None) -> str:
    if named:
        found = shutil.which(named)
        if not found:
            raise SuiteError(f"{named}: found no program, expected promtool")
        return str(Path(found).resolve())
    on_path = shutil.which("promtool")
    if on_path:
        return on_path
    fetched = sorted(Path(".tools/bin").glob("promtool-*"))
    if not fetched:
        raise SuiteError("found no promtool on PATH, expected one there or by --promtool PATH")
    return str(fetched[-1].resolve())


def _place() -> Path | None:
    """Memory where there is enough of it: promtool makes a database for every case."""
    try:
        return _MEMORY if shutil.disk_usage(_MEMORY).free >= _ENOUGH else None
    except OSError:
        return None


def _hunt(
    promtool: Promtool, suite: Suite, chosen: Sequence[tuple[Rule, Mutant]], jobs: int
) -> list[Result]:
    files = [test.path for test in suite.tests]
    with ThreadPoolExecutor(jobs) as pool:
        verdicts_of_files = pool.map(promtool.test, [[each] for each in files])
        for file, verdicts in zip(files, verdicts_of_files, strict=True):
            if [each.passed for each in verdicts] != [True]:
                raise SuiteError(f"{file} fails without any mutant:\n{promtool.words(file)}")
    progress = _Progress(len(chosen))
    hunt = Hunt(promtool, Scaffold(suite), jobs, progress.tell)
    hunt.prove()
    results = hunt.run(chosen)
    progress.end()
    return results


class _Progress:
    """A line on a terminal that says how far it is."""

    def __init__(self, count: int) -> None:
        self._count, self._done, self._survived = count, 0, 0
        self._shown = sys.stderr.isatty()

    def tell(self, result: Result) -> None:
        self._done += 1
        self._survived += result.survived
        if self._shown:
            said = f"{self._done} of {self._count} mutants, {self._survived} survived"
            print(f"\r{said}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr)


def _tell(arguments: argparse.Namespace, report: Report, complete: bool, seconds: float) -> bool:
    for line in report.lines():
        print(line)
    print(f"took {seconds:.0f} s", file=sys.stderr)
    problems = list(rotten(report.excuses, report.results, complete=complete))
    for problem in problems:
        print(problem, file=sys.stderr)
    if arguments.json:
        document = {**report.document(), "seconds": round(seconds, 1)}
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        write(arguments.json.parent, {arguments.json.name: text})
    return not report.survivors and not problems
