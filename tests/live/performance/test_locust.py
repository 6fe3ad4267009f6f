"""Real Locust against the stand-in: verdict, exit code and counts."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from demo.injection import Effect
from demo.processes import free_port, responds
from tests.bundle import ROOT
from tests.live.grafana.server import EDITOR, FakeGrafana, serving
from tests.live.performance.bounds import MET, latency_bounds
from tests.live.performance.fake_server import fake_server
from tests.live.standin import Standin, standin
from tests.live.waiting import HANGS, PATIENCE, until

LOCUST = (sys.executable, "-m", "locust", "-f", "tests/performance/locustfile.py")
RUN = ("--headless", "--users", "8", "--spawn-rate", "8", "--only-summary", "StandardUser")


def locust(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LOCUST, *RUN, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )


def counts_agree(done: subprocess.CompletedProcess[str], auditor: Standin) -> None:
    """The counts of the verdict, of Locust and of the server are the same."""
    pattern = r"^verdict: \w+, based on (\d+) verifications$"
    (counted,) = re.findall(pattern, done.stdout, re.MULTILINE)
    summary = done.stderr.partition("Response time percentiles")[0]
    rows = re.findall(r"^POST +/verify \w+ sentences? +(\d+) ", summary, re.MULTILINE)
    assert int(counted) == sum(map(int, rows)) == auditor.served


def test_a_good_run_passes_with_the_servers_counts(tmp_path: Path) -> None:
    with standin(tmp_path) as auditor:
        overlay = str(latency_bounds(tmp_path))
        done = locust("--host", auditor.url, "--run-time", "6s", "--overlay", overlay)
        assert "verdict: target" in done.stdout, done.stdout + done.stderr
        assert done.returncode == 0
        row = rf"^\| latency\.p95 .*\| {MET[0]} *\| {MET[1]} .*\| target"
        assert re.search(row, done.stdout, re.MULTILINE)
        counts_agree(done, auditor)


def test_a_slow_run_fails(tmp_path: Path) -> None:
    with standin(tmp_path, STANDIN_WORK_SECONDS="0.3") as auditor:
        done = locust("--host", auditor.url, "--run-time", "12s", "--stop-timeout", "5")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^\| latency\.p50 .*\| critical", done.stdout, re.MULTILINE)


def test_a_host_that_is_down_is_inconclusive() -> None:
    done = locust("--host", f"http://127.0.0.1:{free_port()}", "--run-time", "3s")
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(
        r"inconclusive: all \d+ verifications failed, most often with: ConnectionRefused",
        done.stdout,
    )


@pytest.mark.full
def test_responses_in_another_format_are_inconclusive() -> None:
    """The fields that older load scripts expect, which the Auditor does not have."""
    with fake_server(200, {"overall_confidence": 0.9, "sentence_results": []}) as url:
        done = locust("--host", url, "--run-time", "3s")
    assert done.returncode == 2
    assert "failed, most often with: the response has no 'verification'" in done.stdout


def test_requests_left_unanswered_by_a_hanging_host_are_failures(tmp_path: Path) -> None:
    with standin(tmp_path) as auditor:
        process = subprocess.Popen(
            [*LOCUST, *RUN, "--stop-timeout", "1", "--host", auditor.url],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: (auditor.served or 0) >= 20, "there is traffic")
        auditor.inject(Effect.HANG, 1)
        until(lambda: hangs(auditor), "it hangs")
        process.send_signal(signal.SIGINT)
        output, log = process.communicate(timeout=PATIENCE)
        auditor.inject(Effect.HANG, 0)
    assert process.returncode == 1, output
    assert re.search(r"^\| error_rate\.normal .*\| poor \|$", output, re.MULTILINE)
    assert "no response before the end of the run" in log


def hangs(auditor: Standin) -> bool:
    try:
        requests.get(f"{auditor.url}/health", timeout=3)
    except requests.Timeout:
        return True
    return False


def test_a_missing_host_is_an_error() -> None:
    done = locust("--run-time", "3s")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "no host given: use --host http://HOST:PORT"


def test_an_unwritable_report_is_an_error_before_the_run() -> None:
    done = locust("--host", "http://127.0.0.1:1", "--run-time", "3s", "--report", "README.md")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "cannot write to README.md: File exists"


def test_the_master_waits_for_the_last_reports_of_its_workers(tmp_path: Path) -> None:
    """Even if responses take longer than Locust's own master waits."""
    with standin(tmp_path) as auditor:
        auditor.inject(Effect.DELAY, 0.8)
        port = str(free_port())
        worker = [*LOCUST, "--worker", "--master-port", port, "StandardUser"]
        workers = [
            subprocess.Popen(worker, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(2)
        ]
        try:
            done = locust(
                *("--host", auditor.url, "--run-time", "6s"),
                *("--master", "--expect-workers", "2"),
                *("--master-bind-host", "127.0.0.1", "--master-bind-port", port),
            )
        finally:
            for each in workers:
                each.kill()
                each.wait(PATIENCE)
        assert re.search(r"^\| latency\.p50 .*\| poor \|$", done.stdout, re.MULTILINE), done.stdout
        counts_agree(done, auditor)


@pytest.mark.full
def test_a_run_with_a_lost_worker_is_inconclusive(tmp_path: Path) -> None:
    port = str(free_port())
    with standin(tmp_path) as auditor:
        processes = [
            subprocess.Popen(
                [*LOCUST, *options],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for options in (
                ("--worker", "--master-port", port, "StandardUser"),
                ("--worker", "--master-port", port, "StandardUser"),
                (
                    *(*RUN[:-1], "--host", auditor.url),
                    *("--master", "--expect-workers", "2", "--master-bind-host", "127.0.0.1"),
                    *("--master-bind-port", port, RUN[-1]),
                ),
            )
        ]
        try:
            until(lambda: (auditor.served or 0) >= 40, "there is traffic")
            processes[0].kill()
            processes[-1].send_signal(signal.SIGINT)
            output, _ = processes[-1].communicate(timeout=PATIENCE)
        finally:
            for each in processes:
                each.kill()
                each.communicate(timeout=PATIENCE)
    assert "inconclusive: lost 1 of Locust's workers and their last measurements" in output
    assert processes[-1].returncode == 2


def test_each_class_of_users_is_listed() -> None:
    done = locust("--list")
    listed = {line.strip() for line in done.stdout.splitlines()}
    assert listed >= {"StandardUser", "BurstUser", "HeavyUser"}


def test_rate_limited_requests_are_not_failures(tmp_path: Path) -> None:
    with standin(tmp_path, ENABLE_RATE_LIMITING="true") as auditor:
        done = locust("--host", auditor.url, "--run-time", "5s", "--stop-timeout", "5")
        pattern = r"based on (\d+) verifications \((\d+) more were rejected with 429\)"
        ((answered, rejected),) = re.findall(pattern, done.stdout)
        assert int(answered) == auditor.served
    assert int(rejected) > 10
    assert re.search(r"error_rate\.normal +\| 0% ", done.stdout)
    assert re.search(r"^POST +/verify \w+ sentences? \(429\) +\d+ +0\(", done.stderr, re.MULTILINE)


@pytest.mark.full
def test_a_run_with_only_rejected_requests_is_inconclusive(tmp_path: Path) -> None:
    with standin(tmp_path, ENABLE_RATE_LIMITING="true", RATE_LIMIT_BURST="0") as auditor:
        done = locust("--host", auditor.url, "--run-time", "3s")
    assert done.returncode == 2
    assert "inconclusive: only 0 verifications, at least " in done.stdout
    assert "are needed: the rate limit rejected" in done.stdout
    assert " 0(0.00%)" in done.stderr.split("Aggregated")[1].splitlines()[0], "no failures"


def test_a_run_is_annotated_in_grafana(tmp_path: Path) -> None:
    with serving(FakeGrafana()) as grafana, standin(tmp_path) as auditor:
        done = locust(
            *("--host", auditor.url, "--run-time", "3s", "--grafana", grafana.url),
            GRAFANA_TOKEN=EDITOR,
        )
    (found,) = grafana.annotations
    assert found["text"].startswith(f"load against {auditor.url}: verdict: "), done.stderr
    assert 1000 < found["timeEnd"] - found["time"] < 1000 * PATIENCE


@pytest.mark.full
def test_a_run_started_in_the_web_ui_has_a_verdict(tmp_path: Path) -> None:
    port = free_port()
    command = [*LOCUST, "--host", f"http://127.0.0.1:{port}", "--web-host", "127.0.0.1"]
    with standin(tmp_path) as auditor:
        process = subprocess.Popen(
            [*command, "--web-port", str(port), "StandardUser"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        ui = f"http://127.0.0.1:{port}"
        try:
            until(responds(ui), "the web UI responds")
            form = {"user_count": 4, "spawn_rate": 4, "host": auditor.url}
            assert requests.post(f"{ui}/swarm", data=form, timeout=PATIENCE).json()["success"]
            until(lambda: (auditor.served or 0) >= 30, "there is traffic")
            requests.get(f"{ui}/stop", timeout=PATIENCE)
        finally:
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert output.count("verdict: target, based on") == 1
