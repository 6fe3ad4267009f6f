"""The recipes "Add an alert" and "Remove an alert", carried out as their page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.live.promtool import run
from tests.live.waiting import HANGS
from tests.recipes import block, blocks, carry_out, changed, generator, git, repository

pytestmark = pytest.mark.xdist_group("recipe_alert")

PAGE, ADD = "alerts.md", "Add an alert"
TESTS = "promtool-tests/AuditorManyClients.yml"
# What somebody writes; the rest of the list is rendered.
WRITTEN = [
    "thresholds.yaml",
    *(each.before.split("`")[-2] for each in blocks(PAGE, ADD) if each.before.endswith("`:")),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = repository(tmp_path_factory.mktemp("recipe"))
    carry_out(folder, PAGE, ADD)
    generator(folder, "render")
    return folder


def test_the_files_that_change_are_those_that_the_page_names(copy: Path) -> None:
    assert changed(copy) == block(PAGE, ADD, "text").splitlines()


def test_four_places_are_written_by_hand(copy: Path) -> None:
    assert len(WRITTEN) == 4
    assert set(WRITTEN) <= set(changed(copy))


def test_what_was_rendered_is_up_to_date_and_without_a_note(copy: Path) -> None:
    assert generator(copy, "check").endswith("up to date\n")


def test_the_row_of_targets_is_in_the_table(copy: Path) -> None:
    assert "| `api.clients`" in (copy / "docs/targets.md").read_text()


def test_the_rule_tests_pass(copy: Path, any_promtool: Path) -> None:
    scenarios = list((copy / "promtool-tests/scenarios").glob("clients-pile-up.yml"))
    assert len(scenarios) == 1
    run(any_promtool, "test", "rules", copy / TESTS, *scenarios)


def test_no_mutant_survives(copy: Path, any_promtool: Path) -> None:
    command = ["mutation", "alerts/traffic.yml", "--tests", TESTS, "--only", "AuditorManyClients"]
    done = subprocess.run(
        [sys.executable, "-m", *command, "--promtool", str(any_promtool)],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b0 survived", done.stdout), done.stdout


@pytest.mark.full
def test_the_tests_need_no_edit(copy: Path) -> None:
    """Those of the thresholds, the alerts, the dashboards and the scenarios."""
    names = ("test_alerts.py", "test_dashboards.py", "thresholds/test_broken.py", "scenarios")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "0",
            *(f"tests/unit/{name}" for name in names),
        ],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_an_alert_that_is_half_removed_names_the_other_half(copy: Path) -> None:
    family = copy / WRITTEN[1]
    text = family.read_text()
    family.unlink()
    done = subprocess.run(
        [sys.executable, "-m", "generator", "render"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )
    family.write_text(text)
    assert (done.returncode, done.stdout) == (2, "")
    others = [each for each in WRITTEN if each != WRITTEN[1]]
    assert {line.split(":")[0] for line in done.stderr.splitlines()} == set(others)


def test_without_what_was_written_only_the_id_of_the_panel_is_left(
    copy: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    subprocess.run(["/usr/bin/env", "cp", "-a", copy, folder], check=True)
    for name in WRITTEN[1:]:
        (folder / name).unlink()
    git(folder, "checkout", "--", "thresholds.yaml")
    generator(folder, "render")
    assert changed(folder) == ["generator/panel_ids.yaml"]
    ids = yaml.safe_load((folder / "generator/panel_ids.yaml").read_text())
    assert "many_clients" in str(ids)
