"""The committed rules and their tests on every promtool that the machine can have."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import tools
from tests.bundle import ROOT
from tests.live.promtool import cases, run
from tests.tools.skipping import had

TESTS = sorted((ROOT / "promtool-tests").glob("*.yml"))
RULES = sorted((ROOT / "alerts").glob("*.yml"))


def test_rules_are_valid(promtool: Path) -> None:
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *RULES)


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_silent(any_promtool: Path, test: Path, tmp_path: Path) -> None:
    run(any_promtool, "test", "rules", *cases([test], tmp_path))


@pytest.mark.full
@pytest.mark.parametrize("version", tools.PROMTOOLS[:-1])
@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_silent_on_older_versions(
    version: str, test: Path, tmp_path: Path
) -> None:
    run(had(version), "test", "rules", *cases([test], tmp_path))


@pytest.mark.full
@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_a_committed_file_passes_as_it_is(any_promtool: Path, test: Path) -> None:
    run(any_promtool, "test", "rules", test)


def test_there_is_a_test_file_for_every_alert() -> None:
    assert len(TESTS) >= 30


@pytest.mark.full
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
