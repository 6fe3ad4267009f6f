"""Corrections of what grafanalib 0.7.1 emits to the schema that Grafana 9.4 to 13 accept.

The library emits nulls, members that Grafana has long dropped, and for some panels the options of
Grafana 6. Here each part keeps the members of today's `@grafana/schema` and gets what it lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from generator.dashboards.levels import GREEN, Step
from generator.dashboards.panels import Panel, Table

Json = dict[str, Any]

# The newest schema that Grafana 9.4 knows. Later versions migrate it; a schema newer than its own
# makes Grafana report a failed migration.
SCHEMA_VERSION: Final = 38
# Without it Grafana takes a panel's options for those of version 6 and migrates them.
PLUGIN_VERSION: Final = "9.4.0"

_DASHBOARD: Final = (
    *(
        "annotations",
        "description",
        "editable",
        "graphTooltip",
        "links",
        "panels",
        "refresh",
        "schemaVersion",
    ),
    *("tags", "templating", "time", "timezone", "title", "uid"),
)
_PANEL: Final = ("datasource", "description", "gridPos", "id", "links", "title", "type")
_ROW: Final = ("collapsed", "gridPos", "id", "panels", "title", "type")
_VARIABLE: Final = (
    *(
        "allValue",
        "current",
        "datasource",
        "hide",
        "includeAll",
        "label",
        "multi",
        "name",
        "options",
        "query",
    ),
    *("refresh", "regex", "sort", "type"),
)

_LEGEND: Final[Json] = {
    "calcs": [],
    "displayMode": "list",
    "placement": "bottom",
    "showLegend": False,
}
_LAST: Final[Json] = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def dashboard(emitted: Json) -> Json:
    return {**_keep(emitted, _DASHBOARD), "timepicker": {}}


def row(emitted: Json) -> Json:
    return _keep(emitted, _ROW)


def variable(emitted: Json) -> Json:
    kept = _keep(emitted, _VARIABLE)
    kept["current"] = {name: emitted["current"][name] for name in ("text", "value")}
    return kept


def panel(emitted: Json, content: Panel) -> Json:
    kept = _keep(emitted, _PANEL)
    rebuild = _OPTIONS.get(emitted["type"])
    kept["options"] = rebuild(emitted, content) if rebuild else emitted["options"]
    kept["fieldConfig"] = _field_config(emitted["fieldConfig"], content)
    kept["pluginVersion"] = PLUGIN_VERSION
    kept["targets"] = [_target(each, index) for index, each in enumerate(emitted["targets"])]
    if emitted["transformations"]:
        kept["transformations"] = emitted["transformations"]
    return kept


def _keep(emitted: Json, members: Iterable[str]) -> Json:
    """The `members` that are there; nulls are left out."""
    return {name: emitted[name] for name in members if emitted.get(name) is not None}


def _field_config(emitted: Json, content: Panel) -> Json:
    found = emitted["defaults"]
    defaults = {
        "color": found.get("color") or {"mode": "thresholds"},
        "custom": _custom(found.get("custom", {})),
        "mappings": found.get("mappings", []),
        "noValue": content.no_value,
        "thresholds": {"mode": "absolute", "steps": _steps(content.steps)},
        "unit": content.unit,
    }
    numbers = {"decimals": content.decimals, "max": content.maximum, "min": content.minimum}
    defaults |= {name: value for name, value in numbers.items() if value is not None}
    return {"defaults": defaults, "overrides": emitted.get("overrides", [])}


def _custom(emitted: Json) -> Json:
    """The panel type's own settings: no nulls, no base of a linear scale, an explicit stacking."""
    custom = {name: value for name, value in emitted.items() if value is not None}
    if "scaleDistribution" in custom:
        custom["scaleDistribution"] = {"type": custom["scaleDistribution"]["type"]}
    if "stacking" in custom:
        custom["stacking"] = custom["stacking"] or {"group": "A", "mode": "none"}
    if "displayMode" in custom:  # a table's cells
        custom = {"align": custom["align"], "cellOptions": {"type": "auto"}, "inspect": False}
    return custom


def _steps(steps: tuple[Step, ...]) -> list[Json]:
    """Minus infinity, the lowest value, is null in Grafana's JSON; the library writes "null"."""
    return [{"color": step.colour, "value": step.value} for step in steps or (Step(GREEN),)]


def _target(emitted: Json, index: int) -> Json:
    """A query with the reference A, B, ... instead of the noise of other data sources."""
    kept = {name: emitted[name] for name in ("datasource", "expr", "legendFormat")}
    kept |= {"editorMode": "code", "refId": chr(ord("A") + index)}
    if emitted["datasource"]["type"] == "loki":
        return kept | {"queryType": "instant" if emitted["instant"] else "range"}
    return kept | {
        "format": emitted["format"],
        "instant": emitted["instant"],
        "range": not emitted["instant"],
    }


def _time_series(emitted: Json, _content: Panel) -> Json:
    return {**emitted["options"], "legend": {**emitted["options"]["legend"], "showLegend": True}}


def _stat(emitted: Json, _content: Panel) -> Json:
    return {
        **emitted["options"],
        "percentChangeColorMode": "standard",
        "showPercentChange": False,
        "wideLayout": True,
    }


def _bar_gauge(emitted: Json, _content: Panel) -> Json:
    """Rebuilt: the library writes the options of Grafana 6."""
    return {
        "displayMode": emitted["options"]["displayMode"],
        "legend": _LEGEND,
        "maxVizHeight": 300,
        "minVizHeight": 16,
        "minVizWidth": 8,
        "namePlacement": "auto",
        "orientation": emitted["options"]["orientation"],
        "reduceOptions": _LAST,
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "color",
    }


def _heatmap(_emitted: Json, content: Panel) -> Json:
    """Rebuilt: the library writes the shape of the Angular panel. Empty cells are left blank."""
    return {
        "calculate": False,
        "cellGap": 1,
        "color": {
            "exponent": 0.5,
            "fill": "dark-orange",
            "mode": "scheme",
            "reverse": False,
            "scale": "exponential",
            "scheme": "Oranges",
            "steps": 64,
        },
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 0},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "tooltip": {"mode": "single", "showColorScale": True, "yHistogram": True},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": content.unit},
    }


def _table(emitted: Json, _content: Panel) -> Json:
    return {"cellHeight": "sm", "frameIndex": 0, "showHeader": emitted["options"]["showHeader"]}


def _state_timeline(emitted: Json, _content: Panel) -> Json:
    return {**emitted["options"], "legend": _LEGEND, "tooltip": {"mode": "single", "sort": "none"}}


def _logs(emitted: Json, _content: Panel) -> Json:
    return {**emitted["options"], "showLogContextToggle": False}


_OPTIONS: Final[Mapping[str, Callable[[Json, Panel], Json]]] = {
    "timeseries": _time_series,
    "stat": _stat,
    "bargauge": _bar_gauge,
    "heatmap": _heatmap,
    "table": _table,
    "state-timeline": _state_timeline,
    "logs": _logs,
}


def columns(content: Table) -> list[Json]:
    """Transformations: one row for each set of labels, the wanted columns in their order."""
    names = list(content.columns)
    return [
        {"id": "merge", "options": {}},
        {"id": "filterFieldsByName", "options": {"include": {"names": names}}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {},
                "indexByName": {name: index for index, name in enumerate(names)},
                "renameByName": dict(content.columns),
            },
        },
    ]


def column_overrides(content: Table) -> list[Json]:
    """Units and links of single columns."""
    found: dict[str, list[Json]] = {}
    for name, unit in content.column_units.items():
        found.setdefault(name, []).append({"id": "unit", "value": unit})
    for name, link in content.column_links.items():
        value = [{"targetBlank": True, "title": link.title, "url": link.url}]
        found.setdefault(name, []).append({"id": "links", "value": value})
    return [
        {"matcher": {"id": "byName", "options": name}, "properties": properties}
        for name, properties in found.items()
    ]
