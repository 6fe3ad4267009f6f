"""The Makefile, the pinned requirements, the CI and the shell scripts agree with each other."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools import ROOT

REQUIREMENTS = (
    "requirements",
    "exporters/requirements",
    "mutation/requirements",
    "requirements-dev",
    "tests/tools/requirements",
)
IGNORED_FOLDERS = {".git", ".tools", ".venv"}


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def matches(path: str, pattern: str) -> list[str]:
    """What a pattern, in which ^ begins a line, finds in a file of the project."""
    return re.findall(pattern, (ROOT / path).read_text(), re.MULTILINE)


def phony_targets() -> list[str]:
    return " ".join(matches("Makefile", r"^\.PHONY: (.+)$")).split()


def helped_targets() -> list[str]:
    return [line.split()[0] for line in make("help").stdout.splitlines()]


def test_help_shows_every_target_and_no_other() -> None:
    assert len(helped_targets()) == len(set(helped_targets()))
    assert sorted(helped_targets()) == sorted(phony_targets())


@pytest.mark.parametrize("target", phony_targets())
def test_target_can_be_made(target: str) -> None:
    done = make("--dry-run", target)
    assert (done.returncode, done.stderr) == (0, "")


def test_plain_make_renders_everything() -> None:
    assert make("--dry-run").stdout.rstrip().endswith("python -m generator render")


def first_use(folder: Path, python: str) -> str:
    """What make says when it is to make its environment with this Python."""
    for name in ("Makefile", "requirements-dev.txt"):
        shutil.copy(ROOT / name, folder)
    done = make(f"PYTHON={python}", "lint", folder=folder)
    assert done.returncode == 2
    return done.stderr.splitlines()[0]


def fake_python(folder: Path, refused: str) -> str:
    """A Python that fails on code with the given word and would do nothing else."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\ncase "$*" in *{refused}*) exit 1;; esac\n')
    path.chmod(0o755)
    return str(path)


def test_first_use_says_that_python_is_missing(tmp_path: Path) -> None:
    assert first_use(tmp_path, "python3.99") == (
        "make: python3.99 is missing or older than 3.11; name a newer one: make PYTHON=python3.12"
    )


def test_first_use_says_that_python_is_too_old(tmp_path: Path) -> None:
    python = fake_python(tmp_path, refused="version_info")
    assert first_use(tmp_path, python).startswith(f"make: {python} is missing or older than 3.11")


def test_first_use_says_that_the_venv_module_is_missing(tmp_path: Path) -> None:
    python = fake_python(tmp_path, refused="ensurepip")
    assert first_use(tmp_path, python) == (
        f"make: {python} has no venv module; on Debian and Ubuntu: apt-get install python3-venv"
    )


def test_an_environment_that_is_only_linked_is_never_cleared(tmp_path: Path) -> None:
    other, copy = tmp_path / "other", tmp_path / "copy"
    other.mkdir()
    copy.mkdir()
    (other / "installed").touch()
    (copy / ".venv").symlink_to(other)
    assert first_use(copy, sys.executable) == (
        "make: .venv links to an environment that is older than requirements-dev.txt; "
        "run make there, or remove the link"
    )
    assert list(other.iterdir()) == [other / "installed"]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_is_pinned_by_hash(name: str) -> None:
    text = (ROOT / f"{name}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert lines
    pinned = re.compile(r"[a-z0-9._-]+==[^ ;]+( ; [^#]*?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [line for line in lines if not pinned.fullmatch(line)] == []


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_direct_requirement_is_compiled(name: str) -> None:
    wanted = matches(f"{name}.in", r"^[A-Za-z][\w.-]*")
    compiled = matches(f"{name}.txt", "^[a-z0-9._-]+(?===)")
    assert [each for each in wanted if each.lower() not in compiled] == []


def test_the_development_set_contains_the_runtime_sets() -> None:
    generator, sidecar, mutation, development = (
        set(matches(f"{name}.txt", r"^\S+==\S+")) for name in REQUIREMENTS[:4]
    )
    assert generator | sidecar | mutation <= development


def test_no_lock_file_names_a_host() -> None:
    locks = [
        *(ROOT / f"{name}.txt" for name in REQUIREMENTS),
        ROOT / "tests/tools/package-lock.json",
    ]
    for lock in locks:
        assert "://" not in lock.read_text(), lock
        assert "index-url" not in lock.read_text(), lock


def test_every_npm_package_is_pinned_by_hash() -> None:
    packages = json.loads((ROOT / "tests/tools/package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_the_metadata_name_the_runtime_requirements() -> None:
    extras = project()["optional-dependencies"]
    assert sorted(project()["dependencies"]) == sorted(matches("requirements.in", "^[A-Za-z].*$"))
    assert extras["sidecar"] == matches("exporters/requirements.in", "^[A-Za-z].*$")
    assert extras["mutation"] == matches("mutation/requirements.in", "^[A-Za-z].*$")


def project() -> dict[str, Any]:
    metadata: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return metadata


WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())


def workflow(path: Path = ROOT / ".github/workflows/ci.yml") -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests/live").rglob("test_*.py")), ids=lambda path: path.stem
)
def test_live_tests_that_share_a_fixture_run_in_one_process(path: Path) -> None:
    """Each process would start what the fixture starts."""
    text = path.read_text()
    if 'scope="module"' in text or "checkout: Path" in text:
        assert "pytest.mark.xdist_group(" in text


GROUPED = """
import os, pathlib, pytest

@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(4))
def test_in_a_group(number):
    pathlib.Path(f"process-{os.getpid()}").touch()
"""


def test_the_tests_of_a_group_run_in_one_process(tmp_path: Path) -> None:
    """A pytest that is newer than pytest-xdist may ignore the groups, and nothing would fail."""
    (tmp_path / "test_grouped.py").write_text(GROUPED)
    command = [sys.executable, "-m", "pytest", "-p", "no:locust", "-n", "2", "--dist", "loadgroup"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert len(list(tmp_path.glob("process-*"))) == 1


def test_ci_makes_lint_check_and_tests() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    steps = matches(".ci/run", "^step make ?(.*)$")
    assert steps == ["lint", "check", "", "all-tools", "test"]
    assert script.read_text().endswith("step make test\n")


def test_the_workflow_runs_the_same_script() -> None:
    steps = workflow()["jobs"]["verify"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]


def test_a_job_of_its_own_runs_what_takes_long() -> None:
    job = workflow()["jobs"]["long"]
    assert job["strategy"]["matrix"]["target"] == ["full-test", "mutate"]
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs == ["make ${{ matrix.target }}"]


def test_the_workflow_starts_at_the_oldest_python() -> None:
    versions = workflow()["jobs"]["verify"]["strategy"]["matrix"]["python"]
    assert f">={versions[0]}" == project()["requires-python"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_few_rights_and_pinned_actions(path: Path) -> None:
    assert workflow(path)["permissions"] == {"contents": "read"}
    steps = [step for job in workflow(path)["jobs"].values() for step in job["steps"]]
    actions = [step["uses"] for step in steps if "uses" in step]
    assert [each for each in actions if not re.fullmatch(r"actions/[a-z/-]+@v\d+", each)] == []


def shell_scripts() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(set(folders) - IGNORED_FOLDERS)
        paths = (Path(folder, name) for name in sorted(files))
        found += [path for path in paths if is_shell_script(path)]
    return found


def is_shell_script(path: Path) -> bool:
    with path.open("rb") as file:
        return re.match(rb"#!.*\b(ba)?sh\b", file.readline(100)) is not None


@pytest.mark.parametrize("script", [str(path.relative_to(ROOT)) for path in shell_scripts()])
def test_shellcheck_is_content(script: str) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, ROOT / script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
