"""Every command of the README, run as printed there, in a copy of the checkout."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.bundle import ROOT
from tests.live.waiting import HANGS

pytestmark = pytest.mark.xdist_group("readme")

README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.split("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
# What runs this very test, and what it would take to run it again.
BY_CI = "make test"


def test_the_readme_begins_with_the_two_commands() -> None:
    assert COMMANDS[:2] == ["make", BY_CI]
    assert BY_CI in (ROOT / ".ci/run").read_text()


@pytest.mark.parametrize("command", [each for each in dict.fromkeys(COMMANDS) if each != BY_CI])
def test_a_command_works_as_printed(checkout: Path, command: str) -> None:
    done = subprocess.run(
        ["/bin/bash", "-euc", command],
        cwd=checkout,
        env=os.environ | {"DEMO_ARGS": "--seconds 5"},  # or it would go on until Ctrl-C
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_target_the_readme_names_exists() -> None:
    listed = subprocess.run(
        ["/usr/bin/env", "make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    known = {line.split()[0] for line in listed.stdout.splitlines()}
    assert set(re.findall(r"`make ([a-z-]+)`", README)) <= known


def test_every_path_the_readme_links_exists() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target
