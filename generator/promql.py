"""Small helpers to write PromQL.

Expressions of this package carry braces at every selector, ``up{}`` or ``up{job="x"}``, so that a
panel can add the matchers of its variables to the very expression that an alert uses; `plain` gives
the rule's form.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Final

_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_INSTANT: Final = re.compile(r"([A-Za-z_:][\w:]*)\{[^{}]*\}(?!\[)( offset \w+)?")


def plain(expr: str) -> str:
    """`expr` without the empty braces."""
    return expr.replace("{}", "")


def selector(metric: str, labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric}{{{inner}}}"


def with_matchers(expr: str, matchers: str) -> str:
    """`expr` with `matchers` (``a="b",c=~"d"``) added to every selector."""
    return _BRACES.sub(lambda found: "{" + ",".join(filter(None, [found[1], matchers])) + "}", expr)


def looking_back(expr: str, metrics: Container[str], window: str) -> str:
    """`expr` with the last value within `window` for every instant selector of `metrics`.

    A failed scrape ends a series for instant selectors; ranges skip it.
    """

    def held(found: re.Match[str]) -> str:
        if found[1] not in metrics:
            return found[0]
        offset = found[2] or ""
        return f"last_over_time({found[0].removesuffix(offset)}[{window}]{offset})"

    return _INSTANT.sub(held, expr)


def instants(expr: str) -> set[str]:
    """The metrics of the instant selectors in `expr`."""
    return {found[1] for found in _INSTANT.finditer(expr)}


def number(value: float) -> str:
    """The shortest PromQL number that reads back as `value`, without an exponent below 1e15."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value))


def le(bound: float) -> str:
    """The label `le` as the client library and Prometheus 3 write it: always with a fraction."""
    return repr(float(bound))
