"""One run: read the suite, make the mutants, run them, report."""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from mutation.dependencies import InputLabels
from mutation.errors import InputError
from mutation.excuses import read_excuses, stale_excuses
from mutation.mutants import Mutant, mutants
from mutation.promtool import Promtool
from mutation.report import Report
from mutation.runner import Result, Runner
from mutation.slices import slices_by_rule
from mutation.suite import Rule, Suite, read_suite

_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # a folder of our own is made in it
_ENOUGH_MEMORY: Final = 2 * 2**30

# Called with each result and the number of mutants.
Progress = Callable[[Result, int], None]


def run(arguments: argparse.Namespace, progress: Progress) -> tuple[Report, list[str]]:
    """The report, and what is wrong with the excuses; raises OSError and InputError."""
    suite = read_suite(arguments.tests, arguments.rules)
    excuses = read_excuses(arguments.excuses) if arguments.excuses else ()
    rules = _selected(suite, arguments.rules, arguments.only)
    if not rules:
        raise InputError(f"no rule to mutate is named {' or '.join(arguments.only or '*')}")
    labels = InputLabels(suite)
    found = [mutant for rule in rules for mutant in mutants(rule, labels)]
    chosen = _sample(found, arguments.sample, arguments.seed)
    by_rule = slices_by_rule(suite)
    slices = {rule: by_rule[rule] for rule in rules}
    program = _find_promtool(arguments.promtool)
    with tempfile.TemporaryDirectory(prefix="mutation-", dir=_temporary_root()) as folder:
        promtool = Promtool(program, Path(folder))
        files = {slice_.file.path for rule in rules for slice_ in slices[rule]}
        _test_unchanged(promtool, sorted(files), arguments.jobs)
        runner = Runner(
            promtool, slices, arguments.jobs, lambda result: progress(result, len(chosen))
        )
        runner.run_baseline()
        results = runner.run(chosen)
    complete = len(rules) == len(suite.rules) and len(chosen) == len(found)
    return Report(results, excuses), list(stale_excuses(excuses, results, complete=complete))


def _selected(suite: Suite, files: Iterable[Path], names: Sequence[str]) -> list[Rule]:
    wanted = {path.resolve() for path in files}
    return [
        rule
        for rule in suite.rules
        if (not wanted or rule.file.resolve() in wanted)
        and (not names or any(fnmatchcase(rule.name, name) for name in names))
    ]


def _sample(found: list[Mutant], size: int | None, seed: int) -> list[Mutant]:
    if not size or size >= len(found):
        return found
    indexes = random.Random(seed).sample(range(len(found)), size)  # noqa: S311
    return [found[index] for index in sorted(indexes)]


def _find_promtool(program: str) -> str:
    found = shutil.which(program)
    if not found:
        raise InputError(f"{program}: no such program; give the path of promtool with --promtool")
    return str(Path(found).resolve())


def _temporary_root() -> Path | None:
    """Memory if there is enough of it: promtool makes a database for every test case."""
    try:
        return _MEMORY if shutil.disk_usage(_MEMORY).free >= _ENOUGH_MEMORY else None
    except OSError:
        return None


def _test_unchanged(promtool: Promtool, files: Sequence[Path], jobs: int) -> None:
    with ThreadPoolExecutor(jobs) as pool:
        verdicts = pool.map(lambda file: promtool.test([file]), files)
        for file, found in zip(files, verdicts, strict=True):
            if [verdict.passed for verdict in found] != [True]:
                raise InputError(f"{file} fails on the unchanged rules:\n{promtool.output(file)}")
