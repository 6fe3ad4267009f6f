"""`docs/sidecar/add-a-metric.md`, carried out exactly as it is written, in a copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.bundle import ROOT
from tests.live.exporters.auditor import running, uvicorn
from tests.live.exporters.sidecar import sidecar
from tests.live.prometheus import free_port

PAGE = (ROOT / "docs/sidecar/add-a-metric.md").read_text()
METRIC = "auditor_worker_context_switches_total"
# Of the tests that the recipe runs, those that look at every metric.
EVERY_METRIC = "test_docs or test_pages or test_reader or (every_value and uvicorn-4)"
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".tools", ".hypothesis", ".*_cache", "__pycache__", "build"
)


class Edit(NamedTuple):
    """Lines of a file, which are there once, and what they become."""

    file: str
    before: str
    after: str


def edits() -> Iterator[Edit]:
    """Each block that is a diff, of the file that the page named last."""
    file = ""
    for name, diff in re.findall(
        r"In `([\w/.]+)`:|^```diff\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE
    ):
        if name:
            file = name
            continue
        lines = diff.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line.startswith(" "))
        yield Edit(file, before, "".join(line[1:] for line in lines))


EDITS = list(edits())
(COMMANDS,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
(FILES,) = re.findall(r"^```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


class Copy:
    """The repository in a folder of its own, committed, with the environment of this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
        self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Before")
        # A folder of links: whatever make might do to `.venv`, it does to them alone.
        (folder / ".venv").mkdir()
        for entry in Path(sys.prefix).iterdir():
            if entry.name != ".installed":
                (folder / ".venv" / entry.name).symlink_to(entry)
        (folder / ".venv/.installed").touch()

    def git(self, *arguments: str) -> str:
        user = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        return self._run(["/usr/bin/env", "git", *user, *arguments]).stdout

    def apply(self, wanted: Sequence[Edit]) -> None:
        for file, before, after in wanted:
            path = self.folder / file
            text = path.read_text()
            assert f"\n{text}".count(f"\n{before}") == 1, f"not once in {file}: {before}"
            path.write_text(f"\n{text}".replace(f"\n{before}", f"\n{after}")[1:])

    def run(self, commands: str, *, fails: bool = False) -> str:
        done = self._run(["/bin/bash", "-euc", commands], fails=fails)
        return done.stdout + done.stderr

    def _run(self, command: list[str], *, fails: bool = False) -> subprocess.CompletedProcess[str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=own | {"PYTEST_ADDOPTS": f"-k '{EVERY_METRIC}'"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "copy")


def test_the_recipe(copy: Copy, tmp_path: Path) -> None:
    copy.apply(EDITS)
    copy.run(COMMANDS)
    assert copy.git("status", "--short").replace(" M ", "") == FILES
    copy.run(".venv/bin/ruff check && .venv/bin/ruff format --check")
    port, folder = free_port(), tmp_path / "metrics"
    folder.mkdir()
    with (
        running(uvicorn(port, 2), port, folder),
        sidecar("--port", str(port), log=tmp_path / "log", cwd=copy.folder) as side,
    ):
        found = side.values(METRIC)
        assert found.keys() == {"0", "1"}
        assert all(found.values())


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("exporters/contract.py", "'exporters.contract' has no attribute 'CONTEXT_SWITCHES'"),
        ("exporters/proc/parse.py", "'exporters.proc.parse' has no attribute 'parse_context_s"),
        ("exporters/proc/reader.py", "'WorkerSample' object has no attribute 'context_switches'"),
        ("tests/live/exporters/kernel.py", f"kernel.py does not read {METRIC}"),
    ],
    ids=["contract", "parse", "reader", "kernel"],
)
def test_a_missing_step_is_named(copy: Copy, file: str, message: str) -> None:
    copy.apply([edit for edit in EDITS if edit.file != file])
    tests = "tests/unit/exporters/proc/test_reader.py tests/unit/exporters/test_pages.py"
    assert message in copy.run(f".venv/bin/pytest {tests}", fails=True)


def test_a_page_that_is_not_rendered_is_named(copy: Copy) -> None:
    copy.apply(EDITS)
    difference = copy.run(".venv/bin/python -m generator check", fails=True)
    assert "docs/sidecar/series.md" in difference
    assert METRIC in difference
