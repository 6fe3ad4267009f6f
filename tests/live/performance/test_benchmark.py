"""The benchmark against the stand-in: counts, verdicts for injected faults, regressions."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from demo.injection import Effect
from demo.processes import free_port
from tests.bundle import ROOT
from tests.calls import call
from tests.live.performance.bounds import MET, MISSED, latency_bounds
from tests.live.performance.command import code_of, run
from tests.live.performance.fake_server import fake_server
from tests.live.standin import Standin, standin
from tests.live.waiting import PATIENCE
from tests.performance.benchmark import main
from tests.performance.benchmarks import BENCHMARKS
from tests.performance.grading import PERCENTILES

pytestmark = pytest.mark.xdist_group("benchmark")

BENCHMARK = ("python", "tests/performance/benchmark.py")
SINGLE = ("--only", "single", "--requests", "20", "--warm-up", "0")
# Of each response, in seconds; between the bounds that are missed and those that are met.
DELAY = 0.2


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    with standin(tmp_path_factory.mktemp("standin")) as started:
        yield started


def measured(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The benchmark in this process."""
    return call(main, [str(each) for each in arguments], ROOT, {})


def levels(document: Any) -> dict[str, str]:
    return {f"{each['of']} {each['metric']}": each["verdict"] for each in document["grades"]}


def test_all_benchmarks_agree_with_the_servers_counts(auditor: Standin, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    before = auditor.served or 0
    auditor.inject(Effect.DELAY, 0)
    done = run(*BENCHMARK, "--url", auditor.url, "--output", file, "--requests", "100")
    assert done.returncode in (0, 1), done.stderr
    document = json.loads(file.read_text())
    found = {each["benchmark"]: each for each in document["benchmarks"]}
    assert list(found) == [each.key for each in BENCHMARKS]
    warm_up = int(done.stdout.split(" is warm after ")[1].split()[0])
    assert (
        sum(each["requests"] for each in found.values()) + warm_up == (auditor.served or 0) - before
    )
    for each in found.values():
        assert len(each["seconds"]) == each["requests"]
        assert each["throughput"] == pytest.approx(each["requests"] / each["elapsed"])
        for name, share in PERCENTILES.items():
            if known := each["latency"][name]:
                rank = ceil(Fraction(str(share)) * each["requests"])
                expected = sorted(each["seconds"])[rank - 1]
                assert known["value"] == pytest.approx(expected, abs=1e-6)
    assert found["callers-50"]["concurrency"] == 50
    assert "single latency.p95" in levels(document)
    assert "callers-50 throughput.medium" in levels(document)
    assert "callers-100 throughput.high" in levels(document)


@pytest.mark.parametrize(
    ("missed", "level", "code"),
    [(0, "target", 0), (1, "acceptable", 0), (2, "poor", 1), (3, "critical", 1)],
)
def test_the_verdict_follows_the_injected_delay(
    auditor: Standin, tmp_path: Path, missed: int, level: str, code: int
) -> None:
    """Of the three bounds, `missed` are lower than the delay."""
    auditor.inject(Effect.DELAY, DELAY)
    overlay = latency_bounds(tmp_path, *MISSED[:missed], *MET[missed:])
    assert verdict(auditor, tmp_path, overlay, "single latency.p50") == (level, code)


def test_the_verdict_follows_the_injected_errors(auditor: Standin, tmp_path: Path) -> None:
    auditor.inject(Effect.ERRORS, 0.05)
    overlay = latency_bounds(tmp_path)
    assert verdict(auditor, tmp_path, overlay, "single error_rate.normal") == ("poor", 1)


def verdict(auditor: Standin, folder: Path, overlay: Path, grade: str) -> tuple[str, int]:
    """The level of a grade, and the exit code; a failure is one in JUnit's file, too."""
    file = folder / "results.json"
    options = ("--overlay", overlay, "--output", file, "--report", folder)
    done = measured(*SINGLE, "--url", auditor.url, *options)
    assert ("<failure" in (folder / "junit.xml").read_text()) is (done.returncode == 1)
    return levels(json.loads(file.read_text()))[grade], done.returncode


def test_only_a_slower_run_is_a_regression(auditor: Standin, tmp_path: Path) -> None:
    """However good its verdict: one that took ten times as long as the baseline, not a tenth."""
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    overlay = latency_bounds(tmp_path)
    options = ("--url", auditor.url, "--overlay", overlay)
    auditor.inject(Effect.DELAY, DELAY)
    assert measured(*SINGLE, *options, "--output", before).returncode == 0
    found = before.read_text()
    for factor, code in ((10, 0), (0.1, 1)):
        baseline = json.loads(found)
        for each in baseline["benchmarks"]:
            each["seconds"] = [factor * seconds for seconds in each["seconds"]]
        before.write_text(json.dumps(baseline))
        done = measured(*SINGLE, *options, "--baseline", before, "--output", after)
        assert done.returncode == code, done.stdout
        assert "verdict: target" in done.stdout
        regressions = json.loads(after.read_text())["regressions"]
        assert [each[:10] for each in regressions] == ["single by "] * code
        assert ("slower than the baseline: single by " in done.stdout) is (code == 1)


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (200, {"overall_confidence": 1}, "the response has no 'verification'"),
        (200, [1], "the response is not in the Auditor's format"),
        (503, {}, "status 503"),
    ],
)
def test_without_a_good_response_it_stops_early(status: int, body: Any, problem: str) -> None:
    """It skips the benchmarks after the first."""
    with fake_server(status, body) as url:
        done = measured("--url", url, "--requests", "20")
    assert done.returncode == 2
    assert f"all 20 verifications failed, most often with: {problem}" in done.stdout
    assert "callers-10" not in done.stdout


def test_ctrl_c_stops_it_while_the_host_hangs() -> None:
    good = {
        "verification_id": "1",
        "verification": {"verification_rate": 1},
        "confidence": {"score": 1, "trust_label": "Verified"},
    }
    with fake_server(200, good, silent_after=40) as url:
        process = subprocess.Popen(
            [sys.executable, *BENCHMARK[1:], "--url", url, "--warm-up", "0"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        assert " is warm after " in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert errors.splitlines()[-1] == "interrupted: inconclusive"
    assert "Traceback" not in errors


def test_a_rate_limited_run_is_inconclusive(tmp_path: Path) -> None:
    with standin(tmp_path, ENABLE_RATE_LIMITING="true") as auditor:
        done = measured(*SINGLE, "--url", auditor.url)
    assert done.returncode == 2
    assert "set ENABLE_RATE_LIMITING=false" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--url", "http://127.0.0.1:1"], "http://127.0.0.1:1 is down: no connection: [Errno 111]"),
        (
            ["--url", "localhost:8888"],
            "localhost:8888 is not a valid address; expected http://HOST:PORT of an Auditor",
        ),
        (["--baseline", "thresholds.yaml"], "thresholds.yaml is not a result of this benchmark"),
        (["--output", "/proc/nowhere/it.json"], "cannot write to /proc/nowhere: "),
        (["--output", "docs"], "docs is a folder, expected a file"),
        (["--report", "README.md"], "cannot write to README.md: File exists"),
        (["--baseline", "nowhere.json"], "nowhere.json: No such file or directory"),
        (["--thresholds", "README.md"], "README.md:"),
        (["--requests", "0"], "'0' is not a number from 1 to 100000"),
        (["--tolerance", "-1"], "'-1' is not a percentage such as 0.1% or 99.5%"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    arguments = ["--url", f"http://127.0.0.1:{free_port()}", *arguments]
    assert code_of(main, arguments) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
