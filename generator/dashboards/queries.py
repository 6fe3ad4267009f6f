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
_LEVELS: Final = {name: VARIABLES[: index + 1] for index, name in enumerate(VARIABLES)}
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


def rate(metric: str, by: str = "", matchers: str = "") -> str:
    total = f"sum by ({by}) " if by else "sum"
    return f"{total}(rate({metric}{{{matchers}}}[$__rate_interval]))"


def mean(histogram: str, by: str = "") -> str:
    return f"{rate(f'{histogram}_sum', by)} / ({rate(f'{histogram}_count', by)} > 0)"


def buckets(histogram: str) -> Query:
    """What a heatmap shows of a histogram."""
    return Query(f"sum by (le) (increase({histogram}_bucket{{}}[$__rate_interval]))", "{{le}}")


def alerts(service: str, severity: str = "") -> str:
    """Firing alerts of the service but its watchdog; those of the whole bundle have no instance."""
    severities = f',severity="{severity}"' if severity else ""
    firing = f'alertstate="firing",service="{service}",category!="meta"{severities}'
    return f'ALERTS{{{firing},instance=~"$instance|"}}'
