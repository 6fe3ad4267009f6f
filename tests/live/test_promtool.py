"""The committed rules and their tests on every promtool that the machine can have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bundle import ROOT

TESTS = sorted((ROOT / "promtool-tests").glob("*.yml"))
RULES = sorted((ROOT / "alerts").glob("*.yml"))


def run(*command: str | Path) -> None:
    environment = {**os.environ, "GOGC": "400"}  # memory for speed: a quarter less time
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_are_valid(promtool: Path) -> None:
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *RULES)


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_silent(promtool: Path, test: Path) -> None:
    run(promtool, "test", "rules", test)


def test_there_is_a_test_file_for_every_alert() -> None:
    assert len(TESTS) >= 30


@pytest.mark.slow
@pytest.mark.parametrize(
    "overlay", sorted((ROOT / "deploy/overlays").iterdir()), ids=lambda path: path.name
)
def test_an_overlay_brings_rules_and_tests_that_fit(
    overlay: Path, any_promtool: Path, tmp_path: Path
) -> None:
    run(sys.executable, "-m", "generator", "render", "--overlay", overlay, "--out", tmp_path)
    run(any_promtool, "test", "rules", *(tmp_path / "promtool-tests").glob("*.yml"))


def test_vmalert_accepts_the_rules(vmalert: Path) -> None:
    run(vmalert, "-dryRun", *(f"-rule={path}" for path in RULES))
