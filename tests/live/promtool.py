"""Running promtool on rendered files, and on as little of them as says the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from generator.mutation.scaffold import Unit, Workshop, whole
from generator.mutation.suite import read_suite
from generator.thresholds.levels import Unit as Kind
from generator.thresholds.units import parse

NICE = shutil.which("nice") or "nice"


def run(*command: str | Path) -> None:
    """One processor at most, and that only while nobody else wants it: other tests are timed."""
    # Memory for speed: a quarter less time.
    environment = {**os.environ, "GOGC": "400", "GOMAXPROCS": "1"}
    done = subprocess.run(
        [NICE, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def cases(tests: Iterable[Path], bundle: Path, *, texts_alone: bool = False) -> list[Path]:
    """Each case in a file of its own, over the rules alone that it reads: in a third of the time.

    Where only texts are new, the shortest cases that show those of every severity.
    """
    folder = bundle / "cases"
    folder.mkdir()
    workshop = Workshop(folder)
    units = list(whole(read_suite(tests)))
    return [workshop.test(unit)[0] for unit in (_telling(units) if texts_alone else units)]


def _telling(units: Iterable[Unit]) -> Iterable[Unit]:
    shortest: dict[tuple[str, str], tuple[float, Unit]] = {}
    for unit in units:
        asserted = unit.case.body.get("alert_rule_test", ())
        length = max((parse(each["eval_time"], Kind.DURATION) for each in asserted), default=0)
        for each in asserted:
            for alert in each["exp_alerts"]:
                key = each["alertname"], alert["exp_labels"]["severity"]
                if key not in shortest or length < shortest[key][0]:
                    shortest[key] = length, unit
    return dict.fromkeys(unit for _, unit in shortest.values())
