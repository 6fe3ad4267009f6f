"""The recipe "Add an environment", carried out as its page says."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml

from tests.live.promtool import run
from tests.recipes import block, changed, generator, repository

pytestmark = pytest.mark.xdist_group("recipe_environment")

PAGE = "environments.md"
OVERLAY = "deploy/overlays/qa.yaml"
# What the overlay gives other numbers; test_promtool.py runs all tests of every overlay.
CHANGED = ("AuditorHighLatency", "AuditorHighErrorRate", "AuditorLatencyBudgetFastBurn")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = repository(tmp_path_factory.mktemp("recipe"))
    (folder / OVERLAY).write_text(block(PAGE, "Add an environment", "yaml"))
    render, test = block(PAGE, "Add an environment", "sh").splitlines()
    python, module, name, *arguments = shlex.split(render)
    assert (python, module, name) == (".venv/bin/python", "-m", "generator")
    assert test == "promtool test rules build/qa/promtool-tests/*.yml"
    generator(folder, *arguments)
    return folder


def test_the_overlay_is_the_only_file_to_commit(copy: Path) -> None:
    assert changed(copy) == [OVERLAY]


def test_the_rules_have_the_numbers_of_the_environment(copy: Path) -> None:
    latency = (copy / "build/qa/alerts/latency.yml").read_text()
    assert "environment: qa" in latency
    assert "> 2.5\n" in latency
    assert "> 2.5\n" not in (copy / "alerts/latency.yml").read_text()
    (errors,) = yaml.safe_load((copy / "build/qa/alerts/error.yml").read_text())["groups"]
    found = [each for each in errors["rules"] if each.get("alert") == "AuditorHighErrorRate"]
    assert [each["labels"]["severity"] for each in found] == ["warning"]


@pytest.mark.parametrize("name", CHANGED)
def test_the_tests_of_the_environment_pass(copy: Path, any_promtool: Path, name: str) -> None:
    run(any_promtool, "test", "rules", copy / f"build/qa/promtool-tests/{name}.yml")
