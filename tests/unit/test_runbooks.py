"""The runbooks and the page of targets: complete, and right wherever a tool can tell."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generator import targets
from generator.alerts import all_alerts
from generator.alerts.model import Alert
from generator.runbooks.render import render
from generator.runbooks.sources import summary
from generator.thresholds import Thresholds
from generator.thresholds.fields import Model, Quantity, kind
from generator.thresholds.units import Unit
from generator.values import Value, values
from tests.bundle import ROOT, alerts, files, thresholds
from tests.unit.test_alerts import check_known

FOLDER = "docs/runbooks"
PAGES = {alert.name: f"{FOLDER}/{alert.name}.md" for alert in alerts()}
INDEX = f"{FOLDER}/README.md"
WRITTEN = [*PAGES.values(), INDEX, "docs/targets.md"]
SECTIONS = (
    "First five minutes",
    "Who is affected",
    "When to escalate",
    "Where to look",
    "Likely causes",
    "Background",
    "Condition",
    "Numbers",
    "Test cases",
)
MOST_WORDS = 300

# Every setting of the Auditor's performance testing guide and the values it names.
GUIDE = {
    "CUDA_DEVICE": {"0"},
    "DB_MAX_OVERFLOW": {"40"},
    "DB_POOL_SIZE": {"20"},
    "EMBEDDING_BATCH_SIZE": {"64"},
    "EMBEDDING_MODEL": {"paraphrase-multilingual-MiniLM-L12-v2"},
    "ENABLE_MODEL_CACHE": {"true"},
    "ENABLE_RATE_LIMITING": {"true", "false"},
    "KEEP_ALIVE": {"5"},
    "MODEL_CACHE_DIR": {"/mnt/fast-storage/models", "/dev/shm/models"},  # noqa: S108  # a setting, not a file of ours
    "RATE_LIMIT_BURST": {"10", "20"},
    "RATE_LIMIT_PER_MINUTE": {"60", "100", "200"},
    "REQUEST_TIMEOUT": {"60", "120"},
    "SPACY_MODEL": {"de_core_news_md", "de_core_news_lg"},
    "WORKER_CLASS": {"uvicorn.workers.UvicornWorker"},
    "WORKER_COUNT": {"8", "9"},
}
# A setting of the Auditor's metrics library, and names that belong to the operating system.
OTHERS = {"PROMETHEUS_MULTIPROC_DIR", "WEB_CONCURRENCY", "CAP_SYS_PTRACE"}


def fenced(text: str, language: str) -> list[str]:
    """Code blocks of a language, in steps of a list as well."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", text, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for _, block in found]


def settings(text: str) -> list[list[str]]:
    """Name and value of every setting that a page proposes."""
    blocks = re.findall(r"^\[Settings\].*?\n```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).splitlines()
    return [line.partition("  #")[0].split("=", 1) for line in lines]


def words(text: str) -> int:
    """Words of the prose: without code blocks, targets of links, and the pipes of tables."""
    prose = re.sub(r"^( *)```.*?^\1```$|\]\([^)]*\)|\|", "", text, flags=re.DOTALL | re.MULTILINE)
    return len(re.findall(r"\S*\w\S*", prose))


def headings(text: str) -> list[str]:
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"^#+ (.+)$", prose, re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    kept = (re.sub(r"[^\w\- ]", "", title.lower()) for title in headings(text))
    return {title.replace(" ", "-") for title in kept}


def links(text: str) -> Iterator[str]:
    return (link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link)


def test_there_is_a_page_for_every_alert_and_no_other() -> None:
    rendered = {path for path in files() if path.startswith(f"{FOLDER}/")}
    assert rendered == {*PAGES.values(), f"{FOLDER}/README.md"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_every_section_and_none_is_empty(name: str) -> None:
    text = files()[PAGES[name]]
    assert [title for title in headings(text) if title in SECTIONS] == list(SECTIONS)
    prose = re.sub(r"^( *)```.*?^\1```$", "code", text, flags=re.DOTALL | re.MULTILINE)
    assert re.findall(r"^#+ (.+)\n+(?=#)", prose, re.MULTILINE) == ["Likely causes"]


@pytest.mark.parametrize("name", PAGES)
def test_what_is_read_at_night_is_short(name: str) -> None:
    _, _, page = files()[PAGES[name]].partition("-->\n")
    assert words(page.partition("\n## Background\n")[0]) <= MOST_WORDS


def test_only_prose_counts_as_words() -> None:
    assert words("# A title\n\n[two words](a-page.md) | `x`\n\n```sh\nnot counted\n```\n") == 5


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_numbered_steps_and_several_causes(name: str) -> None:
    page = files()[PAGES[name]]
    _, _, first = page.partition(f"\n## {SECTIONS[0]}\n")
    steps = re.findall(r"^(\d)\. ", first.partition("\n## ")[0], re.MULTILINE)
    assert steps
    assert steps == [str(number) for number, _ in enumerate(steps, start=1)]
    _, _, causes = page.partition("\n## Likely causes\n")
    assert causes.partition("\n## ")[0].count("\n### ") > 1


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_a_summary_is_one_sentence(alert: Alert) -> None:
    text = summary(alert.key)
    assert text == text.strip()
    assert text.endswith(".")
    assert ". " not in text


@pytest.mark.parametrize("path", WRITTEN)
def test_pages_are_in_one_canonical_form(path: str) -> None:
    text = files()[path]
    assert text.startswith("<!-- Generated from thresholds.yaml")
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\n\n\n" not in text
    assert not re.search(r"[ \t]$|\t", text, re.MULTILINE)
    assert text.isascii()


@pytest.mark.parametrize("path", WRITTEN)
def test_every_link_leads_somewhere(path: str) -> None:
    known = {*files(), "thresholds.yaml"}
    for link in links(files()[path]):
        file, _, anchor = link.partition("#")
        target = (ROOT / path).parent.joinpath(file).resolve().relative_to(ROOT).as_posix()
        assert target in known, link
        assert not anchor or anchor in anchors(files()[target]), link


@pytest.mark.parametrize("path", WRITTEN)
def test_every_alert_that_a_page_names_exists(path: str) -> None:
    assert set(re.findall(r"\bAuditor[A-Z][A-Za-z]+\b", files()[path])) <= PAGES.keys()


@pytest.mark.parametrize("path", PAGES.values())
def test_every_query_parses_and_uses_series_that_exist(path: str) -> None:
    queries = fenced(files()[path], "promql")
    assert len(queries) > 1
    for query in queries:
        check_known(query)


@pytest.mark.parametrize("path", WRITTEN)
def test_every_setting_is_one_of_the_guide(path: str) -> None:
    names = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", files()[path]))
    assert names <= GUIDE.keys() | OTHERS


@pytest.mark.parametrize("path", PAGES.values())
def test_every_setting_has_a_value_of_the_guide_and_is_in_the_index(path: str) -> None:
    workers = thresholds().service.expected_workers
    allowed = {**GUIDE, "WORKER_COUNT": {*GUIDE["WORKER_COUNT"], str(workers)}}
    listed = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", files()[INDEX], re.MULTILINE)
    for name, value in settings(files()[path]):
        assert name in OTHERS or value in allowed[name]
        assert f"`{value}`" in dict(listed)[name]


def test_the_index_lists_no_setting_that_no_page_proposes() -> None:
    listed = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", files()[INDEX], re.MULTILINE)
    proposed = [each for path in PAGES.values() for each in settings(files()[path])]
    for name, values_ in listed:
        assert {f"`{value}`" for key, value in proposed if key == name} == {*values_.split(", ")}


def test_every_command_is_sound_shell(tmp_path: Path) -> None:
    """Names in lower case, such as $pid, are the reader's to set."""
    script = tmp_path / "commands.sh"
    blocks = {block for path in PAGES.values() for block in fenced(files()[path], "sh")}
    script.write_text("#!/bin/bash\n" + "".join(sorted(blocks)))
    checker = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert checker, "shellcheck is in requirements-dev.txt"
    excluded = "SC2034,SC2154"  # settings that no command reads, and names that none sets
    done = subprocess.run(
        [checker, "--severity=warning", f"--exclude={excluded}", str(script)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_the_panel_exists_under_the_names_of_the_page(alert: Alert) -> None:
    text = files()[PAGES[alert.name]]
    found = re.search(
        r"\[([^]]+)\]\(\S+?/d/(\S+?)\?viewPanel=(\d+)\) on the dashboard (.+), ", text
    )
    assert found
    panel, uid, number, title = found.groups()
    board = json.loads(files()[f"dashboards/{alert.panel.dashboard}.json"])
    assert (board["title"], board["uid"]) == (title, uid)
    assert [each["title"] for each in board["panels"] if each["id"] == int(number)] == [panel]


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_the_numbers_of_a_page_stand_in_the_file(alert: Alert) -> None:
    known = {value.path: value.text for value in values(thresholds())}
    rows = re.findall(r"^\| (.+?) +\| `([a-z0-9_.]+)` ", files()[PAGES[alert.name]], re.MULTILINE)
    assert {path: text for text, path in rows}.items() <= known.items()
    assert {path for _, path in rows} == {
        path for path in known for own in alert.paths() if path == own or path.startswith(f"{own}.")
    }
    assert all(path in thresholds().positions for _, path in rows)


def changed(known: Thresholds, below: str) -> Thresholds:
    """`known` with every number at or below a path a little larger."""
    new: Thresholds = _changed(known, "", below)
    return new


def _changed(node: Any, at: str, below: str) -> Any:
    if not f"{at}.".startswith(f"{below}.") and not below.startswith(f"{at}.") and at:
        return node
    new: dict[str, Any] = {}
    for name, field in type(node).model_fields.items():
        path, value = f"{at}.{field.alias or name}".lstrip("."), getattr(node, name)
        form, inside = kind(field), f"{path}.".startswith(f"{below}.")
        if isinstance(value, Model):
            new[name] = _changed(value, path, below)
        elif path == "alerts":
            new[name] = {key: _changed(each, f"alerts.{key}", below) for key, each in value.items()}
        elif value is not None and isinstance(form, Quantity) and inside:
            new[name] = _larger(value, form.unit)
    return node.model_copy(update=new)


def _larger(value: float, unit: Unit) -> float:
    if unit is Unit.COUNT:
        return value + 1
    if unit is Unit.DURATION:
        return round(value * 1.1, 3) if 0 < value < 60 else value + 60
    return round(value * 1.01, 12)


def pages(known: Thresholds) -> dict[str, str]:
    return render(known, all_alerts(known))


@pytest.fixture(scope="module")
def unchanged() -> dict[str, str]:
    return pages(thresholds())


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_an_alerts_own_numbers_change_its_page_alone(
    alert: Alert, unchanged: dict[str, str]
) -> None:
    after = pages(changed(thresholds(), alert.settings))
    assert {path for path in after if after[path] != unchanged[path]} == {PAGES[alert.name]}


@pytest.mark.parametrize("row", thresholds().rows())
def test_a_row_changes_the_pages_of_its_alerts_alone(row: str, unchanged: dict[str, str]) -> None:
    below = f"targets.{row}"
    after = pages(changed(thresholds(), below))
    expected = {
        PAGES[alert.name]
        for alert in alerts()
        if any(path.startswith(f"{below}.") for path in alert.paths())
    }
    assert {path for path in after if after[path] != unchanged[path]} == expected


NUMBERS = [
    value
    for value in values(thresholds())
    if value.path.startswith(("targets.", "slo.", "service.")) and value.text != "none"
]


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: value.path)
def test_the_page_of_targets_shows_every_value(value: Value) -> None:
    known = changed(thresholds(), value.path)
    before = files()["docs/targets.md"]
    if known != thresholds():
        assert targets.render(known, alerts())["docs/targets.md"] != before
    else:  # a text or a list
        assert f"| `{value.path}`" in before
        assert value.text in before


@pytest.mark.parametrize("row", thresholds().rows())
def test_the_page_of_targets_says_what_watches_a_row(row: str) -> None:
    line = next(line for line in files()["docs/targets.md"].splitlines() if f"| `{row}` " in line)
    watching = {
        alert.name
        for alert in alerts()
        for each in alert.triggers
        if each.bound and each.bound.row == row
    }
    assert set(re.findall(r"\[(\w+)\]", line)) == watching
    assert ("graded by the performance tests" in line) == (not watching)
