"""Runs a performance test tool."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bundle import ROOT
from tests.live.waiting import HANGS


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """As the docs show it: with the project's Python first on PATH, and without a terminal."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PATH": path} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )


def code_of(main: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """The exit code of a tool that runs in this process."""
    try:
        return main(arguments)
    except SystemExit as ended:  # by argparse
        return int(ended.code or 0)
