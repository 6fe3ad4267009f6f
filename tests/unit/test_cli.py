"""The shipped command, run as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from generator import panel_ids
from generator.cli import main
from tests.bundle import ROOT, files
from tests.calls import call

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what a user edits and of what is committed."""
    (tmp_path / "thresholds.yaml").write_text((ROOT / "thresholds.yaml").read_text())
    for path, text in files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.fixture
def run(project: Path) -> Run:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "generator", *arguments],
            cwd=project,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return command


@pytest.fixture
def called(project: Path) -> Run:
    """As `run`, in this process."""
    return lambda *arguments: call(main, arguments, project, {})


def edit(project: Path, old: str, new: str) -> None:
    path = project / "thresholds.yaml"
    text = path.read_text()
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1))


def test_the_committed_files_are_what_the_generator_prints() -> None:
    for path, text in files().items():
        assert (ROOT / path).read_bytes() == text.encode(), f"{path}: run make"


def test_check_passes_on_a_fresh_checkout(run: Run) -> None:
    done = run("check")
    assert (done.returncode, done.stdout) == (0, f"{len(files())} files are up to date\n")


def test_check_shows_a_difference_and_fails(called: Run, project: Path) -> None:
    path = project / "alerts/error.yml"
    path.write_text(path.read_text().replace("> 0.05", "> 0.06"))
    done = called("check")
    assert done.returncode == 1
    assert "--- alerts/error.yml" in done.stdout
    assert any(line.startswith("-") and "> 0.06" in line for line in done.stdout.splitlines())
    assert f"1 of {len(files())} files are out of date: run make" in done.stderr


def test_check_knows_missing_and_left_over_files(called: Run, project: Path) -> None:
    (project / "alerts/error.yml").rename(project / "alerts/fault.yml")
    done = called("check")
    assert done.returncode == 1
    assert "--- /dev/null\n+++ alerts/error.yml (rendered)" in done.stdout
    assert "alerts/fault.yml: no longer part of the bundle" in done.stdout


def test_render_writes_what_a_changed_number_reaches(run: Run, project: Path) -> None:
    edit(
        project,
        "p95: {target: 500ms, acceptable: 1s, poor: 2s",
        "p95: {target: 500ms, acceptable: 1s, poor: 2400ms",
    )
    done = run("render", "--only", "alerts")
    assert done.returncode == 0, done.stderr
    assert "wrote alerts/latency.yml" in done.stdout
    assert "> 2.4\n" in (project / "alerts/latency.yml").read_text()
    assert run("check", "--only", "dashboards").returncode == 1


def test_render_removes_only_its_own_left_overs(called: Run, project: Path) -> None:
    (project / "alerts/old.yml").write_text((project / "alerts/error.yml").read_text())
    (project / "alerts/mine.yml").write_text("groups: []\n")
    done = called("render")
    assert "removed alerts/old.yml" in done.stdout
    assert not (project / "alerts/old.yml").exists()
    assert (project / "alerts/mine.yml").exists()


def test_a_typo_is_one_clear_line_and_exit_code_2(run: Run, project: Path) -> None:
    edit(project, "min_requests: 20", "min_request: 20")
    done = run("render")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "thresholds.yaml:" in done.stderr
    assert "min_requests" in done.stderr
    assert (
        run("check", "--thresholds", "nowhere.yaml").stderr
        == "nowhere.yaml: No such file or directory\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["paint"],
        ["render", "--only", "pictures"],
        ["explain"],
        ["check", "--overlay", "no.yaml"],
    ],
)
def test_wrong_arguments_exit_with_2(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_bound_between_two_buckets_is_noted(called: Run, project: Path) -> None:
    assert called("check").stderr == ""
    (project / "inexact.yaml").write_text("targets: {latency: {p50: {poor: 900ms}}}")
    done = called("check", "--overlay", "inexact.yaml")
    assert done.stderr.startswith("note: inexact.yaml:1:33: targets.latency.p50.poor (900ms) lies")


def test_explain_names_the_line_of_every_number(called: Run, project: Path) -> None:
    done = called("explain", "AuditorHighLatency")
    assert done.returncode == 0
    lines = (project / "thresholds.yaml").read_text().splitlines()
    number = next(i for i, line in enumerate(lines, 1) if line.strip().startswith("p95: {"))
    column = lines[number - 1].index("2s") + 1
    assert f"targets.latency.p95.poor at thresholds.yaml:{number}:{column}" in done.stdout
    for part in (
        "histogram_quantile(0.95",
        "promtool-tests/AuditorHighLatency.yml",
        "docs/runbooks/AuditorHighLatency.md",
    ):
        assert part in done.stdout
    for other in ("highlatency", "high_latency", "alerts.high_latency"):
        assert called("explain", other).stdout == done.stdout


def test_explain_says_what_depends_on_a_number(called: Run) -> None:
    done = called("explain", "targets.latency.p95.poor")
    assert "AuditorHighLatency: alerts/latency.yml" in done.stdout
    assert "AuditorRequestsWaiting" in done.stdout
    assert done.stderr == ""


def test_explain_offers_the_nearest_name(called: Run) -> None:
    done = called("explain", "AuditorHighLatencie")
    assert done.returncode == 2
    assert "did you mean AuditorHighLatency" in done.stderr


def test_the_schema_is_json(run: Run) -> None:
    assert json.loads(run("schema").stdout)["$schema"].startswith("https://json-schema.org/")


def test_an_overlay_renders_into_a_folder_of_its_own(called: Run, project: Path) -> None:
    (project / "staging.yaml").write_text("targets: {latency: {p95: {poor: 2500ms}}}\n")
    done = called("render", "--overlay", "staging.yaml", "--out", "build/staging")
    assert done.returncode == 0, done.stderr
    assert "> 2.5\n" in (project / "build/staging/alerts/latency.yml").read_text()
    assert called("check").returncode == 0


def test_help_shows_every_command_and_an_example(run: Run) -> None:
    text = run("--help").stdout
    assert all(
        name in text for name in ("render", "check", "explain", "schema", "exit codes", "examples")
    )


@pytest.mark.parametrize(
    "arguments", [["--help"], ["render", "--help"], ["explain", "--help"], ["push", "--help"]]
)
def test_help_is_cheap(arguments: list[str]) -> None:
    """Importing the rest takes several times as long as the help itself."""
    program = (
        "import sys\n"
        "from generator.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "generator" in loaded
    assert loaded.isdisjoint({"grafanalib", "requests", "yaml", "_jsonnet", "pydantic", "jinja2"})


@pytest.mark.parametrize("arguments", [["schema"], ["explain", "AuditorDown"]])
def test_what_needs_no_dashboard_does_not_import_grafanalib(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from generator.cli import main\n"
        "main(sys.argv[1:])\n"
        "sys.exit('grafanalib' in sys.modules)"
    )
    command = [sys.executable, "-c", program, *arguments]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_ids_that_two_panels_have_are_one_message_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = panel_ids.committed().text().replace("burn_rate: 8", "burn_rate: 7")
    monkeypatch.setattr(panel_ids, "committed", lambda: panel_ids.parse(broken))
    assert main(["check", "--thresholds", str(ROOT / "thresholds.yaml")]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("generator/panel_ids.yaml: overview: two entries have the same id")


def test_a_reader_that_closes_early_is_no_error(project: Path) -> None:
    done = subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {sys.executable} -m generator schema | head -c 1"],
        cwd=project,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
