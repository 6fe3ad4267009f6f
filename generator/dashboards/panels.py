"""What a dashboard consists of, before the theme turns it into Grafana's JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from generator.dashboards.steps import Step

# The legend of a worker's series.
WORKER: Final = "{{instance}} worker {{worker}}"


@dataclass(frozen=True)
class Query:
    """A query of a panel, in PromQL with braces at every selector, or in LogQL.

    The variables' matchers are added to every selector of PromQL, unless the query is `unfiltered`.
    In a table `legend` titles the column of the value, and `unit` is that of the column.
    """

    expr: str
    legend: str = ""
    language: Literal["PromQL", "LogQL"] = "PromQL"
    instant: bool = False
    unfiltered: bool = False
    unit: str = ""


@dataclass(frozen=True)
class Link:
    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What every panel has; `key` is unique in the dashboard and stands for the panel's id.

    `no_value` says why the panel may be empty if it is not that the app or the sidecar gives no
    data. `soft_maximum` is in view even while all values lie far below it.
    """

    key: str
    title: str
    description: str
    queries: tuple[Query, ...]
    no_value: str = ""
    unit: str = "short"
    decimals: int | None = None
    minimum: float | None = 0
    maximum: float | None = None
    soft_maximum: float | None = None
    steps: tuple[Step, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TimeSeries(Panel):
    """Lines over time."""

    stacked: bool = False
    bars: bool = False


class Stat(Panel):
    """The last value as a number, coloured by its level, above a sparkline."""


class BarGauge(Panel):
    """The last value of each series as a bar from minimum to maximum."""


class Heatmap(Panel):
    """A histogram's buckets over time; `unit` is that of the buckets' bounds."""


@dataclass(frozen=True, kw_only=True)
class Table(Panel):
    """One row for each set of labels, whose columns come first, by their titles.

    The columns of the values follow. `column_links` are by title.
    """

    labels: Mapping[str, str]
    column_links: Mapping[str, Link] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StateTimeline(Panel):
    """A band for each series, coloured and named by its value."""

    states: Mapping[int, tuple[str, str]]


class Logs(Panel):
    """Lines of logs, newest first."""


@dataclass(frozen=True)
class Section:
    """A titled row of a dashboard: first `lines` of panels, each with its height, then `panels`.

    The panels of a line share its width; `panels` and those of the section's alerts make lines of
    their own.
    """

    title: str
    panels: tuple[Panel, ...] = ()
    lines: tuple[tuple[int, tuple[Panel, ...]], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    name: str
    title: str
    description: str
    sections: tuple[Section, ...]

    def panels(self) -> Iterator[Panel]:
        for section in self.sections:
            for _, line in section.lines:
                yield from line
            yield from section.panels
