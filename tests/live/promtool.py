"""Running promtool on rendered files, and on as little of them as says the same."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from mutation.sandbox import Sandbox
from mutation.slices import whole_cases
from mutation.suite import read_suite


def run(*command: str | Path) -> None:
    """On one processor at most: other tests run beside."""
    # Memory for speed: a quarter less time.
    environment = {**os.environ, "GOGC": "400", "GOMAXPROCS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def cases(tests: Iterable[Path], bundle: Path) -> list[Path]:
    """Each case in a file of its own, over only the rules that it reads: in a third of the time."""
    folder = bundle / "cases"
    folder.mkdir()
    sandbox = Sandbox(folder)
    return [sandbox.write_test(case)[0] for case in whole_cases(read_suite(tests))]
