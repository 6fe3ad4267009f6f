from __future__ import annotations

import json
from pathlib import Path

import pytest

from generator.files import UnreadableError
from tests.performance import benchmark
from tests.performance.benchmark import baseline, main
from tests.performance.benchmarks import BY_KEY

WANTED = [BY_KEY["single"], BY_KEY["callers-10"]]


def result(tmp_path: Path, *benchmarks: object, form: int = 1) -> Path:
    path = tmp_path / "before.json"
    path.write_text(json.dumps({"form": form, "benchmarks": benchmarks}))
    return path


def test_a_baseline_may_have_other_benchmarks_too(tmp_path: Path) -> None:
    path = result(
        tmp_path,
        {"benchmark": "single", "seconds": [0.1, 0.2]},
        {"benchmark": "heavy", "seconds": [1]},
    )
    assert baseline(path, WANTED) == {"single": [0.1, 0.2], "heavy": [1.0]}


@pytest.mark.parametrize(
    "benchmarks",
    [[], [{"benchmark": "heavy", "seconds": [1]}], [{"benchmark": "single", "seconds": []}]],
)
def test_a_baseline_without_any_wanted_benchmark_is_an_error(
    tmp_path: Path, benchmarks: list[object]
) -> None:
    path = result(tmp_path, *benchmarks)
    with pytest.raises(UnreadableError, match=r"has no latencies of single, callers-10 to compare"):
        baseline(path, WANTED)


@pytest.mark.parametrize("seconds", [[float("nan")], [0], [-1], ["x"], [None], 1, [float("inf")]])
def test_invalid_latencies_are_an_error(tmp_path: Path, seconds: object) -> None:
    path = result(tmp_path, {"benchmark": "single", "seconds": seconds})
    with pytest.raises(UnreadableError, match=r"before\.json is not a result of this benchmark"):
        baseline(path, WANTED)


def test_another_format_version_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result(tmp_path, form=2)
    assert main(["--baseline", "before.json"]) == 2
    assert capsys.readouterr().err == "before.json: format version 2, expected 1\n"


def test_a_full_disk_is_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> dict[str, list[float]]:
        raise OSError(28, "No space left on device", "results.json")

    monkeypatch.setattr(benchmark, "_run", full)
    assert main([]) == 2
    assert capsys.readouterr().err == "cannot write results.json: No space left on device\n"
