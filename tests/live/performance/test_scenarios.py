"""scenarios.sh against the stand-in: reports, counts, memory, and what it refuses."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from demo.injection import Effect
from demo.processes import free_port
from tests.bundle import ROOT
from tests.live.performance.command import run
from tests.live.standin import Standin, standin
from tests.live.waiting import until
from tests.performance.scenarios import SCENARIOS

SCRIPT = "tests/performance/scenarios.sh"
MIB = 2**20
SHORT = {"LOAD_TEST_SCALE": "0.001", "LOAD_TEST_USERS_SCALE": "0.1"}
# Two hours in 30 seconds.
SOAK = {"LOAD_TEST_SCALE": str(30 / 7200), "LOAD_TEST_USERS_SCALE": "0.04"}


def reports(folder: Path) -> dict[str, Path]:
    """The folders of runs, by scenario."""
    found = sorted((folder / "reports").iterdir())
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\w+", each.name) for each in found)
    return {each.name.split("-")[-1]: each for each in found}


def soak(auditor: Standin, folder: Path) -> tuple[int, Any]:
    """Exit code, and the grade of the growth."""
    options = ("--reports", folder / "reports", "--sample-interval", "0.5")
    done = run(SCRIPT, "soak", *options, LOAD_TEST_HOST=auditor.url, **SOAK)
    assert "Traceback" not in done.stderr, done.stderr
    verdict = json.loads((reports(folder)["soak"] / "verdict.json").read_text())
    (found,) = (each for each in verdict["grades"] if each["metric"] == "memory.growth")
    return done.returncode, found


def test_a_soak_finds_a_leak(tmp_path: Path) -> None:
    """Of 12 MiB a minute in one of two workers, under load."""
    with standin(tmp_path, workers=2) as auditor:
        auditor.inject(Effect.LEAK, 12 * MIB / 60, worker=0)
        code, found = soak(auditor, tmp_path)
    assert found["verdict"] == "poor"
    assert found["measured"] * 60 / MIB == pytest.approx(12, abs=1.5)
    assert code == 1


def test_a_soak_takes_no_sawtooth_for_a_leak(tmp_path: Path) -> None:
    """Of 150 MiB."""
    with standin(tmp_path, workers=2) as auditor:
        auditor.inject(Effect.SAWTOOTH, 50 * MIB)
        code, found = soak(auditor, tmp_path)
    assert found["verdict"] in ("target", "acceptable", "")
    assert code in (0, 2), "at worst it is too short to tell"


def test_every_scenario_runs_and_leaves_its_reports(tmp_path: Path) -> None:
    """With the counts of the server, and the workers seen all the while."""
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
    assert done.returncode == 2, "too short to tell whether memory grows"


def test_the_shape_of_the_spike_is_seen_in_locusts_history(tmp_path: Path) -> None:
    with standin(tmp_path) as auditor:
        options = ("--reports", tmp_path / "reports")
        scaled = {"LOAD_TEST_SCALE": "0.05", "LOAD_TEST_USERS_SCALE": "0.1"}
        run(SCRIPT, "spike", *options, LOAD_TEST_HOST=auditor.url, **scaled)
    with (reports(tmp_path)["spike"] / "locust_stats_history.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["Name"] == "Aggregated"]
    users = [int(row["User Count"]) for row in rows]
    peak = users.index(50)
    assert users[peak - 2] <= 5, "all come at once"
    assert users[-2] == 5, "and go again"
    assert 2 <= users.count(50) <= 5


def test_a_run_that_is_ended_early_still_has_a_verdict(tmp_path: Path) -> None:
    with standin(tmp_path) as auditor:
        options = ("--host", auditor.url, "--reports", tmp_path / "reports", "--users-scale", "0.1")
        process = subprocess.Popen(
            [ROOT / SCRIPT, "soak", "smoke", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        until(lambda: (auditor.served or 0) >= 80, "the users ask", 30)
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        said, _ = process.communicate(timeout=40)
    assert process.returncode == 2
    assert re.search(r"^(verdict|nothing proven): ", said, re.MULTILINE)
    assert set(reports(tmp_path)) == {"soak"}, "and the next one does not begin"
    assert (reports(tmp_path)["soak"] / "summary.md").exists()


def test_sigterm_leaves_no_load_behind(tmp_path: Path) -> None:
    with standin(tmp_path) as auditor:
        options = ("--host", auditor.url, "--reports", tmp_path / "reports", "--users-scale", "0.1")
        process = subprocess.Popen(
            [ROOT / SCRIPT, "stress", "smoke", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        until(lambda: (auditor.served or 0) >= 80, "the users ask", 30)
        process.terminate()
        said, _ = process.communicate(timeout=40)
        served = auditor.served
        time.sleep(2)
        assert auditor.served == served
    assert process.returncode == 2
    assert re.search(r"^verdict: ", said, re.MULTILINE)
    assert set(reports(tmp_path)) == {"stress"}


def test_the_sidecar_is_watched_where_one_is_named(tmp_path: Path) -> None:
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
    assert done.stderr.startswith("soak would prove nothing: http://127.0.0.1:")
    assert "is no page of a sidecar: no connection: " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["smoke", "--host", "http://127.0.0.1:1"],
            "http://127.0.0.1:1 is down: no connection: [Errno 111]",
        ),
        (["smoke", "--host", "nowhere"], "nowhere is no address of an Auditor: http://HOST:PORT"),
        (["smok"], "invalid choice: 'smok'"),
        (["smoke", "--reports", "README.md"], "README.md cannot be written: File exists"),
        (["smoke", "--scale", "0"], "'0' is no factor from 0.001 to 100"),
        (["smoke", "--thresholds", "README.md"], "README.md:"),
        (
            ["baseline", "--host", "https://api.production.example.com"],
            "nothing was sent; --yes or LOAD_TEST_YES=1 goes on without asking",
        ),
    ],
)
def test_what_cannot_be_run_is_said_in_a_line(arguments: list[str], said: str) -> None:
    done = run(SCRIPT, *arguments)
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_production_that_is_agreed_to_is_tried() -> None:
    host = "http://auditor.production.invalid"
    done = run(SCRIPT, "smoke", "--host", host, "--yes")
    assert done.stderr.splitlines()[-1].startswith(f"{host} is down")


def test_the_menu_takes_no_answer_for_none() -> None:
    done = run(SCRIPT, "menu")
    assert done.returncode == 0
    assert [line.split()[1] for line in done.stdout.splitlines()[: len(SCENARIOS)]] == [
        each.name for each in SCENARIOS
    ]
