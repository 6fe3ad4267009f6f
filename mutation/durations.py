"""Durations as Prometheus spells them (`5m`, `1h30m`), in milliseconds."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_DURATION: Final = re.compile("(?=.)" + "".join(rf"(?:(\d+){unit})?" for unit in _UNITS))


def parse_duration(text: str) -> int:
    """Raises ValueError."""
    if text == "0":
        return 0
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a duration such as 5m or 1h30m")
    return sum(
        int(count or 0) * length
        for count, length in zip(found.groups(), _UNITS.values(), strict=True)
    )


def format_duration(milliseconds: int) -> str:
    """In Prometheus's own spelling: years and weeks only where nothing remains."""
    if not milliseconds:
        return "0s"
    text = ""
    for unit, length in _UNITS.items():
        if unit in ("y", "w") and milliseconds % length:
            continue
        count, milliseconds = divmod(milliseconds, length)
        text += f"{count}{unit}" if count else ""
    return text
