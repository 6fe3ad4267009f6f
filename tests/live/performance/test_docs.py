"""Every command of docs/performance-testing.md, shortened, and the CI workflow it mentions."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.processes import free_port, responds
from tests.bundle import ROOT
from tests.live.prometheus import running
from tests.live.waiting import HANGS, PATIENCE, until
from tests.performance.run import scenario_table
from tests.tools.skipping import had

pytestmark = pytest.mark.xdist_group("performance_docs")

PAGE = (ROOT / "docs" / "performance-testing.md").read_text()
BLOCKS = [
    [
        " ".join(line.split())
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
]
SERVER = next(line for block in BLOCKS for line in block if "uvicorn" in line)
TOGETHER = next(block for block in BLOCKS if any(line.endswith("--worker") for line in block))
WEB = "locust -f tests/performance/locustfile.py --host http://localhost:8888"
# Setup, what runs until Ctrl-C, and what test_scenarios.py covers.
SEPARATE = ("make", SERVER, WEB, *TOGETHER, "./tests/performance/scenarios.sh all")
COMMANDS = [
    line
    for line in dict.fromkeys(line for block in BLOCKS for line in block)
    if line not in SEPARATE and not line.startswith(("source ", "export "))
]
# The first command of each tool.
FIRST = {
    re.findall(r"locust|\w+\.(?:sh|py)|generator \w+", line)[0]: line for line in COMMANDS[::-1]
}
WORKFLOW: Any = yaml.safe_load((ROOT / ".github/workflows/performance.yml").read_text())
JOB = WORKFLOW["jobs"]["performance"]
# Seconds instead of minutes, and fewer requests.
SHORTENED = (
    (r"--run-time 5m", "--run-time 4s"),
    (r"--interval \d+ ", ""),
    (r"--duration \d+", "--duration 6 --interval 0.2"),
    (r"(benchmark\.py)", r"\1 --only single --only callers-10 --requests 100"),
)
SHORT_RUN = {
    "LOAD_TEST_SCALE": "0.001",
    "LOAD_TEST_USERS_SCALE": "0.05",
    "STANDIN_WORK_SECONDS": "0.001",
    "STANDIN_LOAD_SECONDS": "0",
    "STANDIN_MODEL_BYTES": "4096",
}


def shell(text: str, port: int, prometheus: int = 0) -> list[str]:
    """The command with the ports of the test, in the virtual environment."""
    for pattern, replacement in SHORTENED:
        text = re.sub(pattern, replacement, text)
    text = text.replace(":8888", f":{port}").replace("--port 8888", f"--port {port}")
    text = text.replace(":9090", f":{prometheus}")
    text = re.sub(r"(memory_profile\.py)", rf"\1 --port {port}", text)
    return ["/bin/bash", "-euc", f"source .venv/bin/activate\n{text}"]


def environment(port: int) -> dict[str, str]:
    return os.environ | SHORT_RUN | {"LOAD_TEST_HOST": f"http://localhost:{port}"}


def run(command: list[str], checkout: Path, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=checkout,
        env=environment(port),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )


@pytest.fixture(scope="module")
def server(checkout: Path) -> Iterator[int]:
    """The stand-in, started by the command on the page."""
    port = free_port()
    with (checkout / "standin.log").open("w") as log:
        process = subprocess.Popen(
            shell(SERVER, port),
            cwd=checkout,
            env=environment(port),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        until(responds(f"http://localhost:{port}/health"), "the stand-in responds")
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Without any data."""
    program = had("prometheus-3")
    with running(program, {}, tmp_path_factory.mktemp("prometheus")) as found:
        until(responds(f"http://{found.address}/-/ready"), "Prometheus responds")
        yield int(found.address.rpartition(":")[2])


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(line, marks=() if line in FIRST.values() else pytest.mark.full)
        for line in COMMANDS
    ],
)
def test_a_command_runs_as_shown(
    checkout: Path, server: int, prometheus: int, command: str
) -> None:
    """The verdict may be good or poor, as other tests run at the same time."""
    if "--baseline results.json" in command or "--results results.json" in command:
        made = "python tests/performance/benchmark.py --output results.json"
        run(shell(made, server), checkout, server)
    if "--proposed proposal.yaml" in command:
        (checkout / "proposal.yaml").write_text("targets: {}\n")
    done = run(shell(command, server, prometheus), checkout, server)
    assert "Traceback" not in done.stderr, done.stderr
    output = done.stdout + done.stderr
    too_short = "inconclusive: " in output and "scenarios.sh" in command
    assert done.returncode in (0, 1) or too_short, output


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("https://staging.example.com", "https://staging.example.com is down: "),
        ("https://api.production.example.com", "nothing was sent"),
    ],
)
def test_no_foreign_host_is_tested_by_accident(checkout: Path, host: str, message: str) -> None:
    (block,) = (each for each in BLOCKS if f"export LOAD_TEST_HOST={host}" in each)
    done = run(shell("\n".join(block), 0), checkout, 0)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.full
def test_master_and_worker_run_as_shown(checkout: Path, server: int) -> None:
    port = free_port()
    text = "\n".join(TOGETHER).replace("--master ", f"--master --master-bind-port {port} ")
    text = re.sub("--worker$", f"--worker --master-port {port}", text, flags=re.MULTILINE)
    done = run(shell(text, server), checkout, server)
    counted = r"^(verdict: \w+, based on|inconclusive: only) [1-9]\d* verifications"
    assert re.search(counted, done.stdout, re.MULTILINE), done


@pytest.mark.full
def test_the_web_ui_responds(checkout: Path, server: int) -> None:
    port = free_port()
    process = subprocess.Popen(
        shell(f"exec {WEB} --web-host 127.0.0.1 --web-port {port}", server),
        cwd=checkout,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(responds(f"http://127.0.0.1:{port}"), "the web UI responds")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0


@pytest.mark.full
def test_the_workflow_runs(checkout: Path) -> None:
    """Runs its steps twice in one folder: the first run is the baseline of the second."""
    port = free_port()
    summary = checkout / "step-summary.md"
    given = environment(port) | {"GITHUB_STEP_SUMMARY": str(summary)}
    steps = {step["name"]: step for step in JOB["steps"] if "run" in step}
    assert list(steps) == ["Install", "Start the stand-in", "Benchmarks", "Smoke test", "Summary"]

    def step(name: str) -> subprocess.Popen[bytes]:
        env = given | steps[name].get("env", {}) | {"LOAD_TEST_SCALE": "0.1"}
        del env["LOAD_TEST_USERS_SCALE"]
        text = f"source .venv/bin/activate\n{steps[name]['run']}"
        text = text.replace("benchmark.py", "benchmark.py --only single --requests 50")
        bash = ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text]
        return subprocess.Popen(bash, cwd=checkout, env=env, start_new_session=True)

    start = step("Start the stand-in")
    try:
        assert start.wait(PATIENCE) == 0
        for turn in (1, 2):
            for name in ("Benchmarks", "Smoke test", "Summary"):
                assert step(name).wait(PATIENCE) in (0, 1), name
            assert (checkout / "baseline.json").exists(), turn
            time.sleep(1)
    finally:
        os.killpg(start.pid, signal.SIGTERM)
    text = summary.read_text()
    assert "### benchmark, " in text
    assert "### smoke, " in text


def test_the_workflow_is_triggered_as_the_page_says() -> None:
    when = WORKFLOW[True]  # YAML 1.1 reads "on" as true
    assert when["push"] == {"branches": ["main"]}
    minute, hour, day, month, weekday = when["schedule"][0]["cron"].split()
    assert (day, month) == ("*", "*")
    assert weekday.isdecimal()
    assert int(minute) < 60 > int(hour)
    upload = next(step for step in JOB["steps"] if "upload" in step.get("uses", ""))
    assert upload["with"]["path"] == "tests/performance/reports/"


def test_the_page_lists_all_scenarios() -> None:
    assert scenario_table() in PAGE
    assert WEB in BLOCKS[2]
    shown = re.findall(r"scenarios\.sh (\w+)$", PAGE, re.MULTILINE)
    assert set(shown) >= {line.split()[1] for line in scenario_table().splitlines()[2:]} | {
        "all",
        "menu",
    }


def test_every_link_of_the_page_exists() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).exists(), target


def test_every_option_of_the_page_exists() -> None:
    helps = "".join(
        subprocess.run(
            ["/bin/bash", "-c", f"source .venv/bin/activate; {command} --help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=HANGS,
            check=True,
        ).stdout
        for command in (
            "tests/performance/scenarios.sh",
            "python tests/performance/benchmark.py",
            "python tests/performance/memory_profile.py",
            "python -m generator calibrate",
            "python -m generator backtest",
            "locust -f tests/performance/locustfile.py",
        )
    )
    texts = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    named = set(re.findall(r"`(--[a-z-]+)", texts))
    assert named
    assert {each for each in named if each not in helps} == set()
