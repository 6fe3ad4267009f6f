"""The committed rules and their tests on every promtool that the machine can have."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from generator.mutation.scaffold import Unit, Workshop, whole
from generator.mutation.suite import read_suite
from generator.thresholds.levels import Unit as Kind
from generator.thresholds.units import parse
from tests import tools
from tests.bundle import ROOT
from tests.tools.skipping import had

NICE = shutil.which("nice") or "nice"
TESTS = sorted((ROOT / "promtool-tests").glob("*.yml"))
RULES = sorted((ROOT / "alerts").glob("*.yml"))


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


def test_rules_are_valid(promtool: Path) -> None:
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *RULES)


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_silent(any_promtool: Path, test: Path) -> None:
    run(any_promtool, "test", "rules", test)


@pytest.mark.parametrize("version", tools.PROMTOOLS[:-1])
@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_so_they_do_on_older_versions(version: str, test: Path, tmp_path: Path) -> None:
    run(had(version), "test", "rules", *cases([test], tmp_path))


def test_there_is_a_test_file_for_every_alert() -> None:
    assert len(TESTS) >= 30


@pytest.mark.parametrize(
    "overlay", sorted((ROOT / "deploy/overlays").iterdir()), ids=lambda path: path.name
)
def test_an_overlay_brings_rules_and_tests_that_fit(
    overlay: Path, any_promtool: Path, tmp_path: Path
) -> None:
    run(sys.executable, "-m", "generator", "render", "--overlay", overlay, "--out", tmp_path)
    run(
        any_promtool, "test", "rules", *cases((tmp_path / "promtool-tests").glob("*.yml"), tmp_path)
    )


def test_vmalert_accepts_the_rules(vmalert: Path) -> None:
    run(vmalert, "-dryRun", *(f"-rule={path}" for path in RULES))
