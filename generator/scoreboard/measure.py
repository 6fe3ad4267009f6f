"""When each alert first fires in a scenario, as the real promtool evaluates the rules."""

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
from generator.scenarios.render import WATCHDOG
from generator.thresholds.units import format_duration
from generator.yamlfile import dump

_SAMPLE: Final = re.compile(r"\{([^{}]*)\} ([0-9.]+E[+-][0-9]+)")
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


class PromtoolError(InputError):
    """promtool cannot be run, or refuses what it is given; the text says why."""


@dataclass(frozen=True)
class ExpectedAlert:
    """An alert and the second at which it first fires; a rule without a severity has none."""

    alert: str
    instance: str
    severity: str
    at: float


def question(end: int, interval: int) -> dict[str, Any]:
    """An expectation that nothing ever fired: promtool answers with what did, and since when."""
    span = f"{format_duration(end + interval)}:{format_duration(interval)}"
    fired = f'ALERTS{{alertstate="firing",alertname!="{WATCHDOG}"}}'
    return {
        "expr": (
            f"min by (alertname, instance, severity) (min_over_time(timestamp({fired})[{span}]))"
        ),
        "eval_time": format_duration(end),
        "exp_samples": [],
    }


def firings(
    promtool: Path, documents: Sequence[Mapping[str, Any]]
) -> list[tuple[ExpectedAlert, ...]]:
    """What fired in each test file, whose one expectation is `question`; as many at once as cores.

    Raises PromtoolError.
    """
    with (
        tempfile.TemporaryDirectory(prefix="scoreboard-") as folder,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        paths = [Path(folder, f"{index}.yml") for index in range(len(documents))]
        for path, document in zip(paths, documents, strict=True):
            path.write_text(dump(document))
        return list(pool.map(lambda path: _fired(promtool, path), paths))


def _fired(promtool: Path, test: Path) -> tuple[ExpectedAlert, ...]:
    try:
        done = subprocess.run(  # noqa: S603  # the program that the user named
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
        words = (done.stderr or done.stdout).strip().splitlines()
        raise PromtoolError(f"{promtool} failed: {words[-1] if words else 'it says nothing'}")
    return found


def parse(output: str) -> tuple[ExpectedAlert, ...]:
    """The samples that promtool `got`."""
    _, _, got = output.partition("got:")
    found = []
    for labels, value in _SAMPLE.findall(got):
        known = dict(_LABEL.findall(labels))
        alert, instance, severity = (
            known.get(name, "") for name in ("alertname", "instance", "severity")
        )
        found.append(ExpectedAlert(alert, instance, severity, float(value)))
    return tuple(found)
