"""The scenarios on the real promtool, with the committed rules and with others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from generator.scenarios import all_scenarios
from generator.scenarios.render import FOLDER
from tests import tools
from tests.bundle import ROOT, alerts, thresholds
from tests.live.promtool import run
from tests.tools.skipping import had

TESTS = sorted((ROOT / FOLDER).glob("*.yml"))
SCENARIOS = {each.name: each for each in all_scenarios(thresholds(), alerts())}
# Longer ones take promtool up to a quarter of a minute.
MOST_SECONDS = 3600
LONG = {name for name, each in SCENARIOS.items() if each.length > MOST_SECONDS}


@pytest.mark.parametrize(
    "test",
    [
        pytest.param(path, id=path.stem, marks=pytest.mark.full if path.stem in LONG else ())
        for path in TESTS
    ],
)
def test_incidents_are_detected_and_negative_scenarios_silent(
    any_promtool: Path, test: Path
) -> None:
    run(any_promtool, "test", "rules", test)


@pytest.mark.full
@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_the_oldest_promtool_agrees(test: Path) -> None:
    run(had(tools.PROMTOOLS[0]), "test", "rules", test)


def test_there_is_a_file_for_every_scenario() -> None:
    assert {path.stem for path in TESTS} == SCENARIOS.keys()


@pytest.mark.full
@pytest.mark.parametrize(
    ("scenario", "file", "rule", "worse"),
    [
        ("errors-after-a-release", "error", "ratio5m > 0.05\n", "ratio5m > 0.5\n"),
        ("service-is-down", "availability", "    for: 1m\n", "    for: 5m\n"),
        ("fast-memory-leak", "memory", "min5m_deriv15m > ", "min5m_deriv15m < "),
        ("nightly-batch", "saturation", "    for: 15m\n", ""),
        ("deploy-is-rolled-back", "workers", "increase15m > 2\n", "increase15m > 1\n"),
    ],
    ids=["blunt", "slow", "inverted", "hasty", "touchy"],
)
def test_a_scenario_notices_a_worse_rule(
    scenario: str, file: str, rule: str, worse: str, any_promtool: Path, tmp_path: Path
) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / "alerts").mkdir()
    for path in (ROOT / "alerts").iterdir():
        content = path.read_text()
        assert path.stem != file or rule in content
        changed = content.replace(rule, worse) if path.stem == file else content
        (tmp_path / "alerts" / path.name).write_text(changed)
    test = tmp_path / FOLDER / f"{scenario}.yml"
    test.write_text((ROOT / FOLDER / test.name).read_text())
    done = subprocess.run(
        [any_promtool, "test", "rules", test], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "FAILED" in done.stdout + done.stderr


@pytest.mark.full
def test_the_committed_scoreboard_is_what_is_measured(tmp_path: Path) -> None:
    """By the promtool of `make scoreboard`: another version may differ by one evaluation."""
    promtool = had(tools.PROMTOOLS[-1])
    run(sys.executable, "-m", "generator", "scoreboard", "--promtool", promtool, "--out", tmp_path)
    page = "docs/scoreboard.md"
    assert (tmp_path / page).read_text() == (ROOT / page).read_text()
