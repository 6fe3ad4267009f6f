"""What Prometheus makes of the templates of alert texts, so that tests can demand every letter.

Only the forms that the bundle uses are known: ``{{ $labels.x }}``, ``{{ $labels.x | urlquery }}``,
``{{ $value }}`` and ``{{ $value | FUNCTION }}`` with the functions below; anything else is refused.
Source of the functions: Prometheus's template reference and its package `template`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from itertools import dropwhile
from typing import Final
from urllib.parse import quote_plus

_ACTION: Final = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)


def go_float(value: float) -> str:
    """Go's ``%v`` of a float64: ``%g`` with exponents from 1e21 on and below 1e-4."""
    if not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    return re.sub(r"e([+-])(\d)$", r"e\g<1>0\2", repr(value))


def _general(value: float) -> str:
    """Go's ``%.4g``."""
    return f"{value:.4g}" if math.isfinite(value) else go_float(value)


def humanize_percentage(value: float) -> str:
    return f"{_general(value * 100)}%"


def humanize(value: float) -> str:
    """SI prefixes, four significant digits."""
    if value == 0 or not math.isfinite(value):
        return _general(value)
    if abs(value) >= 1:
        return _scaled(value, 1000, ("", "k", "M", "G", "T", "P", "E", "Z", "Y"))
    prefixes = iter("munpfazy")
    prefix = ""
    while abs(value) < 1 and prefix != "y":
        value, prefix = value * 1000, next(prefixes)
    return _general(value) + prefix


def humanize1024(value: float) -> str:
    """Binary prefixes, four significant digits."""
    if abs(value) <= 1 or not math.isfinite(value):
        return _general(value)
    return _scaled(value, 1024, ("", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"))


def _scaled(value: float, step: int, prefixes: tuple[str, ...]) -> str:
    prefix, *larger = prefixes
    while abs(value) >= step and larger:
        value, prefix = value / step, larger.pop(0)
    return _general(value) + prefix


def humanize_duration(value: float) -> str:
    """Days to milliseconds; what is less than a minute has four significant digits."""
    if value == 0:
        return "0s"
    if value < 0:
        return f"-{humanize_duration(-value)}"
    if not math.isfinite(value):
        return go_float(value)
    if value < 60:
        return f"{humanize(value)}s"
    seconds = int(value)
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m")]
    shown = dropwhile(lambda part: not part[0], parts)
    return " ".join([*(f"{count}{name}" for count, name in shown), f"{seconds % 60}s"])


_FUNCTIONS: Final[Mapping[str, Callable[[float], str]]] = {
    "": go_float,
    "humanize": humanize,
    "humanize1024": humanize1024,
    "humanizeDuration": humanize_duration,
    "humanizePercentage": humanize_percentage,
}


def expand(
    template: str, value: float, labels: Mapping[str, str], known: Mapping[str, str] | None = None
) -> str:
    """What Prometheus makes of `template` for one alert.

    `known` gives the result of passages that depend on other series.
    Raises ValueError for an action that is neither known nor of the forms above.
    """
    for passage, result in (known or {}).items():
        template = template.replace(passage, result)

    def action(found: re.Match[str]) -> str:
        subject, _, function = (part.strip() for part in found[1].partition("|"))
        if subject.startswith("$labels.") and function in ("", "urlquery"):
            text = labels.get(subject.removeprefix("$labels."), "")
            return quote_plus(text) if function else text
        if subject == "$value" and function in _FUNCTIONS:
            return _FUNCTIONS[function](value)
        raise ValueError(f"unknown template action {found[0]!r}")

    return _ACTION.sub(action, template)
