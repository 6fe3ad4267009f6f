"""The memory profile of real workers: a leak, a sawtooth, loading models, no workers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from demo.injection import Effect
from demo.processes import free_port
from tests.bundle import ROOT, thresholds
from tests.live.performance.command import run
from tests.live.standin import Standin, standin
from tests.live.waiting import PATIENCE, until

PROFILE = ("python", "tests/performance/memory_profile.py")
MIB = 2**20
# A poor leak, in bytes per second.
LEAK = 1.2 * thresholds().targets.memory.growth.acceptable
MODELS = 64 * MIB


def port(auditor: Standin) -> str:
    return auditor.url.rpartition(":")[2]


def profile(auditor: Standin, folder: Path, *options: str) -> tuple[int, Any, str]:
    """Exit code, document and output."""
    file = folder / "profile.json"
    done = run(
        *(*PROFILE, "--port", port(auditor), "--output", file, "--plot", folder / "profile.png"),
        *("--duration", "15", "--interval", "0.5", *options),
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert (folder / "profile.png").read_bytes().startswith(b"\x89PNG")
    return done.returncode, json.loads(file.read_text()), done.stdout


def samples(folder: Path) -> int:
    """How many it has taken so far of the only worker."""
    file = folder / "workers.csv"
    return len(file.read_text().splitlines()) - 1 if file.exists() else 0


def graded(document: Any, metric: str) -> Any:
    (found,) = (each for each in document["grades"] if each["metric"] == metric)
    return found


def test_a_leak_of_one_worker_is_found(tmp_path: Path) -> None:
    with standin(tmp_path, workers=2) as auditor:
        auditor.inject(Effect.LEAK, LEAK, worker=1)
        code, document, _ = profile(auditor, tmp_path)
    assert code == 1
    found = graded(document, "memory.growth")
    assert found["verdict"] == "poor"
    assert found["measured"] == pytest.approx(LEAK, rel=0.1)
    growing = [each for each in document["growth"] if each["quantity"] == "resident"]
    assert sorted(each["slope"] > 1e5 for each in growing) == [False, True]
    assert {each["worker"] for each in document["samples"]} == {"0", "1"}
    assert len(document["samples"]) == 2 * 31


@pytest.mark.full
def test_a_sawtooth_is_no_leak(tmp_path: Path) -> None:
    """150 MiB up and down."""
    with standin(tmp_path) as auditor:
        auditor.inject(Effect.SAWTOOTH, 50 * MIB)
        code, document, _ = profile(auditor, tmp_path)
    sizes = [each["resident"] for each in document["samples"]]
    assert max(sizes) - min(sizes) > 100 * MIB
    assert graded(document, "memory.growth")["verdict"] in ("target", "acceptable", "")
    assert code in (0, 2), "at worst the run is too short"


@pytest.mark.full
def test_loading_models_is_no_leak(tmp_path: Path) -> None:
    def load() -> None:
        until(lambda: samples(tmp_path) >= 4, "it samples")
        auditor.verify()

    models = str(MODELS)
    with standin(tmp_path, STANDIN_MODEL_BYTES=models, STANDIN_LOAD_SECONDS="1") as auditor:
        first = Thread(target=load)
        first.start()
        code, document, _ = profile(auditor, tmp_path, "--report", str(tmp_path))
        first.join()
    sizes = [each["resident"] for each in document["samples"]]
    assert sizes[-1] - sizes[0] >= MODELS
    assert graded(document, "memory.growth")["verdict"] == "target"
    assert code == 0


def test_a_missing_worker_is_an_error() -> None:
    done = run(*PROFILE, "--port", str(free_port()), "--duration", "1", "--interval", "0.5")
    assert done.returncode == 2
    assert done.stderr == (
        "no workers found: nothing listens on the port; start the Auditor or set its port\n"
    )


def test_an_interrupted_run_prints_what_it_has_seen(tmp_path: Path) -> None:
    with standin(tmp_path) as auditor:
        process = subprocess.Popen(
            [sys.executable, *PROFILE[1:], "--port", port(auditor), "--report", tmp_path / "it"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: samples(tmp_path / "it") >= 1, "it samples")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2, "the run is too short"
    assert "inconclusive: worker 0: memory.growth: too few samples; run longer" in output
    assert errors.splitlines()[-1] == "interrupted"
