"""The rendered dashboards as tests read them: parsed, and their queries one by one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import promql_parser

from generator.dashboards import render
from tests.bundle import alerts, thresholds

Json = dict[str, Any]

# Values to put in place of Grafana's variables, so that a query parses.
RATE_INTERVAL: Final = "217s"
_VARIABLES: Final = {"__rate_interval": RATE_INTERVAL, "__interval": "31s", "__range": "6h"}


@cache
def texts() -> dict[str, str]:
    return render(thresholds(), alerts())


@cache
def dashboards() -> dict[str, Json]:
    """The dashboards by their name: overview, latency, system, errors."""
    return {
        path.removeprefix("dashboards/").removesuffix(".json"): json.loads(text)
        for path, text in texts().items()
    }


def panels(dashboard: Json) -> list[Json]:
    """Every panel that is no row."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def substituted(query: str) -> str:
    return re.sub(r"\$(__\w+)", lambda found: _VARIABLES[found[1]], query)


@dataclass(frozen=True)
class Target:
    """A query with where it stands."""

    dashboard: str
    panel: str
    expr: str
    kind: str

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel}: {self.expr}"


def targets(name: str, dashboard: Json, kind: str) -> Iterator[Target]:
    """The queries of all panels to data sources of a `kind`: prometheus or loki."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            if target["datasource"]["type"] == kind:
                yield Target(name, panel["title"], target["expr"], kind)


def nodes(
    node: object, parents: tuple[object, ...] = ()
) -> Iterator[tuple[object, tuple[object, ...]]]:
    """Every node of a parsed expression with those above it, the nearest last."""
    yield node, parents
    children = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "param")]
    if isinstance(node, promql_parser.MatrixSelector):
        children.append(node.vector_selector)
    for child in (*children, *(getattr(node, "args", None) or ())):
        if child is not None:
            yield from nodes(child, (*parents, node))


def selectors(expr: str) -> list[promql_parser.VectorSelector]:
    parsed = promql_parser.parse(substituted(expr))
    return [node for node, _ in nodes(parsed) if isinstance(node, promql_parser.VectorSelector)]
