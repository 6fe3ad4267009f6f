"""Runs a tool of the performance tests as the guide says it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.bundle import ROOT

TIMEOUT = 300


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """With the project's Python first on PATH, and nothing to answer a question."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PATH": path} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
