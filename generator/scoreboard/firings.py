"""When each alert fires in a scenario, found with the real promtool."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

from generator.errors import InputError
from generator.scenarios.render import WATCHDOG, expectation
from generator.scoreboard.notifications import Firing, Labels
from generator.thresholds.units import Unit
from generator.thresholds.units import parse as parse_unit
from generator.yamlfile import dump

_SAMPLE: Final = re.compile(r"\{([^{}]*)\} ([0-9.]+E[+-][0-9]+)")
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


class PromtoolError(InputError):
    """promtool cannot be run or rejects its input; the message says why."""


def nothing_fires(end: int, interval: int) -> list[dict[str, Any]]:
    """Expects at each evaluation that nothing fires, so that promtool prints what does."""
    firing = f'ALERTS{{alertstate="firing",alertname!="{WATCHDOG}"}}'
    expr = f"max without (alertstate) (timestamp({firing}))"
    return [expectation(at, expr) for at in range(0, end + interval, interval)]


def all_firings(promtool: Path, documents: Sequence[Mapping[str, Any]]) -> list[tuple[Firing, ...]]:
    """What fires in each test file, which expects `nothing_fires`; raises PromtoolError."""
    with (
        tempfile.TemporaryDirectory(prefix="scoreboard-") as folder,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        intervals = [parse_unit(each["evaluation_interval"], Unit.DURATION) for each in documents]
        paths = [Path(folder, f"{index}.yml") for index in range(len(documents))]
        for path, document in zip(paths, documents, strict=True):
            path.write_text(dump(document))
        return list(pool.map(partial(_run, promtool), paths, intervals))


def _run(promtool: Path, test: Path, interval: float) -> tuple[Firing, ...]:
    try:
        done = subprocess.run(  # noqa: S603  # the user's program
            [promtool, "test", "rules", test],
            env={**os.environ, "GOGC": "400"},
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise PromtoolError(f"{promtool}: {error.strerror or error}") from error
    if done.returncode == 0:
        return ()
    found = parse(done.stdout + done.stderr, interval)
    if not found:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise PromtoolError(f"{promtool} failed: {lines[-1] if lines else 'no output'}")
    return found


def parse(output: str, interval: float) -> tuple[Firing, ...]:
    """What promtool prints of `nothing_fires`, by the first moment."""
    times: dict[Labels, set[float]] = defaultdict(set)
    for labels, value in _SAMPLE.findall(output):
        times[Labels.of(dict(_LABEL.findall(labels)))].add(float(value))
    found = [
        Firing(labels, start, end)
        for labels, moments in times.items()
        for start, end in _stretches(moments, interval)
    ]
    return tuple(sorted(found, key=lambda each: each.start))


def _stretches(moments: Set[float], interval: float) -> Iterator[tuple[float, float]]:
    """The first moment and the one after the last of each stretch without a gap."""
    starts = sorted(each for each in moments if each - interval not in moments)
    ends = sorted(each + interval for each in moments if each + interval not in moments)
    return zip(starts, ends, strict=True)
