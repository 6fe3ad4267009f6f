"""The dashboards against the types that Grafana publishes, by the TypeScript compiler."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.grafana import Json, dashboards
from tests.tools import grafana_types


def test_every_dashboard_has_the_published_type(tsc: Path, tmp_path: Path) -> None:
    found = grafana_types.check(tsc, tmp_path, dashboards())
    assert found == {name: [] for name in dashboards()}


def _panel(dashboard: Json, kind: str) -> Json:
    found: Json = next(panel for panel in dashboard["panels"] if panel["type"] == kind)
    return found


def _in_panel(kind: str, *path: str, value: object) -> Callable[[Json], None]:
    def change(dashboard: Json) -> None:
        place = _panel(dashboard, kind)
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value

    return change


def _without_option(kind: str, name: str) -> Callable[[Json], None]:
    def change(dashboard: Json) -> None:
        del _panel(dashboard, kind)["options"][name]

    return change


def _first_step(dashboard: Json) -> None:
    steps = _panel(dashboard, "stat")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    steps[0]["value"] = "null"


DEFAULTS = ("fieldConfig", "defaults")
# What grafanalib would emit, and other ways to be wrong.
WRONG: dict[str, Callable[[Json], object]] = {
    "dashboard_style": lambda found: found.update(style="dark"),
    "dashboard_rows": lambda found: found.update(rows=[]),
    "dashboard_refresh": lambda found: found.update(refresh=30),
    "time_options": lambda found: found["timepicker"].update(time_options=["5m"]),
    "variable_tags": lambda found: found["templating"]["list"][0].update(useTags=False),
    "variable_refresh": lambda found: found["templating"]["list"][1].update(refresh=7),
    "annotation_colour": lambda found: found["annotations"]["list"][0].pop("iconColor"),
    "link_type": lambda found: found["links"][0].update(type="dashboard"),
    "row_span": _in_panel("row", "span", value=12),
    "panel_span": _in_panel("timeseries", "span", value=6),
    "panel_kind": _in_panel("timeseries", "type", value="graph"),
    "panel_null": _in_panel("timeseries", "description", value=None),
    "target_step": _in_panel("timeseries", "targets", value=[{"refId": "A", "step": 10}]),
    "time_series_log": _in_panel(
        "timeseries", *DEFAULTS, "custom", "scaleDistribution", value={"type": "cubic"}
    ),
    "time_series_custom": _in_panel("timeseries", *DEFAULTS, "custom", "linewidth", value=1),
    "time_series_null": _in_panel("timeseries", *DEFAULTS, "min", value=None),
    "time_series_legend": _in_panel("timeseries", "options", "legend", value={"show": True}),
    "threshold_text": _first_step,
    "stat_layout": _without_option("stat", "wideLayout"),
    "stat_option": _in_panel("stat", "options", "sparkline", value=True),
    "bar_gauge_option": _in_panel("bargauge", "options", "fieldOptions", value={}),
    "heatmap_cards": _in_panel("heatmap", "options", "cards", value={}),
    "heatmap_colour": _in_panel("heatmap", "options", "color", "mode", value="spectrum"),
    "table_columns": _in_panel("table", "options", "columns", value=[]),
    "table_cells": _in_panel("table", *DEFAULTS, "custom", "displayMode", value="coloured"),
    "state_timeline_height": _without_option("state-timeline", "rowHeight"),
    "mapping_index": _in_panel("state-timeline", *DEFAULTS, "mappings", value=[{"index": None}]),
}


def test_the_check_refuses_what_is_wrong(tsc: Path, tmp_path: Path) -> None:
    changed = {}
    for name, change in WRONG.items():
        changed[name] = copy.deepcopy(dashboards()["overview"])
        change(changed[name])
    found = grafana_types.check(tsc, tmp_path, changed)
    assert {name: len(errors) for name, errors in found.items()} == dict.fromkeys(WRONG, 1)


def test_the_check_refuses_logs_that_lack_an_option(tsc: Path, tmp_path: Path) -> None:
    changed = copy.deepcopy(dashboards()["errors"])
    _without_option("logs", "showLogContextToggle")(changed)
    assert grafana_types.check(tsc, tmp_path, {"errors": changed})["errors"]


@pytest.mark.parametrize("extra", [{"status": "firing"}, {"queryType": "sql"}])
def test_the_check_refuses_wrong_queries_of_logs(
    tsc: Path, tmp_path: Path, extra: dict[str, str]
) -> None:
    changed = copy.deepcopy(dashboards()["errors"])
    _panel(changed, "logs")["targets"][0].update(extra)
    assert grafana_types.check(tsc, tmp_path, {"errors": changed})["errors"]
