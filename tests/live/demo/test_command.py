"""`python -m demo` as a user runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.cli import main, parser
from demo.faults import injections
from tests import tools
from tests.bundle import ROOT
from tests.live.processes import with_path
from tests.live.waiting import HANGS, PATIENCE, until
from tests.tools.skipping import had

COMMAND = [sys.executable, "-m", "demo"]


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A running demo, killed if the test has not stopped it, and the file with its output."""
    for name in (tools.PROMETHEUSES[-1], tools.ALERTMANAGERS[-1]):
        had(name)
    output = folder / "output"
    with output.open("w") as file:
        process = subprocess.Popen(
            [*COMMAND, "--folder", str(folder / "run"), "--workers", "2", *arguments],
            cwd=ROOT,
            env=os.environ | {"COLUMNS": "160"},
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield process, output
    finally:
        process.kill()
        process.wait(PATIENCE)
        until(lambda: not with_path(folder / "run"), "all its processes have exited")


def ports(folder: Path) -> set[int]:
    """The ports in the links of the demo's screen."""
    output = (folder / "output").read_text()
    return {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", output)}


def listening() -> set[int]:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return {int(line.split()[1].split(":")[1], 16) for line in lines if line.split()[3] == "0A"}


def test_it_shows_faults_and_notifications_and_cleans_up(tmp_path: Path) -> None:
    with demo(tmp_path, "--plain", "--inject", "outage") as (process, output):
        until(lambda: "injected: outage" in output.read_text(), "the screen is shown")
        assert ports(tmp_path) <= listening()
        until(
            lambda: re.search(r"pages\s+firing\s+AuditorRequestsFailing", output.read_text()),
            "the page is shown",
            120,
            0.5,
        )
        folder = ["--folder", str(tmp_path / "run")]
        again = subprocess.run(
            [*COMMAND, *folder],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=HANGS,
            check=False,
        )
        assert again.returncode == 2
        assert again.stderr.startswith(f"a demo is already running in {tmp_path / 'run'}")
        assert main([*folder, "inject"]) == 0
        until(lambda: "injected: none" in output.read_text(), "the fault is removed", pause=0.5)
        assert with_path(tmp_path / "run")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert with_path(tmp_path / "run") == []
        assert not ports(tmp_path) & listening()
        assert "Traceback" not in output.read_text()


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGTERM, 0, id="TERM", marks=pytest.mark.full),
        pytest.param(signal.SIGKILL, -9, id="KILL"),
    ],
)
def test_it_cleans_up_after_a_signal(tmp_path: Path, number: int, code: int) -> None:
    with demo(tmp_path, "--plain") as (process, output):
        until(lambda: "Prometheus" in output.read_text(), "the screen is shown")
        assert len(with_path(tmp_path / "run")) > 4
        process.send_signal(number)
        assert process.wait(PATIENCE) == code
        until(lambda: not with_path(tmp_path / "run"), "all its processes have exited")
        assert not ports(tmp_path) & listening()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--inject", "eror"], "unknown fault 'eror'; known faults: errors, "),
        (["inject", "errors"], "no demo is running in "),
    ],
)
def test_bad_input_is_reported(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--folder", str(tmp_path / "run"), *arguments]) == 2
    assert capsys.readouterr().err.startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_a_component_that_does_not_start_is_an_error_with_its_log(tmp_path: Path) -> None:
    """Here an invalid setting stops the stand-in."""
    environment = os.environ | {"STANDIN_API_KEYS": "", "RATE_LIMIT_BURST": "many"}
    run = subprocess.run(
        [*COMMAND, "--folder", str(tmp_path / "run"), "--workers", "1", "--plain"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert run.returncode == 1
    log = tmp_path / "run" / "log" / "auditor.log"
    assert run.stderr == f"auditor exited; see {log}\n"
    assert "invalid literal for int()" in log.read_text()


def test_the_commands_in_the_docs_are_valid() -> None:
    page = (ROOT / "docs/demo.md").read_text()
    lines = "".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL)).splitlines()
    assert len(lines) == 5
    form = re.compile(r"make demo(?: DEMO_ARGS='(.*)')?|\.venv/bin/python -m demo (.*)")
    for line in lines:
        found = form.fullmatch(line)
        assert found, line
        given = found[1] or found[2] or ""
        if given != "--help":
            arguments = parser().parse_args(given.split())
            injections([*arguments.inject, *getattr(arguments, "faults", [])], 0)
