"""Real Locust against the stand-in: its verdict, its exit code, and its counts."""

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
from tests.live.performance.answering import answering
from tests.live.standin import Standin, standin
from tests.live.waiting import until

LOCUST = (sys.executable, "-m", "locust", "-f", "tests/performance/locustfile.py")
RUN = ("--headless", "--users", "8", "--spawn-rate", "8", "--only-summary", "StandardUser")


def locust(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LOCUST, *RUN, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def counts_agree(done: subprocess.CompletedProcess[str], auditor: Standin) -> None:
    """The verdict's, Locust's own and the server's, to the last request."""
    (judged,) = re.findall(r"^verdict: \w+, of (\d+) verifications$", done.stdout, re.MULTILINE)
    summary = done.stderr.partition("Response time percentiles")[0]
    rows = re.findall(r"^POST +/verify \w+ sentences? +(\d+) ", summary, re.MULTILINE)
    assert int(judged) == sum(map(int, rows)) == auditor.served


def test_a_good_run_counts_as_the_server_does_and_passes(tmp_path: Path) -> None:
    with standin(tmp_path) as auditor:
        done = locust("--host", auditor.url, "--run-time", "6s")
        assert "verdict: target" in done.stdout, done.stdout + done.stderr
        assert done.returncode == 0
        assert re.search(
            r"^\| latency\.p95 .*\| 500ms *\| 1s .*\| target", done.stdout, re.MULTILINE
        )
        counts_agree(done, auditor)


def test_a_slow_run_fails(tmp_path: Path) -> None:
    """A verification takes more than the median may at all."""
    with standin(tmp_path, STANDIN_WORK_SECONDS="0.3") as auditor:
        done = locust("--host", auditor.url, "--run-time", "12s", "--stop-timeout", "5")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^\| latency\.p50 .*\| critical", done.stdout, re.MULTILINE)


def test_a_host_that_is_down_proves_nothing() -> None:
    done = locust("--host", f"http://127.0.0.1:{free_port()}", "--run-time", "3s")
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(
        r"nothing proven: none of \d+ verifications succeeded; most often: ConnectionRefused",
        done.stdout,
    )


def test_answers_of_another_form_prove_nothing() -> None:
    """Those that older load scripts look for, and the Auditor has not."""
    with answering(200, {"overall_confidence": 0.9, "sentence_results": []}) as url:
        done = locust("--host", url, "--run-time", "3s")
    assert done.returncode == 2
    assert "succeeded; most often: the response lacks 'verification'" in done.stdout


def test_what_a_host_that_hangs_leaves_unanswered_is_a_failure(tmp_path: Path) -> None:
    command = [*LOCUST, *RUN, "--run-time", "12s", "--stop-timeout", "1"]
    with standin(tmp_path) as auditor:
        process = subprocess.Popen(
            [*command, "--host", auditor.url],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: (auditor.served or 0) >= 20, "the users ask", 30)
        auditor.inject(Effect.HANG, 1)
        said, log = process.communicate(timeout=40)
        auditor.inject(Effect.HANG, 0)
    assert process.returncode == 1, said
    assert re.search(r"^\| error_rate\.normal .*\| poor \|$", said, re.MULTILINE)
    assert "no answer before the end of the run" in log


def test_without_a_host_it_says_so() -> None:
    done = locust("--run-time", "3s")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "no host is named: --host http://HOST:PORT"


def test_a_report_that_cannot_be_written_is_said_before_the_run() -> None:
    done = locust("--host", "http://127.0.0.1:1", "--run-time", "3s", "--report", "README.md")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "README.md cannot be written: File exists"


def test_workers_report_all_they_have_measured(tmp_path: Path) -> None:
    """Answers that take longer than a master waits for its workers' last words, too."""
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
                each.wait(10)
        assert re.search(r"^\| latency\.p50 .*\| poor \|$", done.stdout, re.MULTILINE), done.stdout
        counts_agree(done, auditor)


def test_a_worker_that_is_lost_leaves_nothing_proven(tmp_path: Path) -> None:
    """What it measured last is known to nobody."""
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
                    *(*RUN[:-1], "--host", auditor.url, "--run-time", "20s"),
                    *("--master", "--expect-workers", "2", "--master-bind-host", "127.0.0.1"),
                    *("--master-bind-port", port, RUN[-1]),
                ),
            )
        ]
        try:
            until(lambda: (auditor.served or 0) >= 40, "the users ask", 40)
            processes[0].kill()
            said, _ = processes[-1].communicate(timeout=60)
        finally:
            for each in processes:
                each.kill()
                each.communicate(timeout=10)
    assert "nothing proven: 1 of Locust's workers lost, with what they measured last" in said
    assert processes[-1].returncode == 2


@pytest.mark.parametrize("name", ["StandardUser", "BurstUser", "HeavyUser"])
def test_each_class_of_users_is_listed(name: str) -> None:
    done = subprocess.run(
        [*LOCUST, "--list"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert re.search(rf"^\s+{name}$", done.stdout, re.MULTILINE)


def test_the_rate_limit_is_told_apart_from_failures(tmp_path: Path) -> None:
    with standin(tmp_path, ENABLE_RATE_LIMITING="true") as auditor:
        done = locust("--host", auditor.url, "--run-time", "5s", "--stop-timeout", "5")
        (answered, refused) = re.findall(
            r"of (\d+) verifications, (\d+) more refused by the rate limit", done.stdout
        )[0]
        assert int(answered) == auditor.served
    assert int(refused) > 10
    assert re.search(r"error_rate\.normal +\| 0% ", done.stdout)
    assert re.search(r"^POST +/verify \w+ sentences? \(429\) +\d+ +0\(", done.stderr, re.MULTILINE)


def test_a_limit_that_refuses_all_proves_nothing(tmp_path: Path) -> None:
    with standin(tmp_path, ENABLE_RATE_LIMITING="true", RATE_LIMIT_BURST="0") as auditor:
        done = locust("--host", auditor.url, "--run-time", "3s")
    assert done.returncode == 2
    assert "nothing proven: 0 verifications, fewer than 20: the rate limit refused" in done.stdout
    assert " 0(0.00%)" in done.stderr.split("Aggregated")[1].splitlines()[0], "no failures"


def test_a_mark_is_left_in_grafana(tmp_path: Path) -> None:
    with serving(FakeGrafana()) as grafana, standin(tmp_path) as auditor:
        done = locust(
            *("--host", auditor.url, "--run-time", "3s", "--grafana", grafana.url),
            GRAFANA_TOKEN=EDITOR,
        )
    (found,) = grafana.annotations
    assert found["text"].startswith(f"load against {auditor.url}: verdict: "), done.stderr
    assert 1000 < found["timeEnd"] - found["time"] < 15000


def test_the_web_ui_starts_a_run_and_shows_it(tmp_path: Path) -> None:
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
            until(responds(ui), "the web UI serves", 30)
            form = {"user_count": 4, "spawn_rate": 4, "host": auditor.url}
            assert requests.post(f"{ui}/swarm", data=form, timeout=10).json()["success"]
            until(lambda: (auditor.served or 0) >= 30, "the users ask", 30)
            requests.get(f"{ui}/stop", timeout=10)
        finally:
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        assert said.count("verdict: target, of") == 1
