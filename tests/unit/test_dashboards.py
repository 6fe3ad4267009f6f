"""Properties of every dashboard: identity, place, form, and stability."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal

import pytest

from generator.alerts.model import Alert, Panel
from generator.dashboards import alert_panels, render, steps
from generator.dashboards.steps import BLUE, GREEN, ORANGE, RED, YELLOW, Step
from generator.runbooks.sources import summary
from generator.thresholds.levels import LatencyLevels
from generator.thresholds.settings import SEVERITIES
from tests.bundle import alerts, thresholds
from tests.grafana import Json, dashboards, panels, texts

NAMES = ["overview", "latency", "system", "errors"]
EVERY_PANEL = [
    pytest.param(panel, id=f"{name} {panel['title']}")
    for name in NAMES
    for panel in panels(dashboards()[name])
]


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, (*path, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, (*path, str(index)))
    else:
        yield path, value


def test_there_are_four_dashboards_of_their_own() -> None:
    assert list(dashboards()) == NAMES
    boards = dashboards().values()
    assert [board["uid"] for board in boards] == [f"auditor-{name}" for name in NAMES]
    assert len({board["title"] for board in boards}) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_config_map_can_hold_the_dashboard(name: str) -> None:
    annotations_limit = 262144  # bytes; `kubectl apply` keeps a copy in an annotation
    assert len(texts()[f"dashboards/{name}.json"].encode()) < annotations_limit


def test_rendering_twice_gives_the_same_bytes() -> None:
    assert render(thresholds(), alerts()) == texts()


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_in_canonical_form(name: str) -> None:
    text = texts()[f"dashboards/{name}.json"]
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_belongs_to_a_single_installation(name: str) -> None:
    board = dashboards()[name]
    assert board.keys().isdisjoint({"id", "version", "iteration", "__inputs", "__requires"})
    assert board.keys().isdisjoint({"apiVersion", "kind", "spec", "elements"}), "no v2 schema"
    for path, value in leaves(board):
        if path[-2:] == ("datasource", "uid"):
            own = ("-- Grafana --",) if path[0] == "annotations" else ()  # each Grafana has it
            assert value in ("${prometheus_datasource}", "${loki_datasource}", *own)
        assert "datasource" not in path[-1], "a data source is an object of type and uid"


@pytest.mark.parametrize("name", NAMES)
def test_only_the_lowest_step_of_a_scale_is_null(name: str) -> None:
    nulls = [path for path, value in leaves(dashboards()[name]) if value is None]
    assert all(path[-4:] == ("thresholds", "steps", "0", "value") for path in nulls)


@pytest.mark.parametrize("name", NAMES)
def test_ids_and_titles_are_unique(name: str) -> None:
    for member in ("id", "title"):
        found = Counter(panel[member] for panel in dashboards()[name]["panels"])
        assert [value for value, count in found.items() if count > 1] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_panels_fill_the_grid_without_overlap(name: str) -> None:
    taken: dict[tuple[int, int], int] = {}
    for panel in dashboards()[name]["panels"]:
        place = panel["gridPos"]
        for y in range(place["y"], place["y"] + place["h"]):
            for x in range(place["x"], place["x"] + place["w"]):
                assert taken.setdefault((x, y), panel["id"]) == panel["id"]
    height = max(y for _, y in taken) + 1
    assert set(taken) == {(x, y) for x in range(24) for y in range(height)}


@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_panels_of_its_own(name: str) -> None:
    kinds = [panel["type"] for panel in dashboards()[name]["panels"]]
    assert kinds[0] == "row"
    assert kinds[-1] != "row"
    assert ("row", "row") not in set(pairwise(kinds))


@pytest.mark.parametrize("panel", EVERY_PANEL)
def test_the_panel_says_what_to_do_with_it(panel: Json) -> None:
    text = panel["description"]
    assert text.endswith(".")
    assert len(text) >= 50
    for placeholder in ("BOUND", " FOR", "VALUE", "INSTANCE", "{{", ".md)"):
        assert placeholder not in text


@pytest.mark.parametrize("panel", EVERY_PANEL)
def test_the_panel_says_why_it_is_empty(panel: Json) -> None:
    assert panel["fieldConfig"]["defaults"]["noValue"]


@pytest.mark.parametrize("panel", EVERY_PANEL)
def test_the_steps_of_the_panel_rise(panel: Json) -> None:
    first, *others = [
        step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    ]
    assert first is None
    assert all(low < high for low, high in pairwise(others))


@pytest.mark.parametrize("panel", EVERY_PANEL)
def test_series_are_told_apart_by_their_legend(panel: Json) -> None:
    if panel["type"] not in ("timeseries", "bargauge", "state-timeline"):
        return
    legends = [target["legendFormat"] for target in panel["targets"]]
    assert all(legends)
    assert len(set(legends)) == len(legends)


@pytest.mark.parametrize("alert", alerts(), ids=lambda each: each.name)
def test_the_panel_of_an_alert_shows_its_bounds(alert: Alert) -> None:
    panel = panel_of(alert)
    assert panel["title"] == alert.panel.title
    defaults = panel["fieldConfig"]["defaults"]
    lines = {step["value"] for step in defaults["thresholds"]["steps"]}
    assert {alert.bound(trigger) for trigger in alert.triggers} <= lines
    assert defaults["custom"]["thresholdsStyle"]["mode"] == "dashed"
    assert alert.name in panel["description"]


@pytest.mark.parametrize("alert", alerts(), ids=lambda each: each.name)
def test_the_panel_of_an_alert_links_to_its_runbook(alert: Alert) -> None:
    folder = thresholds().service.links.runbooks
    assert [link["url"] for link in panel_of(alert)["links"]] == [f"{folder}/{alert.name}.md"]


def panel_of(alert: Alert) -> Json:
    board = dashboards()[alert.panel.dashboard]
    found: Json = next(panel for panel in panels(board) if panel["id"] == alert.panel.id)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_dashboards_link_to_each_other_and_to_the_runbooks(name: str) -> None:
    board = dashboards()[name]
    others, runbooks = board["links"]
    assert others["type"] == "dashboards"
    assert others["tags"] == board["tags"]
    assert others["includeVars"]
    assert others["keepTime"]
    assert runbooks["url"] == thresholds().service.links.runbooks


def test_a_new_alert_takes_its_place_and_moves_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {alert.key for alert in alerts()}
    monkeypatch.setattr(
        alert_panels, "summary", lambda key: summary(key) if key in keys else "It is new."
    )
    model = next(alert for alert in alerts() if alert.panel.dashboard == "latency")
    new = [
        replace(model, key=title.lower(), panel=Panel("latency", section, title, "x"))
        for section, title in (("Percentiles", "Added"), ("Novel", "Other"))
    ]
    before = dashboards()["latency"]
    after = json.loads(render(thresholds(), (*new, *alerts()))["dashboards/latency.json"])
    ids = {panel["title"]: panel["id"] for panel in before["panels"]}
    others = {panel["title"]: panel["id"] for panel in after["panels"]}
    assert others.items() > ids.items()
    assert others.keys() - ids.keys() == {"Added", "Other", "Novel"}
    titles = [panel["title"] for panel in after["panels"]]
    assert titles.index("Percentiles") < titles.index("Added") < titles.index("Distribution")
    assert titles[-2:] == ["Novel", "Other"]
    for name in ("overview", "system", "errors"):
        path = f"dashboards/{name}.json"
        assert render(thresholds(), (*new, *alerts()))[path] == texts()[path]


def test_the_default_data_sources_come_from_the_thresholds() -> None:
    sources = {"metrics_datasource": "Mimir", "logs_datasource": "Logs"}
    settings = thresholds().dashboards.model_copy(update=sources)
    files = render(thresholds().model_copy(update={"dashboards": settings}), alerts())
    first, second = json.loads(files["dashboards/errors.json"])["templating"]["list"][:2]
    assert first["current"] == {"text": "Mimir", "value": "Mimir"}
    assert second["current"] == {"text": "Logs", "value": "Logs"}


def test_colours_of_a_row() -> None:
    row = LatencyLevels(target=0.5, acceptable=1, poor=2, why="")
    assert steps.of_row(row) == (Step(GREEN), Step(YELLOW, 0.5), Step(ORANGE, 1), Step(RED, 2))
    assert steps.row_in_words(row) == (
        "Levels: target up to 500ms, acceptable up to 1s, poor up to 2s, critical beyond."
    )
    low = thresholds().targets.throughput.low
    assert steps.of_row(low) == (
        Step(ORANGE),
        Step(YELLOW, low.acceptable),
        Step(GREEN, low.target),
    )


@pytest.mark.parametrize(
    ("op", "wanted"),
    [(">", (Step(GREEN), Step(RED, 5))), ("<", (Step(RED), Step(GREEN, 5)))],
)
def test_colours_of_an_alert_without_a_row(op: Literal[">", "<"], wanted: tuple[Step, ...]) -> None:
    model = next(alert for alert in alerts() if alert.triggers[0].bound is None)
    triggers = tuple(replace(model.triggers[0], severity=each) for each in SEVERITIES)
    assert steps.of_alert(replace(model, op=op, triggers=triggers, constant=5)) == wanted


@pytest.mark.parametrize("alert", alerts(), ids=lambda each: each.name)
def test_colours_get_worse_towards_the_bad_end(alert: Alert) -> None:
    order = [GREEN, BLUE, YELLOW, ORANGE, RED]
    found = [order.index(step.colour) for step in steps.of_alert(alert)]
    assert found == sorted(found, reverse=alert.op == "<")
    assert found[-1 if alert.op == "<" else 0] == 0
