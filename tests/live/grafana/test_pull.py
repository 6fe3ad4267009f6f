"""`pull`: edits in Grafana, with their places in the source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.bundle import ROOT, thresholds
from tests.live.grafana.command import RENDERED, retitle, run, start
from tests.live.grafana.server import FakeGrafana, serving

Json = dict[str, Any]


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with serving(FakeGrafana()) as found:
        assert run("push", found).returncode == 0
        yield found


def panel(data: Json, identifier: int) -> Json:
    (found,) = [each for each in data["panels"] if each["id"] == identifier]
    return dict(found)


def edited(grafana: FakeGrafana, change: Callable[[Json], object]) -> list[str]:
    """What a pull prints about an edit to the errors dashboard."""
    grafana.edit("auditor-errors", change, "at night")
    done = run("pull", grafana)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("auditor-errors: version"))
    assert '("at night"), pushed as version 1' in lines[first]
    assert [line for line in lines if line.endswith(": no edits")] == [
        f"{uid}: no edits" for uid in RENDERED if uid != "auditor-errors"
    ]
    return [line.strip() for line in lines[first + 1 :] if line.startswith(" ")]


def check_place(place: str, text: str) -> None:
    """A place such as `thresholds.yaml:23:9` or `generator/cli.py:9` is a line with that text."""
    path, line = place.split(":")[:2]
    assert text in (ROOT / path).read_text().splitlines()[int(line) - 1]


def test_a_pushed_dashboard_has_no_edits(grafana: FakeGrafana) -> None:
    done = start("pull", grafana)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"{uid}: no edits" for uid in RENDERED]
    assert [method for method, _ in grafana.requests if method == "POST"] == ["POST"] * 5


def test_an_empty_grafana_has_no_edits() -> None:
    with serving(FakeGrafana()) as empty:
        done = run("pull", empty)
        assert (done.returncode, done.stdout.splitlines()) == (
            0,
            [f"{uid}: not in Grafana" for uid in RENDERED],
        )


def test_a_moved_threshold_step_leads_to_the_thresholds(grafana: FakeGrafana) -> None:
    def higher(data: Json) -> None:
        panel(data, 100)["fieldConfig"]["defaults"]["thresholds"]["steps"][2]["value"] = 0.02

    where, change, source = edited(grafana, higher)
    assert where == 'panel "Error ratio" (id 100)'
    assert change == "fieldConfig.defaults.thresholds.steps[2].value: 0.01 -> 0.02"
    position = thresholds().positions["targets.error_rate.normal.acceptable"]
    assert source == f"{position} targets.error_rate.normal.acceptable: 2%"
    check_place(source, "acceptable: 1%")


def test_an_edited_expression_leads_to_its_alert(grafana: FakeGrafana) -> None:
    def narrower(data: Json) -> None:
        panel(data, 100)["targets"][0]["expr"] = 'up{job="x"}'

    _, title, before, after, source = edited(grafana, narrower)
    assert title == "targets[A].expr:"
    assert before.startswith("- ")
    assert after == '+ up{job="x"}'
    place, alert = source.split(": ")
    assert alert == "AuditorHighErrorRate uses it too"
    check_place(place, "def high_error_rate(")


def test_an_edited_text_leads_to_its_line(grafana: FakeGrafana) -> None:
    _, change, source = edited(grafana, retitle)
    assert change == 'title: "Verifications by status" -> "Changed by hand"'
    assert source.startswith("generator/dashboards/errors.py:")
    check_place(source, "Verifications by status")


def test_edited_settings_lead_to_the_thresholds(grafana: FakeGrafana) -> None:
    def wider(data: Json) -> None:
        data["time"]["from"] = "now-12h"
        data["refresh"] = "5m"

    lines = edited(grafana, wider)
    positions = thresholds().positions
    assert f"{positions['dashboards.range']} dashboards.range: 12h" in lines
    assert f"{positions['dashboards.refresh']} dashboards.refresh: 5m" in lines


def test_added_removed_and_moved_panels(grafana: FakeGrafana) -> None:
    def rearranged(data: Json) -> None:
        panel(data, 100)["gridPos"].update(x=12, y=40)
        data["panels"] = [each for each in data["panels"] if each["id"] != 2]
        data["panels"].append({"id": 77, "title": "Mine", "type": "text"})

    text = "\n".join(edited(grafana, rearranged))
    module = r"generator/dashboards/errors\.py\S*"
    removed = rf'panel "Failed verifications in the last 5m" \(id 2\)\npanel removed\n{module}'
    assert re.search(removed, text)
    assert re.search(r'panel "Error ratio" \(id 100\)\nmoved: 0,9 \(12 x 8\) -> 12,40 ', text)
    assert re.search(rf'panel "Mine" \(id 77\)\npanel added\n{module}', text)


def test_defaults_added_by_the_browser_are_one_line(grafana: FakeGrafana) -> None:
    """It saves its own defaults with any edit."""

    def filled(data: Json) -> None:
        custom = panel(data, 1)["fieldConfig"]["defaults"]["custom"]
        custom.update(axisBorderShow=False, barWidthFactor=0.6, insertNulls=False)
        retitle(data)
        data.update(schemaVersion=42, preload=False, iteration=1)

    lines = edited(grafana, filled)
    assert "added: fieldConfig.defaults.custom.barWidthFactor = 0.6" in lines
    assert len(lines) == 5


def test_a_change_of_the_source_is_no_edit(grafana: FakeGrafana) -> None:
    grafana.edit("auditor-errors", retitle)
    overlay = str(ROOT / "deploy/overlays/staging.yaml")
    done = run("pull", grafana, "--overlay", overlay)
    assert done.returncode == 1
    assert "auditor-errors: the rendered dashboard has changed since the last push" in done.stdout
    changes = re.findall(r"^    (?!  )(.*)$", done.stdout, re.MULTILINE)
    assert changes == ['title: "Verifications by status" -> "Changed by hand"']


def test_a_dashboard_that_was_never_pushed_is_compared_with_the_source(
    grafana: FakeGrafana,
) -> None:
    grafana.edit("auditor-errors", retitle)
    grafana.dashboards["auditor-errors"].versions[0]["message"] = ""
    done = run("pull", grafana)
    assert done.returncode == 1
    assert "auditor-errors: version 2 by alice, 2026-01-31T12:00:02Z, never pushed" in done.stdout


def test_the_docs_show_the_output_of_a_pull(grafana: FakeGrafana) -> None:
    """Except for line numbers, which change."""

    def both(data: Json) -> None:
        retitle(data)
        panel(data, 100)["fieldConfig"]["defaults"]["thresholds"]["steps"][2]["value"] = 0.02

    grafana.edit("auditor-errors", both, "at night")
    page = (ROOT / "docs/grafana.md").read_text()
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    printed = run("pull", grafana).stdout
    lines = r"(?<=\w):\d+(?::\d+)?(?= |$)"
    assert re.sub(lines, "", shown, flags=re.MULTILINE) in re.sub(
        lines, "", printed, flags=re.MULTILINE
    )


def test_the_docs_quote_the_messages() -> None:
    page = (ROOT / "docs/grafana.md").read_text()
    modules = (ROOT / "generator/http.py", *(ROOT / "generator/grafana").glob("*.py"))
    code = "".join(path.read_text() for path in modules)
    table = page[page.index("| message |") :]
    cells = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert len(cells) == 6
    for cell in cells:
        words = cell.replace("dashboards:write", "{permission}")
        assert words in code, cell
