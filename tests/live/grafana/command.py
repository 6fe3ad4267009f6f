"""Runs `push` and `pull` as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from generator.cli import main
from tests.bundle import ROOT
from tests.calls import call
from tests.grafana import dashboards
from tests.live.grafana.server import EDITOR, FakeGrafana
from tests.live.waiting import HANGS

Run = Callable[..., subprocess.CompletedProcess[str]]
RENDERED: dict[str, dict[str, Any]] = {each["uid"]: each for each in dashboards().values()}


def run(
    command: str, grafana: FakeGrafana, *arguments: str, token: str = EDITOR, **environment: str
) -> subprocess.CompletedProcess[str]:
    environment = {"GRAFANA_TOKEN": token, **environment}
    return call(main, [command, "--grafana", grafana.url, *arguments], ROOT, environment)


def start(command: str, grafana: FakeGrafana) -> subprocess.CompletedProcess[str]:
    """In a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "generator", command, "--grafana", grafana.url],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "GRAFANA_TOKEN": EDITOR},
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )


def retitle(data: dict[str, Any]) -> None:
    data["panels"][1]["title"] = "Changed by hand"
