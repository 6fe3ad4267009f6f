"""The incident scenarios on the real promtool, with the committed rules and with others."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from generator import rules
from generator.alerts import all_alerts, all_recordings
from generator.scenarios import all_scenarios
from generator.scenarios.render import FOLDER
from generator.scenarios.render import render as render_scenarios
from generator.thresholds import Thresholds, load
from tests import tools
from tests.bundle import FILE, ROOT, alerts, text, thresholds
from tests.changes import everything_larger, everything_shorter
from tests.live.test_promtool import run
from tests.tools.skipping import had

TESTS = sorted((ROOT / FOLDER).glob("*.yml"))


@pytest.fixture(scope="module", params=(tools.PROMTOOLS[0], tools.PROMTOOLS[-1]))
def edge_promtool(request: pytest.FixtureRequest) -> Path:
    """The oldest and the newest promtool that the rules promise to work with."""
    return had(request.param)


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_an_incident_is_told_of_and_a_quiet_course_is_not(edge_promtool: Path, test: Path) -> None:
    run(edge_promtool, "test", "rules", test)


def test_there_is_a_file_for_every_scenario() -> None:
    names = {each.name for each in all_scenarios(thresholds(), alerts())}
    assert {path.stem for path in TESTS} == names


def written(folder: Path, changed: Thresholds) -> list[Path]:
    """The scenarios of other thresholds, beside their rules."""
    found = all_alerts(changed)
    recordings = all_recordings(changed, found)
    tests = render_scenarios(changed, all_scenarios(changed, found), found, recordings)
    for path, content in {**rules.render(changed, found, recordings), **tests}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return [folder / path for path in tests]


def passes(promtool: Path, tests: list[Path]) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda path: run(promtool, "test", "rules", path), tests))


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [everything_larger(), everything_shorter()], ids=["larger", "shorter"]
)
def test_another_file_of_thresholds_needs_no_second_edit(
    change: str, any_promtool: Path, tmp_path: Path
) -> None:
    passes(any_promtool, written(tmp_path, load(text(), FILE, [("change.yaml", change)])))


@pytest.mark.slow
@pytest.mark.parametrize(
    "overlay", sorted((ROOT / "deploy/overlays").iterdir()), ids=lambda path: path.name
)
def test_an_overlay_needs_no_second_edit(overlay: Path, any_promtool: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "generator", "render", "--overlay", overlay, "--out", tmp_path)
    passes(any_promtool, sorted((tmp_path / FOLDER).glob("*.yml")))


@pytest.mark.parametrize(
    ("scenario", "file", "rule", "worse"),
    [
        ("errors-after-a-release", "error", "ratio5m > 0.05\n", "ratio5m > 0.5\n"),
        ("the-service-is-down", "availability", "    for: 1m\n", "    for: 5m\n"),
        ("a-worker-leaks-fast", "memory", "min5m_deriv15m > ", "min5m_deriv15m < "),
        ("a-nightly-batch", "saturation", "    for: 15m\n", ""),
        ("a-deploy-is-rolled-back", "workers", "increase15m > 2\n", "increase15m > 1\n"),
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


@pytest.mark.slow
def test_the_committed_scoreboard_is_what_is_measured(tmp_path: Path) -> None:
    """By the promtool of `make scoreboard`: another version may differ by one evaluation."""
    promtool = had(tools.PROMTOOLS[-1])
    run(sys.executable, "-m", "generator", "scoreboard", "--promtool", promtool, "--out", tmp_path)
    page = "docs/scoreboard.md"
    assert (tmp_path / page).read_text() == (ROOT / page).read_text()
