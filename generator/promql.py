"""Small helpers to write PromQL.

Expressions of this package carry braces at every selector, ``up{}`` or ``up{job="x"}``, so that a
panel can add the matchers of its variables to the very expression that an alert uses; `plain` gives
the rule's form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_BRACES: Final = re.compile(r"\{([^{}]*)\}")


def plain(expr: str) -> str:
    """`expr` without the empty braces."""
    return expr.replace("{}", "")


def selector(metric: str, labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric}{{{inner}}}"


def with_matchers(expr: str, matchers: str) -> str:
    """`expr` with `matchers` (``a="b",c=~"d"``) added to every selector."""
    return _BRACES.sub(lambda found: "{" + ",".join(filter(None, [found[1], matchers])) + "}", expr)


def number(value: float) -> str:
    """The shortest PromQL number that reads back as `value`, without an exponent below 1e15."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value))


def le(bound: float) -> str:
    """The label `le` as the client library and Prometheus 3 write it: always with a fraction."""
    return repr(float(bound))
