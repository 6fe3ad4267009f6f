"""Queries of panels: the matchers of the dashboard's variables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from generator.dashboards.panels import Query
from generator.names import LABELS
from generator.promql import with_matchers

# Variables whose value filters every series that has a label of their name.
VARIABLES: Final = ("job", "instance", "worker")
# A recording rule's level -> the variables that its series have labels for.
_LEVELS: Final = {
    "job": ("job",),
    "instance": ("job", "instance"),
    "worker": ("job", "instance", "worker"),
}
_SELECTOR: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{[^{}]*\}")


def labels(metric: str) -> tuple[str, ...]:
    """Which variables name a label of the metric or recording rule; KeyError for an unknown one."""
    level, colon, _ = metric.partition(":")
    if colon:
        return _LEVELS[level]
    return ("job", "instance", *(name for name in LABELS[metric] if name in VARIABLES))


def _matchers(names: Iterable[str]) -> str:
    return ",".join(f'{name}=~"${name}"' for name in names)


# The matchers of the variables that every dashboard has.
EVERYWHERE: Final = _matchers(("job", "instance"))


def with_variables(expr: str) -> str:
    """`expr` with the variables' matchers at every selector, as far as it has their labels."""
    return _SELECTOR.sub(lambda found: with_matchers(found[0], _matchers(labels(found[1]))), expr)


def rate(metric: str, by: str = "") -> str:
    return f"{_sum(by)}(rate({metric}{{}}[$__rate_interval]))"


def mean(histogram: str, by: str = "") -> str:
    return f"{rate(f'{histogram}_sum', by)} / ({rate(f'{histogram}_count', by)} > 0)"


def buckets(histogram: str) -> Query:
    """What a heatmap shows of a histogram."""
    return Query(f"sum by (le) (increase({histogram}_bucket{{}}[$__rate_interval]))", "{{le}}")


def _sum(by: str) -> str:
    return f"sum by ({by}) " if by else "sum"


def alerts(service: str, severity: str = "") -> str:
    """Firing alerts of the service but its watchdog; those of the whole bundle have no instance."""
    matchers = [
        'alertstate="firing"',
        f'service="{service}"',
        'category!="meta"',
        *([f'severity="{severity}"'] if severity else []),
        'instance=~"$instance|"',
    ]
    return f"ALERTS{{{','.join(matchers)}}}"
