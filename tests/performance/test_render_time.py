"""How long a process takes to render the whole bundle: `make bench`."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tools import ROOT

RUNS = 9
MAX_SECONDS = 0.5


def seconds(target: Path) -> float:
    """Wall time of one process that renders everything."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "generator", "render", "--out", target],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - start


@pytest.mark.bench
def test_the_bundle_renders_within_half_a_second(tmp_path: Path) -> None:
    seconds(tmp_path / "warm-up")
    taken = [seconds(tmp_path / str(turn)) for turn in range(RUNS)]
    median = statistics.median(taken)
    print(f"\nrender, {RUNS} runs: median {median:.3f} s, {min(taken):.3f} to {max(taken):.3f} s")
    assert median <= MAX_SECONDS
