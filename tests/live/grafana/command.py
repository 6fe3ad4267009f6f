"""Runs `push` and `pull` as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests.bundle import ROOT
from tests.grafana import dashboards
from tests.live.grafana.server import EDITOR, FakeGrafana
from tests.live.waiting import HANGS

Run = Callable[..., subprocess.CompletedProcess[str]]
RENDERED: dict[str, dict[str, Any]] = {each["uid"]: each for each in dashboards().values()}


def run(
    command: str, grafana: FakeGrafana, *arguments: str, token: str = EDITOR, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "generator", command, "--grafana", grafana.url, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "GRAFANA_TOKEN": token, **environment},
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )


def retitle(data: dict[str, Any]) -> None:
    data["panels"][1]["title"] = "Changed by hand"
