"""The README's way from a clone to the first alert, with the stand-in in the Auditor's place."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import yaml

from generator.deploy.stack import BLACKBOX
from generator.names import BLACKBOX_SUCCESS, UP
from tests import tools
from tests.bundle import ROOT, thresholds
from tests.live.prometheus import Prometheus, free_port, running
from tests.live.waiting import PATIENCE, until
from tests.tools.skipping import had

pytestmark = pytest.mark.xdist_group("readme_use")

USE = (ROOT / "README.md").read_text().split("\n## Use\n")[1].split("\n## ")[0]
AUDITOR, SIDECAR, LOOK = re.findall(r"```bash\n(.*?)```", USE, re.DOTALL)
CONFIG = re.findall(r"```yaml\n(.*?)```", USE, re.DOTALL)[0]


@dataclass
class Stack:
    sidecar: subprocess.Popen[bytes]
    prometheus: Prometheus
    look: str

    def state(self, alert: str) -> str:
        """inactive, pending or firing."""
        states = {rule["name"]: str(rule.get("state")) for rule in self.prometheus.rules()}
        return states[alert]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, prometheus_server: Path) -> Iterator[Stack]:
    """The commands as printed, but for ports, folders, and who is the Auditor."""
    folder = tmp_path_factory.mktemp("use")
    rules = folder / "rules"
    shutil.copytree(ROOT / "alerts", rules)
    names = {
        "/run/auditor-metrics": str(folder / "metrics"),
        "/etc/prometheus/auditor": str(rules),
        "auditor.api.server:app": "--factory demo.auditor.app:create",
        "uvicorn ": f"exec {sys.executable} -m uvicorn ",
        ".venv/bin/python -m exporters": f"exec {sys.executable} -m exporters",
        "9105": str(free_port()),
        "8888": str(free_port()),
        "9115": str(free_port()),
    }
    blackbox = had(tools.BLACKBOX_EXPORTERS[-1])
    probing = [
        f"--config.file={ROOT / BLACKBOX}",
        f"--web.listen-address=127.0.0.1:{names['9115']}",
    ]

    def here(text: str) -> str:
        for name, value in names.items():
            text = text.replace(name, value)
        return text

    sidecar = here(SIDECAR).rstrip() + f" --listen 127.0.0.1:{names['9105']}"
    with (folder / "log").open("w") as log:
        started = [
            subprocess.Popen(["/bin/bash", "-euc", command], cwd=ROOT, stdout=log, stderr=log)
            for command in (here(AUDITOR), sidecar)
        ]
        started.append(subprocess.Popen([blackbox, *probing], stdout=log, stderr=log))
    try:
        config = yaml.safe_load(here(CONFIG))
        config["global"] = dict.fromkeys(config["global"], "1s")
        with running(prometheus_server, config, folder) as prometheus:
            yield Stack(started[1], prometheus, here(LOOK))
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait(PATIENCE)


def _succeeds(command: str) -> bool:
    done = subprocess.run(["/bin/bash", "-euc", command], capture_output=True, check=False)
    return done.returncode == 0


def test_the_sidecar_sees_the_workers_and_the_apps_metrics(stack: Stack) -> None:
    for command in stack.look.splitlines():
        until(partial(_succeeds, command), command)


def test_every_target_is_up_and_the_service_responds(stack: Stack) -> None:
    jobs = vars(thresholds().service.jobs).values()

    def up() -> bool:
        health = {
            each["labels"]["job"]: each["health"]
            for each in stack.prometheus.get("/api/v1/targets")["activeTargets"]
        }
        # There is no Alertmanager here.
        return {job for job, state in health.items() if state == "up"} == set(jobs)

    until(up, "every target is up")
    responds = f"{BLACKBOX_SUCCESS} == 1 and on (instance) {UP} == 1"
    until(lambda: stack.prometheus.query(responds), "the probe succeeds")


def test_the_watchdog_fires(stack: Stack) -> None:
    until(lambda: stack.state("AuditorWatchdog") == "firing", "the watchdog fires")


def test_without_the_sidecar_its_alert_begins(stack: Stack) -> None:
    until(partial(_succeeds, stack.look.splitlines()[0]), "the sidecar answers")
    stack.sidecar.send_signal(signal.SIGTERM)
    assert stack.sidecar.wait(PATIENCE) == 0
    begun = ("pending", "firing")
    until(lambda: stack.state("AuditorSidecarDown") in begun, "AuditorSidecarDown begins")
