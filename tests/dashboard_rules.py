"""The rules of grafana/dashboard-linter, under its names, for dashboards of Prometheus and Loki.

The tool itself cannot be had as a Go module. Where it reads less than its rule says (counters of
which the selector has matchers, queries to Loki beside Prometheus), the rule is taken at its word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import promql_parser
from grafanalib import formatunits

from tests.grafana import RATE_INTERVAL, Json, nodes, panels, selectors, substituted, targets

SOURCE: Final = "${prometheus_datasource}"
RATES: Final = ("rate", "irate")
UNITS: Final = {unit for unit in vars(formatunits).values() if isinstance(unit, str)}
# Panel types of which the linter wants a unit.
_WITH_UNIT: Final = ("stat", "table", "timeseries", "gauge")
_GROUPING: Final = re.compile(r"by\s*\([^)]*\)")
_LOGQL: Final = re.compile(
    r"""
    (?P<head>(?:[a-z_]+\s*(?:by\s*\([a-z_, ]+\)\s*)?\((?:\d+,\s*)?)*)  # functions
    \{\w+=~?"[^"]*"(?:,\s*\w+=~?"[^"]*")*\}                              # streams
    (?:\s*(?:\|=|!=|\|~|!~)\s*"[^"]*")*                                   # filters of lines
    (?:\s*\|\s*(?:regexp|pattern)\s*`[^`]*`)*                             # parsers
    (?:\s*\[(?:\$__\w+|\d+[smhd])\])?                                     # range
    (?P<tail>\)*)
    """,
    re.VERBOSE,
)

# Gives (title of the panel or "", what is wrong) of a dashboard by its name.
Rule = Callable[[str, Json], Iterator[tuple[str, str]]]
RULES: Final[dict[str, Rule]] = {}


def rule(name: str) -> Callable[[Rule], Rule]:
    def register(check: Rule) -> Rule:
        RULES[name] = check
        return check

    return register


def variables(dashboard: Json, kind: str) -> list[Json]:
    return [each for each in dashboard["templating"]["list"] if each["type"] == kind]


@rule("template-datasource-rule")
def template_datasource(_name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    """A variable for each type of data source, named and labelled after it."""
    found = variables(dashboard, "datasource")
    if not found:
        yield "", "no variable for the data source"
    for each in found:
        names = {f"{each['query']}_datasource"}
        labels = {f"{each['query'].title()} data source"}
        if len(found) == 1:
            names.add("datasource")
            labels.add("Data source")
        if each["name"] not in names or each["label"] not in labels:
            yield "", f"variable {each['name']} ({each['label']})"


def _query_variable(dashboard: Json, name: str) -> Iterator[tuple[str, str]]:
    found = [each for each in dashboard["templating"]["list"] if each["name"] == name]
    if not found:
        yield "", f"no variable {name}"
        return
    wanted = {"type": "query", "label": name.title(), "multi": True, "allValue": ".+"}
    for member, value in wanted.items():
        if found[0][member] != value:
            yield "", f"{member} of {name} is {found[0][member]}, not {value}"
    if found[0]["datasource"]["uid"] != SOURCE:
        yield "", f"data source of {name}"


@rule("template-job-rule")
def template_job(_name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    return _query_variable(dashboard, "job")


@rule("template-instance-rule")
def template_instance(_name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    return _query_variable(dashboard, "instance")


@rule("template-label-promql-rule")
def template_label_promql(_name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    """Query variables use a known function over valid PromQL."""
    for each in variables(dashboard, "query"):
        found = re.fullmatch(r"label_values\((.+), ([a-z_]+)\)", each["query"]["query"])
        if not found or not _parses(found[1]):
            yield "", f"query of {each['name']}"


@rule("template-on-time-change-reload-rule")
def template_on_time_change_reload(_name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    for each in variables(dashboard, "query"):
        if each["refresh"] != 2:
            yield "", f"{each['name']} is not read again with a new time range"


@rule("panel-datasource-rule")
def panel_datasource(_name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    known = {f"${{{each['name']}}}" for each in variables(dashboard, "datasource")}
    for panel in panels(dashboard):
        if panel["datasource"]["uid"] not in known:
            yield panel["title"], "fixed data source"


@rule("panel-title-description-rule")
def panel_title_description(_name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        if not panel["title"] or not panel["description"]:
            yield panel["title"], f"panel {panel['id']} lacks a title or a description"


@rule("panel-units-rule")
def panel_units(_name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        unit = panel["fieldConfig"]["defaults"].get("unit", "")
        if panel["type"] in _WITH_UNIT and unit not in UNITS:
            yield panel["title"], f"unit {unit!r}"


@rule("panel-no-targets-rule")
def panel_no_targets(_name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        if not panel["targets"]:
            yield panel["title"], "no query"


def _parses(expr: str) -> bool:
    try:
        promql_parser.parse(substituted(expr))
    except ValueError:
        return False
    return True


@rule("target-promql-rule")
def target_promql(name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    for target in targets(name, dashboard, "prometheus"):
        if not _parses(target.expr):
            yield target.panel, target.expr


@rule("target-rate-interval-rule")
def target_rate_interval(name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    """The range of every rate is $__rate_interval."""
    wanted = promql_parser.parse(f"up[{RATE_INTERVAL}]")
    assert isinstance(wanted, promql_parser.MatrixSelector)
    for target in targets(name, dashboard, "prometheus"):
        for node, parents in nodes(promql_parser.parse(substituted(target.expr))):
            if not isinstance(node, promql_parser.MatrixSelector) or node.range == wanted.range:
                continue
            if _function(parents[-1:]) in RATES:
                yield target.panel, target.expr


def _function(parents: Sequence[object]) -> str:
    """The name of the outermost of the `parents` if that is the call of a function."""
    return parents[0].func.name if parents and isinstance(parents[0], promql_parser.Call) else ""


def _matcher(name: str, dashboard: Json, label: str) -> Iterator[tuple[str, str]]:
    for target in targets(name, dashboard, "prometheus"):
        for selector in selectors(target.expr):
            found = {(str(m.op), m.value) for m in selector.matchers.matchers if m.name == label}
            if not any("Re" in op and value == f"${label}" for op, value in found):
                yield target.panel, f"{selector.name} has no {label}=~"


@rule("target-job-rule")
def target_job(name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    return _matcher(name, dashboard, "job")


@rule("target-instance-rule")
def target_instance(name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    return _matcher(name, dashboard, "instance")


@rule("target-counter-agg-rule")
def target_counter_agg(name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    """A counter stands only in rate, irate or increase."""
    for target in targets(name, dashboard, "prometheus"):
        for node, parents in nodes(promql_parser.parse(substituted(target.expr))):
            if not isinstance(node, promql_parser.VectorSelector):
                continue
            is_counter = (node.name or "").endswith("_total")
            if is_counter and _function(parents[-2:]) not in (*RATES, "increase"):
                yield target.panel, target.expr


@rule("target-logql-rule")
def target_logql(name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    """The part of LogQL that the bundle uses; no parser of the language can be had for Python."""
    for target in targets(name, dashboard, "loki"):
        found = _LOGQL.fullmatch(target.expr)
        if not found or _GROUPING.sub("", found["head"]).count("(") != len(found["tail"]):
            yield target.panel, target.expr


@rule("target-logql-auto-rule")
def target_logql_auto(name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    """The range of every count is $__auto."""
    for target in targets(name, dashboard, "loki"):
        ranges = re.findall(r"\[([^\[\]]+)\]\)", target.expr)
        if set(ranges) - {"$__auto"}:
            yield target.panel, target.expr


@rule("uneditable-dashboard-rule")
def uneditable_dashboard(_name: str, dashboard: Json) -> Iterator[tuple[str, str]]:
    if dashboard["editable"]:
        yield "", "editable"
