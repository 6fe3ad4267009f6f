"""What does not go together is refused in one message, whichever half of it is missing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from generator.alerts import ByKey
from generator.thresholds import UnknownAlertError
from tests.bundle import ROOT, alerts

FAMILY = "generator/alerts/families/resources.py"
# Whatever speaks of the alert that the tests take away.
SPEAKERS = [
    "generator/alerts/families/leaks.py",
    "generator/scenarios/families/saturation.py",
    *sorted(
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "generator/runbooks/pages").rglob("*.md")
        if path.stem == "many_threads" or '"many_threads"' in path.read_text()
    ),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The generator and its file."""
    shutil.copytree(ROOT / "generator", tmp_path / "generator")
    shutil.copytree(ROOT / "exporters", tmp_path / "exporters")
    shutil.copy(ROOT / "thresholds.yaml", tmp_path)
    return tmp_path


def without_definition(copy: Path) -> None:
    text = (copy / FAMILY).read_text()
    start = text.index('@define(BoundAlert, Rows("worker.threads"))')
    end = re.search(r"^@|\Z", text[start + 1 :], re.MULTILINE)
    assert end
    (copy / FAMILY).write_text(text[:start] + text[start + 1 + end.start() :])


def without_settings(copy: Path) -> None:
    text = (copy / "thresholds.yaml").read_text()
    (copy / "thresholds.yaml").write_text(re.sub(r"  many_threads:\n(?: {4}.*\n)+", "", text))


def refused(copy: Path) -> list[str]:
    """The message of a rendering that fails."""
    command = [sys.executable, "-m", "generator", "render"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr.splitlines()


def spoken_of(lines: list[str]) -> list[str]:
    """The files that a message names with line and column, each once."""
    return list(dict.fromkeys(re.sub(r"(:\d+){2}: .*", "", line) for line in lines))


def test_settings_of_no_alert(copy: Path) -> None:
    without_definition(copy)
    lines = refused(copy)
    assert "alerts.many_threads: unknown key" in lines[0]
    assert spoken_of(lines) == ["thresholds.yaml", *SPEAKERS]


def test_an_alert_without_settings(copy: Path) -> None:
    without_settings(copy)
    lines = refused(copy)
    assert "alerts.many_threads: missing" in lines[0]
    assert spoken_of(lines) == ["thresholds.yaml", SPEAKERS[0], FAMILY, *SPEAKERS[1:]]


def test_an_alert_that_is_gone(copy: Path) -> None:
    without_definition(copy)
    without_settings(copy)
    lines = refused(copy)
    assert spoken_of(lines) == SPEAKERS
    assert all("refers to the alert `many_threads`, which has no" in line for line in lines)


def test_two_alerts_of_one_name(copy: Path) -> None:
    path = copy / FAMILY
    path.write_text(path.read_text().replace("def many_threads(", "def high_cpu("))
    assert refused(copy) == ["two alerts have the same name: AuditorHighCpu (cpu, resources)"]


def test_a_key_that_is_none() -> None:
    with pytest.raises(UnknownAlertError, match="no_such"):
        ByKey(alerts()).require(["down", "no_such", "watchdog"])
