"""Ids of panels: given once, never changed, never given again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from generator import dashboards, panel_ids
from generator.alerts import all_alerts
from generator.bundle import render
from generator.dashboards import alert_panels, overview
from generator.panel_ids import PATH, PanelIdError, PanelIds, parse
from tests.bundle import ROOT, alerts, thresholds

FILE = "latency:\n  panels:\n    mean: 3\n    probe: 7\n  rows:\n    Waiting: 1001\n"
SAME_ID = "two entries have the same id, remove the newer one"


def test_the_committed_file_is_in_the_form_that_render_writes() -> None:
    assert (ROOT / PATH).read_text() == panel_ids.committed().text()


def test_every_panel_has_its_committed_id() -> None:
    assert PATH not in render(thresholds())


def test_a_new_panel_gets_the_next_id_and_changes_no_other() -> None:
    ids = parse(FILE).including("latency", "panels", ["new", "mean", "newer"])
    assert ids.given["latency"]["panels"] == {"mean": 3, "probe": 7, "new": 8, "newer": 9}
    assert ids.row("latency", "Waiting") == 1001


def test_the_id_of_a_panel_that_is_gone_is_not_given_again() -> None:
    before = parse(FILE)
    after = before.including("latency", "panels", ["mean", "new"])
    assert after.panel("latency", "new") == 8
    assert parse(after.text()) == after.including("latency", "panels", ["mean"])


def test_a_new_dashboard_begins_at_1() -> None:
    ids = parse(FILE).including("database", "panels", ["locks"]).including("database", "rows", "A")
    assert ids.given["database"] == {"panels": {"locks": 1}, "rows": {"A": 1001}}
    assert parse(ids.text()) == ids


def test_render_writes_the_id_that_a_new_panel_got() -> None:
    known = panel_ids.committed()
    given = dict(known.given["overview"]["panels"])
    taken = max(given.values())
    del given["connections"], given["down"]
    ids = PanelIds({**known.given, "overview": {**known.given["overview"], "panels": given}})
    files = render(thresholds(), ids)
    new = parse(files[PATH])
    assert (new.panel("overview", "down"), new.panel("overview", "connections")) == (
        taken + 1,
        taken + 2,
    )
    board = json.loads(files["dashboards/overview.json"])
    titles = {panel["id"]: panel["title"] for panel in board["panels"]}
    assert titles[taken + 2] == "Connections and clients"
    assert f"viewPanel={taken + 1}\n" in files["alerts/availability.yml"]
    assert PATH not in render(thresholds(), new)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FILE.replace("7", "3"), f"{PATH}: latency: {SAME_ID}: 3"),
        (FILE.replace("7", "1001"), f"{PATH}: latency: {SAME_ID}: 1001"),
        (FILE.replace("probe", "mean"), f"{PATH}: two entries have the same key: mean"),
        (FILE.replace("7", "seven"), f"{PATH} is not as `make` wrote it: "),
        (FILE.replace("  rows", "  <<<<<<< HEAD\n  rows"), f"{PATH} is not as `make` wrote it: "),
        (FILE.replace("rows", "sections"), f"{PATH} is not as `make` wrote it: "),
        ("", f"{PATH} is not as `make` wrote it: "),
    ],
)
def test_a_broken_file_is_one_message(text: str, message: str) -> None:
    with pytest.raises(PanelIdError) as caught:
        parse(text)
    assert str(caught.value).startswith(message)


def test_two_panels_with_one_key_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_panels, "summary", lambda key: f"What is wrong in {key}.")
    one = next(alert for alert in alerts() if alert.key == "down")
    twin = replace(one, key="connections")
    with pytest.raises(PanelIdError, match="have the same key: connections"):
        dashboards.render(thresholds(), (*alerts(), twin))


def test_two_dashboards_with_one_uid_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboards, "_DASHBOARDS", (overview, overview))
    with pytest.raises(PanelIdError, match="two dashboards have the same uid: overview"):
        dashboards.render(thresholds(), alerts())


def test_ids_of_alerts_do_not_depend_on_the_dashboards_own_panels() -> None:
    empty = PanelIds({})
    ids = {alert.key: alert.panel.id for alert in all_alerts(thresholds(), empty)}
    numbered = parse(render(thresholds(), empty)[PATH])
    assert ids == {
        alert.key: numbered.panel(alert.panel.dashboard, alert.key) for alert in alerts()
    }
