"""Runs a performance test tool as the docs show it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.bundle import ROOT

TIMEOUT = 300


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it with the project's Python first on PATH and without a terminal."""
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
