"""The recipe "Add a panel", carried out as its page says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generator.panel_ids import PATH, committed, parse
from tests.recipes import block, changed, edit, generator, git, repository

pytestmark = pytest.mark.xdist_group("recipe_panel")

PAGE = "dashboards.md"
RECIPE = block(PAGE, "Add a panel", "diff")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = repository(tmp_path_factory.mktemp("recipe"))
    edit(folder, RECIPE)
    generator(folder, "render")
    return folder


def test_the_files_that_change_are_those_that_the_page_names(copy: Path) -> None:
    assert changed(copy) == block(PAGE, "Add a panel", "text").splitlines()


def test_the_new_panel_is_on_its_dashboard_with_the_next_id(copy: Path) -> None:
    board = json.loads((copy / "dashboards/system.json").read_text())
    panel = next(each for each in board["panels"] if each["title"] == "Virtual memory")
    before = committed().given["system"]["panels"]
    assert panel["id"] == max(before.values()) + 1
    now = parse((copy / PATH).read_text()).given["system"]["panels"]
    assert now == {**before, "virtual_memory": panel["id"]}
    (target,) = panel["targets"]
    assert target["expr"].endswith('{job=~"$job",instance=~"$instance",worker=~"$worker"}')


def test_what_was_rendered_is_up_to_date(copy: Path) -> None:
    assert "up to date" in generator(copy, "check")


def test_the_panel_can_be_removed_and_its_id_stays_taken(copy: Path) -> None:
    git(copy, "checkout", "--", "generator/dashboards/system.py")
    generator(copy, "render")
    assert changed(copy) == [PATH]
