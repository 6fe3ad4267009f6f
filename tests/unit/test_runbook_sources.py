"""Mistakes in the sources of the runbooks: each is one line that says where and what is known."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from generator.runbooks.render import render
from generator.runbooks.sources import PAGES, RunbookError
from tests.bundle import ROOT, alerts, thresholds


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A copy of the sources, to be broken."""
    return Path(shutil.copytree(PAGES, tmp_path / "pages"))


def problems(pages: Path) -> list[str]:
    """What rendering a folder of sources complains of."""
    with pytest.raises(RunbookError) as raised:
        render(thresholds(), alerts(), pages)
    return str(raised.value).replace(f"{pages}/", "").splitlines()


def add(page: Path, text: str) -> int:
    """Append a line and give its number."""
    with page.open("a") as file:
        file.write(f"{text}\n")
    return len(page.read_text().splitlines())


# Page, what is wrong in it, and the message.
MISTAKES = (
    ("high_error_rate", "{{ windov }}", "no value is named windov; did you mean window?"),
    ("requests_failing", "{{ alert('hi_memory') }}", "no alert is named hi_memory; did you mean h"),
    ("high_memory", "{{ metric.open_fd }}", "no metric is named open_fd; did you mean open_fds"),
    ("high_cpu", "{{ bound.critical }}", "no severity is named critical; known: info, warning"),
    ("idle_cpu", "{{ panel.titel }}", "no part of a panel is named titel; did you mean title?"),
    ("requests_waiting", "{{ command.rstart }}", "no command is named rstart; did you mean "),
    ("slow_probe", "{{ query.cpus('5m') }}", "no query is named cpus; did you mean cpu"),
    ("workers_missing", "{{ value('slo.x') }}", "no value of thresholds.yaml is named slo.x; "),
    ("worker_crash_loop", "{{ recording('job:*') }}", "no recording rule is named job:*; "),
    ("down", "{{ name.first }}", "'str object' has no attribute 'first'"),
    ("unresponsive", "{% if name %}", "Unexpected end of template."),
    ("no_traffic", "{% include 'shared/rollback.md' %}", "no text is named shared/rollback.md; "),
)


def test_every_mistake_is_reported_with_file_line_and_what_is_known(pages: Path) -> None:
    expected = [
        f"{page}.md:{add(pages / f'{page}.md', text)}: {problem}"
        for page, text, problem in MISTAKES
    ]
    found = problems(pages)
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)


def test_a_mistake_in_a_shared_text_is_reported_once_where_it_stands(pages: Path) -> None:
    line = add(pages / "shared/slow_database.md", "{{ command.pqsl }}")
    (found,) = problems(pages)
    assert found.startswith(f"shared/slow_database.md:{line}: no command is named pqsl")


def test_alerts_without_a_page_and_pages_without_an_alert_are_all_named(pages: Path) -> None:
    (pages / "down.md").unlink()
    (pages / "high_cpu.md").rename(pages / "high_cpus.md")
    assert problems(pages) == [
        "high_cpu.md is missing: alert high_cpu has no runbook",
        "down.md is missing: alert down has no runbook",
        "high_cpus.md is unused: no alert is named high_cpus",
    ]


@pytest.mark.parametrize(
    ("matter", "problem"),
    [
        ("", "down.md:1: expected front matter that has a summary and nothing else"),
        (
            "---\nsummary: It is down.\nowner: me\n---\n",
            "down.md:1: expected front matter that has a summary and nothing else",
        ),
        (
            "---\nsummary:\n---\n",
            "down.md:1: expected front matter that has a summary and nothing else",
        ),
        (
            "---\nsummary: Down: no worker runs.\n---\n",
            "down.md:2: mapping values are not allowed here; put the text in quotes",
        ),
    ],
)
def test_wrong_front_matter_is_refused(pages: Path, matter: str, problem: str) -> None:
    (pages / "down.md").write_text(f"{matter}\n## First five minutes\n")
    (found,) = problems(pages)
    assert found.startswith(problem)


def test_the_command_refuses_them_without_a_traceback(tmp_path: Path) -> None:
    for name in ("generator", "exporters"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "thresholds.yaml", tmp_path)
    pages = tmp_path / "generator/runbooks/pages"
    (pages / "down.md").rename(pages / "up.md")
    done = subprocess.run(
        [sys.executable, "-m", "generator", "render"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-2:] == [
        "generator/runbooks/pages/down.md is missing: alert down has no runbook",
        "generator/runbooks/pages/up.md is unused: no alert is named up",
    ]
    assert not (tmp_path / "alerts").exists()
