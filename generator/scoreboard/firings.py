"""When each alert first fires in a scenario, found with the real promtool."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from generator.errors import InputError
from generator.scenarios.render import WATCHDOG, expectation
from generator.thresholds.units import format_duration
from generator.yamlfile import dump

_SAMPLE: Final = re.compile(r"\{([^{}]*)\} ([0-9.]+E[+-][0-9]+)")
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


class PromtoolError(InputError):
    """promtool cannot be run or rejects its input; the message says why."""


@dataclass(frozen=True)
class FirstFiring:
    """An alert and the second at which it first fires. The guide's rules have no severity."""

    alert: str
    instance: str
    severity: str
    at: float

    @property
    def name(self) -> str:
        return f"{self.alert} ({self.severity})" if self.severity else self.alert


def nothing_fired(end: int, interval: int) -> dict[str, Any]:
    """Expects that nothing ever fired, so that promtool prints what did, and since when."""
    span = f"{format_duration(end + interval)}:{format_duration(interval)}"
    firing = f'ALERTS{{alertstate="firing",alertname!="{WATCHDOG}"}}'
    expr = f"min by (alertname, instance, severity) (min_over_time(timestamp({firing})[{span}]))"
    return expectation(end, expr)


def first_firings(
    promtool: Path, documents: Sequence[Mapping[str, Any]]
) -> list[tuple[FirstFiring, ...]]:
    """What fires in each test file, which expects `nothing_fired`; raises PromtoolError."""
    with (
        tempfile.TemporaryDirectory(prefix="scoreboard-") as folder,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        paths = [Path(folder, f"{index}.yml") for index in range(len(documents))]
        for path, document in zip(paths, documents, strict=True):
            path.write_text(dump(document))
        return list(pool.map(lambda path: _run(promtool, path), paths))


def _run(promtool: Path, test: Path) -> tuple[FirstFiring, ...]:
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
    found = parse(done.stdout + done.stderr)
    if not found:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise PromtoolError(f"{promtool} failed: {lines[-1] if lines else 'no output'}")
    return found


def parse(output: str) -> tuple[FirstFiring, ...]:
    """The samples that promtool prints after `got:`."""
    _, _, got = output.partition("got:")
    found = []
    for labels, value in _SAMPLE.findall(got):
        known = dict(_LABEL.findall(labels))
        alert, instance, severity = (
            known.get(name, "") for name in ("alertname", "instance", "severity")
        )
        found.append(FirstFiring(alert, instance, severity, float(value)))
    return tuple(found)
