"""Real Locust against the stand-in: its verdict, its exit code, and its counts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo.processes import free_port
from tests.bundle import ROOT
from tests.live.demo.test_standin import Standin, standin

LOCUST = (sys.executable, "-m", "locust", "-f", "tests/performance/locustfile.py")
RUN = ("--headless", "--users", "8", "--spawn-rate", "8", "--only-summary", "StandardUser")
UNLIMITED = {"RATE_LIMIT_PER_MINUTE": "1000000", "RATE_LIMIT_BURST": "100000"}


def locust(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LOCUST, *RUN, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def counts_agree(done: subprocess.CompletedProcess[str], auditor: Standin) -> None:
    """The verdict's, Locust's own and the server's, to the last request."""
    (judged,) = re.findall(r"^verdict: target, of (\d+) verifications$", done.stdout, re.MULTILINE)
    summary = done.stderr.partition("Response time percentiles")[0]
    rows = re.findall(r"^POST +/verify \w+ sentences? +(\d+) ", summary, re.MULTILINE)
    served = auditor.metric("auditor_verify_requests_total", status="success")
    assert int(judged) == sum(map(int, rows)) == served


def test_a_good_run_counts_as_the_server_does_and_passes(tmp_path: Path) -> None:
    with standin(tmp_path, **UNLIMITED) as auditor:
        done = locust("--host", auditor.url, "--run-time", "6s", "--stop-timeout", "5")
        assert "verdict: target" in done.stdout, done.stdout + done.stderr
        assert done.returncode == 0
        assert re.search(
            r"^\| latency\.p95 .*\| 500ms *\| 1s .*\| target", done.stdout, re.MULTILINE
        )
        counts_agree(done, auditor)


def test_a_slow_run_fails(tmp_path: Path) -> None:
    """A verification takes more than the median may at all."""
    with standin(tmp_path, **UNLIMITED, STANDIN_WORK_SECONDS="0.3") as auditor:
        done = locust("--host", auditor.url, "--run-time", "12s", "--stop-timeout", "5")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^\| latency\.p50 .*\| critical", done.stdout, re.MULTILINE)


def test_a_host_that_is_down_proves_nothing() -> None:
    done = locust("--host", f"http://127.0.0.1:{free_port()}", "--run-time", "3s")
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(r"nothing proven: none of \d+ verifications was answered", done.stdout)


def test_workers_report_all_they_have_measured(tmp_path: Path) -> None:
    with standin(tmp_path, **UNLIMITED) as auditor:
        port = str(free_port())
        worker = [*LOCUST, "--worker", "--master-port", port, "StandardUser"]
        workers = [
            subprocess.Popen(worker, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(2)
        ]
        try:
            done = locust(
                *("--host", auditor.url, "--run-time", "6s", "--stop-timeout", "5"),
                *("--master", "--expect-workers", "2"),
                *("--master-bind-host", "127.0.0.1", "--master-bind-port", port),
            )
        finally:
            for each in workers:
                each.kill()
                each.wait(10)
        assert "verdict: target" in done.stdout, done.stdout + done.stderr
        counts_agree(done, auditor)


@pytest.mark.parametrize("name", ["StandardUser", "BurstUser", "HeavyUser"])
def test_each_class_of_users_is_listed(name: str) -> None:
    done = subprocess.run(
        [*LOCUST, "--list"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert re.search(rf"^\s+{name}$", done.stdout, re.MULTILINE)
