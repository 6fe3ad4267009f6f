"""scenarios.sh against the stand-in: reports, counts, memory, bad input."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from demo.injection import Effect
from demo.processes import free_port
from tests.bundle import ROOT, thresholds
from tests.live.performance.command import code_of, run
from tests.live.processes import with_path
from tests.live.standin import Standin, standin
from tests.live.waiting import PATIENCE, until
from tests.performance.run import main
from tests.performance.scenarios import SCENARIOS

SCRIPT = "tests/performance/scenarios.sh"
MIB = 2**20
SHORT = {"LOAD_TEST_SCALE": "0.001", "LOAD_TEST_USERS_SCALE": "0.1"}
# A poor leak, in bytes per second.
LEAK = 1.2 * thresholds().targets.memory.growth.acceptable
# Two hours in 30 seconds.
SOAK = {"LOAD_TEST_SCALE": str(30 / 7200), "LOAD_TEST_USERS_SCALE": "0.04"}


def reports(folder: Path) -> dict[str, Path]:
    """The folder of each scenario."""
    found = sorted((folder / "reports").iterdir())
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\w+", each.name) for each in found)
    return {each.name.split("-")[-1]: each for each in found}


def soak(auditor: Standin, folder: Path) -> tuple[int, Any]:
    """Exit code and the grade of memory growth."""
    options = ("--reports", folder / "reports", "--sample-interval", "0.5")
    done = run(SCRIPT, "soak", *options, LOAD_TEST_HOST=auditor.url, **SOAK)
    assert "Traceback" not in done.stderr, done.stderr
    verdict = json.loads((reports(folder)["soak"] / "verdict.json").read_text())
    (found,) = (each for each in verdict["grades"] if each["metric"] == "memory.growth")
    return done.returncode, found


def test_a_soak_finds_a_leak(tmp_path: Path) -> None:
    """In one of two workers, under load."""
    with standin(tmp_path, workers=2) as auditor:
        auditor.inject(Effect.LEAK, LEAK, worker=0)
        code, found = soak(auditor, tmp_path)
    assert found["verdict"] == "poor"
    assert found["measured"] == pytest.approx(LEAK, rel=0.125)
    assert code == 1


@pytest.mark.full
def test_a_soak_takes_no_sawtooth_for_a_leak(tmp_path: Path) -> None:
    with standin(tmp_path, workers=2) as auditor:
        auditor.inject(Effect.SAWTOOTH, 50 * MIB)
        code, found = soak(auditor, tmp_path)
    assert found["verdict"] in ("target", "acceptable", "")
    assert code in (0, 2), "at worst the run is too short"


@pytest.mark.full
def test_every_scenario_saves_its_reports(tmp_path: Path) -> None:
    """Its counts agree with the server's, and it samples the workers."""
    with standin(tmp_path) as auditor:
        before = auditor.served or 0
        done = run(
            *(SCRIPT, "all", "--reports", tmp_path / "reports", "--sample-interval", "0.2"),
            LOAD_TEST_HOST=auditor.url,
            LOAD_TEST_SCALE="0.002",
            LOAD_TEST_USERS_SCALE="0.04",
        )
        served = (auditor.served or 0) - before
    assert "Traceback" not in done.stderr, done.stderr
    found = reports(tmp_path)
    assert set(found) == {each.name for each in SCENARIOS}
    counted = int(done.stdout.split(" is warm after ")[1].split()[0])
    for scenario in SCENARIOS:
        folder = found[scenario.name]
        assert {each.name for each in folder.iterdir()} >= {
            "report.html",
            "locust_stats.csv",
            "verdict.json",
            "junit.xml",
            "summary.md",
            "workers.csv",
        }
        verdict = json.loads((folder / "verdict.json").read_text())
        assert verdict["run"] == scenario.name
        assert f"\n{scenario.name}: {scenario.purpose}; " in done.stdout
        counted += int(verdict["counted"].split()[0])
    assert counted == served
    assert done.returncode == 2, "the run is too short to see memory growth"


@pytest.mark.full
def test_locusts_history_shows_the_spike(tmp_path: Path) -> None:
    with standin(tmp_path) as auditor:
        options = ("--reports", tmp_path / "reports")
        scaled = {"LOAD_TEST_SCALE": "0.05", "LOAD_TEST_USERS_SCALE": "0.1"}
        run(SCRIPT, "spike", *options, LOAD_TEST_HOST=auditor.url, **scaled)
    with (reports(tmp_path)["spike"] / "locust_stats_history.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["Name"] == "Aggregated"]
    users = [int(row["User Count"]) for row in rows]
    peak = users.index(50)
    assert users[peak - 2] <= 5, "all users start at once"
    assert users[-2] == 5, "and stop again"
    assert 2 <= users.count(50) <= 5


def under_way(auditor: Standin, folder: Path, *names: str) -> subprocess.Popen[str]:
    """The scenarios, in a session of their own; the users of the first one send requests."""
    options = ("--host", auditor.url, "--reports", folder / "reports", "--users-scale", "0.1")
    process = subprocess.Popen(
        [ROOT / SCRIPT, *names, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    warm_up = int(process.stdout.readline().split(" is warm after ")[1].split()[0])
    until(lambda: (auditor.served or 0) >= warm_up + 40, "there is traffic")
    return process


def test_an_interrupted_run_still_has_a_verdict(tmp_path: Path) -> None:
    with standin(tmp_path) as auditor:
        process = under_way(auditor, tmp_path, "soak", "smoke")
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert re.search(r"^(verdict|inconclusive): ", output, re.MULTILINE)
    assert set(reports(tmp_path)) == {"soak"}, "the next one does not start"
    assert (reports(tmp_path)["soak"] / "summary.md").exists()


@pytest.mark.full
def test_sigterm_stops_the_load(tmp_path: Path) -> None:
    with standin(tmp_path) as auditor:
        process = under_way(auditor, tmp_path, "stress", "smoke")
        assert len(with_path(tmp_path / "reports")) == 2, "the script and Locust"
        process.terminate()
        output, _ = process.communicate(timeout=PATIENCE)
    assert with_path(tmp_path / "reports") == []
    assert process.returncode == 2
    assert re.search(r"^verdict: ", output, re.MULTILINE)
    assert set(reports(tmp_path)) == {"stress"}


def test_an_unreachable_sidecar_is_an_error(tmp_path: Path) -> None:
    with standin(tmp_path) as auditor:
        options = (
            "--reports",
            tmp_path / "reports",
            "--sidecar",
            f"http://127.0.0.1:{free_port()}",
        )
        done = run(SCRIPT, "soak", *options, LOAD_TEST_HOST=auditor.url, **SHORT)
        assert not auditor.served
    assert done.returncode == 2
    assert done.stderr.startswith("soak would be inconclusive: http://127.0.0.1:")
    assert "is not a sidecar: no connection: " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["smoke", "--host", "http://127.0.0.1:1"],
            "http://127.0.0.1:1 is down: no connection: [Errno 111]",
        ),
        (["smoke", "--host", "nowhere"], "nowhere is not a valid address; expected http://"),
        (["smok"], "invalid choice: 'smok'"),
        (["smoke", "--reports", "README.md"], "cannot write to README.md: File exists"),
        (["smoke", "--scale", "0"], "'0' is not a number from 0.001 to 100"),
        (["smoke", "--thresholds", "README.md"], "README.md:"),
        (
            ["baseline", "--host", "https://api.production.example.com"],
            "nothing was sent; use --yes or LOAD_TEST_YES=1 to skip the question",
        ),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.stdin", StringIO())
    assert code_of(main, arguments) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_confirmed_production_is_tested() -> None:
    host = "http://auditor.production.invalid"
    done = run(SCRIPT, "smoke", "--host", host, "--yes")
    assert done.stderr.splitlines()[-1].startswith(f"{host} is down")


def test_an_empty_answer_leaves_the_menu() -> None:
    done = run(SCRIPT, "menu")
    assert done.returncode == 0
    assert [line.split()[1] for line in done.stdout.splitlines()[: len(SCENARIOS)]] == [
        each.name for each in SCENARIOS
    ]
