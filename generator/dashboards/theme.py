"""The theme: panels and dashboards as grafanalib objects. No other module uses the library."""

from __future__ import annotations

import json
from importlib import resources
from string import ascii_uppercase
from typing import Final

from grafanalib import core
from grafanalib._gen import DashboardEncoder

from exporters.contract import FAMILIES
from generator.dashboards import corrections, panels, queries
from generator.dashboards.corrections import Json
from generator.dashboards.steps import GREEN, Step
from generator.names import LOAD_TEST, START_TIME, UP, WORKER_INFO
from generator.promql import with_matchers
from generator.thresholds.model import Thresholds
from generator.thresholds.units import format_duration
from generator.yamlfile import read_yaml

# grafana/dashboard-linter asks for these names where a dashboard has data sources of two types.
METRICS: Final = "prometheus_datasource"
LOGS: Final = "loki_datasource"
TAG: Final = "auditor-monitoring"
_SOURCES: Final[dict[str, Json]] = {
    "PromQL": {"type": "prometheus", "uid": f"${{{METRICS}}}"},
    "LogQL": {"type": "loki", "uid": f"${{{LOGS}}}"},
}
# By the names of the panels' types.
_OPTIONS: Final[dict[str, Json]] = read_yaml(
    resources.files("generator.dashboards").joinpath("options.yaml").read_text("utf-8")
)
_FORMATS: Final = {panels.Heatmap: "heatmap", panels.Table: core.TABLE_TARGET_FORMAT}
# Panels with a scale that has a minimum.
_SCALED: Final = (panels.TimeSeries, panels.Stat, panels.BarGauge)


def encode(emitted: object) -> Json:
    """Plain JSON of one of grafanalib's objects, whole numbers without a fraction as in Grafana."""
    text = json.dumps(emitted, cls=DashboardEncoder)
    plain: Json = json.loads(text, parse_float=lambda each: json.loads(each.removesuffix(".0")))
    return plain


def dumps(dashboard: Json) -> str:
    """The one byte form of a dashboard."""
    return json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def dashboard(thresholds: Thresholds, content: panels.Dashboard, placed: list[Json]) -> Json:
    """A dashboard of the `placed` panels, with the variables that they use."""
    settings, links = thresholds.dashboards, thresholds.service.links
    emitted = core.Dashboard(
        uid=f"auditor-{content.name}",
        title=content.title,
        description=f"{content.description} Generated from thresholds.yaml: change it there.",
        tags=[TAG],
        time=core.Time(f"now-{format_duration(settings.range)}", "now"),
        refresh=format_duration(settings.refresh),
        timezone="browser",
        editable=False,
        graphTooltip=core.GRAPH_TOOLTIP_MODE_SHARED_CROSSHAIR,
        schemaVersion=corrections.SCHEMA_VERSION,
        panels=placed,
        templating=core.Templating(_variables(thresholds, json.dumps(placed))),
        annotations=core.Annotations(_annotations(thresholds)),
        links=[
            core.DashboardLink(
                title="Auditor dashboards", tags=[TAG], includeVars=True, keepTime=True
            ),
            _link(panels.Link("Runbooks", links.runbooks)),
        ],
    )
    return corrections.dashboard(encode(emitted))


def row(id_: int, title: str, y: int) -> Json:
    fixed = {"collapsed": False, "panels": [], "type": "row"}
    return {**fixed, "id": id_, "title": title, "gridPos": {"h": 1, "w": 24, "x": 0, "y": y}}


def panel(content: panels.Panel, id_: int, place: Json) -> Json:
    """A panel at its place in the grid of 24 columns."""
    kind = type(content)
    library = getattr(core, kind.__name__)  # which has the same names
    form = _FORMATS.get(kind, core.TIME_SERIES_TARGET_FORMAT)
    defaults = {
        "custom": {"axisSoftMax": content.soft_maximum},
        "decimals": content.decimals,
        "max": content.maximum,
        "min": content.minimum if kind in _SCALED else None,
        "noValue": content.no_value or _no_data(content),
        "thresholds": {"mode": "absolute", "steps": _steps(content.steps)},
        "unit": content.unit,
    }
    emitted = library(
        id=id_,
        title=content.title,
        description=content.description,
        gridPos=place,
        dataSource=_SOURCES[content.queries[0].language],
        targets=[_target(each, index, form) for index, each in enumerate(content.queries)],
        links=[_link(each) for each in content.links],
        extraJson={"fieldConfig": {"defaults": defaults}, "options": _OPTIONS[kind.__name__]},
        **_arguments(content),
    )
    return corrections.panel(encode(emitted))


def _no_data(content: panels.Panel) -> str:
    sidecar = any(family.name in query.expr for family in FAMILIES for query in content.queries)
    return "No data from the sidecar" if sidecar else "No requests"


def _steps(steps: tuple[Step, ...]) -> list[Json]:
    return [{"color": step.colour, "value": step.value} for step in steps or (Step(GREEN),)]


def _target(query: panels.Query, index: int, form: str) -> Json:
    """A query with the reference A, B, ... instead of the library's noise of other data sources."""
    plain = query.unfiltered or query.language == "LogQL"
    table = form == core.TABLE_TARGET_FORMAT
    instant = table or query.instant
    target = {
        "datasource": _SOURCES[query.language],
        "editorMode": "code",
        "expr": query.expr if plain else queries.with_variables(query.expr),
        "legendFormat": "" if table else query.legend,
        "refId": ascii_uppercase[index],
    }
    if query.language == "LogQL":
        return target | {"queryType": "instant" if instant else "range"}
    return target | {"format": form, "instant": instant, "range": not instant}


def _link(link: panels.Link) -> core.DashboardLink:
    return core.DashboardLink(
        title=link.title, uri=link.url, type="link", icon="doc", keepTime=False, targetBlank=True
    )


def _arguments(content: panels.Panel) -> Json:
    """What the library's class takes beside what all of them do."""
    match content:
        case panels.TimeSeries():
            return {
                "drawStyle": "bars" if content.bars else "line",
                "fillOpacity": 60 if content.bars else 30 if content.stacked else 10,
                "showPoints": "never",
                "stacking": {"group": "A", "mode": "normal" if content.stacked else "none"},
                "thresholdsStyleMode": "dashed" if len(content.steps) > 1 else "off",
            }
        case panels.Heatmap():
            axis = {"axisPlacement": "left", "reverse": False, "unit": content.unit}
            return {"options": {"yAxis": axis}}
        case panels.Table():
            return {"overrides": _overrides(content), "transformations": _columns(content)}
        case panels.StateTimeline():
            states = {
                str(value): {"color": colour, "index": index, "text": text}
                for index, (value, (text, colour)) in enumerate(content.states.items())
            }
            return {"mappings": [{"options": states, "type": "value"}]}
    return {}


def _columns(content: panels.Table) -> list[Json]:
    """Transformations: one row for each set of labels, the wanted columns in their order."""
    values = {
        f"Value #{letter}": query.legend
        for letter, query in zip(ascii_uppercase, content.queries, strict=False)
        if query.legend
    }
    columns = {**content.labels, **values}
    order = {"indexByName": {name: index for index, name in enumerate(columns)}}
    return [
        {"id": "merge", "options": {}},
        {"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}},
        {"id": "organize", "options": {"excludeByName": {}, **order, "renameByName": columns}},
    ]


def _overrides(content: panels.Table) -> list[Json]:
    """Units and links of single columns."""
    units = [(each.legend, "unit", each.unit) for each in content.queries if each.unit]
    links = [
        (name, "links", [{"targetBlank": True, "title": link.title, "url": link.url}])
        for name, link in content.column_links.items()
    ]
    return [
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": id_, "value": value}]}
        for name, id_, value in (*units, *links)
    ]


def _variables(thresholds: Thresholds, text: str) -> list[Json]:
    """The data sources, and job, instance and worker as far as the panels (`text`) use them."""
    jobs = thresholds.service.jobs
    up = f'{UP}{{job=~"{jobs.sidecar}|{jobs.probe}"'
    settings = thresholds.dashboards
    metrics = _source(METRICS, "Prometheus", settings.metrics_datasource)
    logs = _source(LOGS, "Loki", settings.logs_datasource)
    series = {
        "job": f"{up}}}",
        "instance": f'{up},job=~"$job"}}',
        "worker": with_matchers(f"{WORKER_INFO}{{}}", queries.EVERYWHERE),
    }
    return [
        metrics,
        *([logs] if f"${{{LOGS}}}" in text else []),
        *(_query_variable(name, each) for name, each in series.items() if f"${name}" in text),
    ]


def _source(name: str, kind: str, default: str) -> Json:
    """The data source `default` (the word itself: Grafana's own), or else the first of its type."""
    label, query = f"{kind} data source", kind.lower()
    return _variable(default, default, name=name, label=label, type="datasource", query=query)


def _query_variable(name: str, series: str) -> Json:
    return _variable(
        ["All"],
        ["$__all"],
        name=name,
        label=name.title(),
        dataSource=_SOURCES["PromQL"],
        query={"query": f"label_values({series}, {name})", "refId": "StandardVariableQuery"},
        includeAll=True,
        allValue=".+",
        multi=True,
        refresh=core.REFRESH_ON_TIME_RANGE_CHANGE,
        sort=core.SORT_NUMERIC_ASC if name == "worker" else core.SORT_ALPHA_ASC,
    )


def _variable(text: object, value: object, **arguments: object) -> Json:
    emitted = corrections.variable(encode(core.Template(regex="", **arguments)))
    return emitted | {"current": {"text": text, "value": value}}


def _annotations(thresholds: Thresholds) -> list[Json]:
    firing = queries.alerts(thresholds.service.name)
    starts = with_matchers(f"{START_TIME}{{}}", queries.EVERYWHERE)
    tags = {"tags": [thresholds.service.name, LOAD_TEST], "type": "tags"}
    return [
        _annotation("Firing alerts", "red", f"max by (alertname, severity, instance) ({firing})")
        | {"tagKeys": "severity", "textFormat": "{{instance}}", "titleFormat": "{{alertname}}"},
        _annotation("Worker starts", "blue", f"1000 * {starts}")
        | {
            "tagKeys": "instance",
            "textFormat": "worker {{worker}} of {{instance}}",
            "titleFormat": "Worker started",
            "useValueForTime": True,
        },
        {
            "datasource": {"type": "grafana", "uid": "-- Grafana --"},
            "enable": True,
            "iconColor": "purple",
            "name": "Load tests",
            "target": {**tags, "limit": 100, "matchAny": False, "refId": "Anno"},
        },
    ]


def _annotation(name: str, colour: str, expr: str) -> Json:
    """The query stands twice: older versions of Grafana read it outside of `target`."""
    return {
        "datasource": _SOURCES["PromQL"],
        "enable": True,
        "expr": expr,
        "iconColor": colour,
        "name": name,
        "step": "60s",
        "target": {"expr": expr, "interval": "60s", "refId": "Anno"},
    }
