"""The theme: panels and dashboards as grafanalib objects. No other module uses the library."""

from __future__ import annotations

import json
from functools import singledispatch
from typing import Final

from grafanalib import core
from grafanalib._gen import DashboardEncoder

from generator.dashboards import corrections, queries
from generator.dashboards.corrections import Json
from generator.dashboards.panels import (
    BarGauge,
    Dashboard,
    Heatmap,
    Link,
    Logs,
    Panel,
    Query,
    Stat,
    StateTimeline,
    Table,
    TimeSeries,
)
from generator.dashboards.steps import GREEN, Step
from generator.names import LOAD_TEST, START_TIME, UP, WORKER_INFO
from generator.promql import with_matchers
from generator.thresholds.model import Thresholds
from generator.thresholds.units import format_duration

# grafana/dashboard-linter asks for these names where a dashboard has data sources of two types.
METRICS: Final = "prometheus_datasource"
LOGS: Final = "loki_datasource"
TAG: Final = "auditor-monitoring"
_NO_LEGEND: Final[Json] = {
    "calcs": [],
    "displayMode": "list",
    "placement": "bottom",
    "showLegend": False,
}
_SOURCES: Final[dict[str, Json]] = {
    "PromQL": {"type": "prometheus", "uid": f"${{{METRICS}}}"},
    "LogQL": {"type": "loki", "uid": f"${{{LOGS}}}"},
}


def encode(emitted: object) -> Json:
    """Plain JSON of one of grafanalib's objects."""
    plain: Json = json.loads(json.dumps(emitted, cls=DashboardEncoder), parse_float=_number)
    return plain


def _number(text: str) -> float | int:
    """Grafana writes whole numbers without a fraction."""
    value = float(text)
    return int(value) if value.is_integer() else value


def dumps(dashboard: Json) -> str:
    """The one byte form of a dashboard."""
    return json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def dashboard(thresholds: Thresholds, content: Dashboard, panels: list[Json]) -> Json:
    """A dashboard of `panels`, with the variables they use, its annotations and its links."""
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
        panels=panels,
        templating=core.Templating(_variables(thresholds, json.dumps(panels))),
        annotations=core.Annotations(_annotations(thresholds)),
        links=[
            core.DashboardLink(
                title="Auditor dashboards", tags=[TAG], includeVars=True, keepTime=True
            ),
            _link(Link("Runbooks", links.runbooks)),
        ],
    )
    return corrections.dashboard(encode(emitted))


def row(id_: int, title: str, y: int) -> Json:
    emitted = core.RowPanel(id=id_, title=title, gridPos=core.GridPos(h=1, w=24, x=0, y=y))
    return corrections.row(encode(emitted))


def panel(content: Panel, id_: int, place: Json) -> Json:
    """A panel at its place in the grid of 24 columns."""
    emitted = _emit(content)
    emitted.id, emitted.gridPos = id_, place
    return corrections.panel(encode(emitted))


def _common(content: Panel, options: Json, form: str = core.TIME_SERIES_TARGET_FORMAT) -> Json:
    """The arguments that all of the library's panels take; `options` are those it lacks."""
    defaults = {
        "decimals": content.decimals,
        "max": content.maximum,
        "min": content.minimum,
        "noValue": content.no_value,
        "thresholds": {"mode": "absolute", "steps": _steps(content.steps)},
        "unit": content.unit,
    }
    return {
        "title": content.title,
        "description": content.description,
        "dataSource": _SOURCES[content.queries[0].language],
        "targets": [_target(query, form) for query in content.queries],
        "links": [_link(each) for each in content.links],
        "extraJson": {"fieldConfig": {"defaults": defaults}, "options": options},
    }


def _steps(steps: tuple[Step, ...]) -> list[Json]:
    return [{"color": step.colour, "value": step.value} for step in steps or (Step(GREEN),)]


def _target(query: Query, form: str) -> core.Target:
    plain = query.unfiltered or query.language == "LogQL"
    return core.Target(
        expr=query.expr if plain else queries.with_variables(query.expr),
        legendFormat=query.legend,
        format=form,
        instant=query.instant,
        datasource=_SOURCES[query.language],
    )


def _link(link: Link) -> core.DashboardLink:
    return core.DashboardLink(
        title=link.title, uri=link.url, type="link", icon="doc", keepTime=False, targetBlank=True
    )


@singledispatch
def _emit(content: Panel) -> core.Panel:
    raise TypeError(f"no theme for a {type(content).__name__}")


@_emit.register
def _(content: TimeSeries) -> core.TimeSeries:
    common = _common(content, {"legend": {"showLegend": True}})
    if content.soft_maximum is not None:
        custom = {"axisSoftMax": content.soft_maximum}
        common["extraJson"]["fieldConfig"]["defaults"]["custom"] = custom
    return core.TimeSeries(
        **common,
        drawStyle="bars" if content.bars else "line",
        fillOpacity=60 if content.bars else 30 if content.stacked else 10,
        legendCalcs=["lastNotNull", "max"],
        legendDisplayMode="table",
        showPoints="never",
        stacking={"group": "A", "mode": "normal" if content.stacked else "none"},
        thresholdsStyleMode="dashed" if len(content.steps) > 1 else "off",
        tooltipMode="multi",
        tooltipSort="desc",
    )


@_emit.register
def _(content: Stat) -> core.Stat:
    options = {
        "percentChangeColorMode": "standard",
        "showPercentChange": False,
        "wideLayout": True,
    }
    return core.Stat(**_common(content, options), reduceCalc="lastNotNull")


@_emit.register
def _(content: BarGauge) -> core.BarGauge:
    options = {
        "legend": _NO_LEGEND,
        "maxVizHeight": 300,
        "minVizHeight": 16,
        "minVizWidth": 8,
        "namePlacement": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "color",
    }
    return core.BarGauge(**_common(content, options), displayMode=core.GAUGE_DISPLAY_MODE_GRADIENT)


@_emit.register
def _(content: Heatmap) -> core.Heatmap:
    """Empty cells are left blank."""
    options = {
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
    return core.Heatmap(**_common(content, options, "heatmap"))


@_emit.register
def _(content: Table) -> core.Table:
    common = _common(content, {"cellHeight": "sm", "frameIndex": 0}, core.TABLE_TARGET_FORMAT)
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
    common["extraJson"]["fieldConfig"]["defaults"]["custom"] = custom
    return core.Table(
        **common, overrides=_column_overrides(content), transformations=_columns(content)
    )


@_emit.register
def _(content: StateTimeline) -> core.StateTimeline:
    states = {
        str(value): {"color": colour, "index": index, "text": text}
        for index, (value, (text, colour)) in enumerate(content.states.items())
    }
    options = {"legend": _NO_LEGEND, "tooltip": {"mode": "single", "sort": "none"}}
    return core.StateTimeline(
        **_common(content, options),
        mappings=[{"options": states, "type": "value"}],
        showValue="never",
    )


@_emit.register
def _(content: Logs) -> core.Logs:
    return core.Logs(
        **_common(content, {"showLogContextToggle": False}),
        showTime=True,
        wrapLogMessages=True,
        enableLogDetails=True,
    )


def _columns(content: Table) -> list[Json]:
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


def _column_overrides(content: Table) -> list[Json]:
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


def _variables(thresholds: Thresholds, text: str) -> list[Json]:
    """The data sources, and job, instance and worker as far as the panels (`text`) use them."""
    jobs = thresholds.service.jobs
    up = f'{UP}{{job=~"{jobs.api}|{jobs.workers}"'
    settings = thresholds.dashboards
    found = [_source(METRICS, "Prometheus", settings.metrics_datasource)]
    if f"${{{LOGS}}}" in text:
        found.append(_source(LOGS, "Loki", settings.logs_datasource))
    series = {
        "job": f"{up}}}",
        "instance": f'{up},job=~"$job"}}',
        "worker": with_matchers(f"{WORKER_INFO}{{}}", queries.EVERYWHERE),
    }
    return [
        *found,
        *(_query_variable(name, each) for name, each in series.items() if f"${name}" in text),
    ]


def _source(name: str, kind: str, default: str) -> Json:
    """Chosen at first load: the data source named `default`, or else the first of its type.

    The word ``default`` stands for the one that Grafana's own settings call so.
    """
    emitted = core.Template(
        name=name,
        label=f"{kind} data source",
        type="datasource",
        query=kind.lower(),
        default=default,
        regex="",
    )
    return corrections.variable(encode(emitted))


def _query_variable(name: str, series: str) -> Json:
    emitted = core.Template(
        name=name,
        label=name.title(),
        dataSource=_SOURCES["PromQL"],
        query={"query": f"label_values({series}, {name})", "refId": "StandardVariableQuery"},
        default=["$__all"],
        includeAll=True,
        allValue=".+",
        multi=True,
        regex="",
        refresh=core.REFRESH_ON_TIME_RANGE_CHANGE,
        sort=core.SORT_NUMERIC_ASC if name == "worker" else core.SORT_ALPHA_ASC,
    )
    kept = corrections.variable(encode(emitted))
    kept["current"]["text"] = ["All"]
    return kept


def _annotations(thresholds: Thresholds) -> list[Json]:
    firing = queries.alerts(thresholds.service.name)
    starts = with_matchers(f"{START_TIME}{{}}", queries.EVERYWHERE)
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
            "target": {
                "limit": 100,
                "matchAny": False,
                "refId": "Anno",
                "tags": [thresholds.service.name, LOAD_TEST],
                "type": "tags",
            },
        },
    ]


def _annotation(name: str, colour: str, expr: str) -> Json:
    """The query stands twice: older versions of Grafana read it outside of `target`."""
    step = "60s"
    return {
        "datasource": _SOURCES["PromQL"],
        "enable": True,
        "expr": expr,
        "iconColor": colour,
        "name": name,
        "step": step,
        "target": {"expr": expr, "interval": step, "refId": "Anno"},
    }
