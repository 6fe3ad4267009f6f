"""The recipe "Add a metric to the sidecar", carried out as its page says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.live.exporters.auditor import running, uvicorn
from tests.live.exporters.sidecar import sidecar
from tests.live.prometheus import free_port
from tests.live.waiting import HANGS
from tests.recipes import block, changed, edit, generator, repository

pytestmark = pytest.mark.xdist_group("recipe_sidecar")

PAGE = "sidecar/add-a-metric.md"
METRIC = "auditor_worker_context_switches_total"
UNIT = "tests/unit/exporters"
STEPS = ("Declare it", "Read it", "Test it")
EDITS = [
    diff
    for step in STEPS
    for diff in re.split(r"^(?=--- )", block(PAGE, step, "diff"), flags=re.MULTILINE)[1:]
]


def edited(folder: Path, edits: Iterable[str]) -> Path:
    copy = repository(folder)
    for diff in edits:
        edit(copy, diff)
    return copy


def run(copy: Path, *command: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = edited(tmp_path_factory.mktemp("recipe"), EDITS)
    generator(folder, "render")
    return folder


def test_the_files_that_change_are_those_that_the_page_names(copy: Path) -> None:
    assert changed(copy) == block(PAGE, "Render it", "text").splitlines()


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "exporters", "tests/live/exporters"),
        ("ruff", "format", "--check", "exporters", "tests/live/exporters"),
        ("pytest", f"{UNIT}/test_docs.py", f"{UNIT}/test_pages.py", f"{UNIT}/proc/test_reader.py"),
        ("pytest", "tests/live/exporters/test_workers.py", "-k", "every_value and uvicorn-4"),
    ],
    ids=" ".join,
)
def test_a_check_passes(copy: Path, command: tuple[str, ...]) -> None:
    code, output = run(copy, *command)
    assert code == 0, output


def test_the_sidecar_serves_the_metric(copy: Path, tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "metrics"
    folder.mkdir()
    with (
        running(uvicorn(port, 2), port, folder),
        sidecar("--port", str(port), log=tmp_path / "log", cwd=copy) as side,
    ):
        found = side.values(METRIC)
        assert found.keys() == {"0", "1"}
        assert all(found.values())


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("contract.py", "'exporters.contract' has no attribute 'CONTEXT_SWITCHES'"),
        ("parse.py", "'exporters.proc.parse' has no attribute 'parse_context_switches'"),
        ("reader.py", "'WorkerSample' object has no attribute 'context_switches'"),
        ("kernel.py", f"kernel.py does not read {METRIC}"),
    ],
)
def test_a_missing_step_is_named(tmp_path: Path, file: str, message: str) -> None:
    copy = edited(tmp_path, (each for each in EDITS if f"/{file}\n" not in each))
    code, output = run(copy, "pytest", f"{UNIT}/test_pages.py", f"{UNIT}/proc/test_reader.py")
    assert code == 1
    assert message in output


def test_a_page_that_is_not_rendered_is_named(tmp_path: Path) -> None:
    code, output = run(edited(tmp_path, EDITS), "generator", "check")
    assert code == 1
    assert "docs/sidecar/series.md" in output
    assert METRIC in output
