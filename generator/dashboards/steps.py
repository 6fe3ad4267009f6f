"""Levels and bounds as the threshold steps of a panel, and as words in its description."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from generator.alerts.model import Alert
from generator.thresholds.levels import Levels
from generator.thresholds.settings import Severity
from generator.thresholds.units import format_duration, format_value

GREEN: Final = "green"
BLUE: Final = "blue"
YELLOW: Final = "yellow"
ORANGE: Final = "orange"
RED: Final = "red"

# From good to bad.
_ORDER: Final = (GREEN, BLUE, YELLOW, ORANGE, RED)
# The colour of what lies beyond an edge of a row.
_BEYOND: Final = {"target": YELLOW, "acceptable": ORANGE, "poor": RED}
_SEVERITY: Final[dict[Severity, str]] = {"info": BLUE, "warning": ORANGE, "critical": RED}


@dataclass(frozen=True)
class Step:
    """The colour from `value` on; None: from the lowest value on."""

    colour: str
    value: float | None = None


def of_row(levels: Levels) -> tuple[Step, ...]:
    """The levels of a row: green, yellow, orange, red from the target on."""
    return _steps(
        [(value, _BEYOND[name]) for name, value in levels.edges()], levels.worse == "below"
    )


def of_alert(alert: Alert) -> tuple[Step, ...]:
    """The levels of the row of the lowest severity, and the bounds of the other severities."""
    found: dict[float, str] = {}
    for trigger in reversed(alert.triggers):
        value = alert.bound(trigger)
        if trigger.bound is None:
            found[value] = _worse(found.get(value, GREEN), _SEVERITY[trigger.severity])
        elif not found:
            found.update({edge: _BEYOND[name] for name, edge in trigger.bound.levels.edges()})
        elif value not in found:
            worst = max(map(_ORDER.index, found.values()))
            found[value] = _ORDER[min(worst + 1, len(_ORDER) - 1)]
    return _steps(list(found.items()), alert.op == "<")


def from_bound(value: float, colour: str, below: bool = False) -> tuple[Step, ...]:
    """Green up to a single bound, `colour` beyond it."""
    return _steps([(value, colour)], below)


def _steps(edges: list[tuple[float, str]], below: bool) -> tuple[Step, ...]:
    """Colours that never get better on the way from the good end to the bad one."""
    edges = sorted(edges, reverse=below)
    colours = list(accumulate((colour for _, colour in edges), _worse, initial=GREEN))
    bounds = [value for value, _ in edges]
    if below:
        colours.reverse()
        bounds.reverse()
    return tuple(Step(*each) for each in zip(colours, [None, *bounds], strict=True))


def _worse(one: str, other: str) -> str:
    return max(one, other, key=_ORDER.index)


def lowest_bound(alert: Alert) -> float:
    """The bound that a worsening value reaches first."""
    return (max if alert.op == "<" else min)(alert.bound(trigger) for trigger in alert.triggers)


def row_in_words(levels: Levels) -> str:
    """The levels of a row: ``Levels: target up to 5MiB/min, acceptable up to 10MiB/min, ...``."""
    limit = "down to" if levels.worse == "below" else "up to"
    edges = [(name, format_value(value, levels.unit)) for name, value in levels.edges()]
    beyond = {"acceptable": "poor", "poor": "critical"}[edges[-1][0]]
    return (
        f"Levels: {', '.join(f'{name} {limit} {text}' for name, text in edges)}, {beyond} beyond."
    )


def alert_in_words(alert: Alert) -> str:
    """When an alert fires: ``AuditorHighLatency fires above 1s for 10m (warning), above ...``."""
    side = {"<": "below", ">": "above", "==": "at"}[alert.op]
    parts = [
        f"{side} {format_value(alert.bound(trigger), alert.unit)}"
        f"{f' for {format_duration(trigger.for_)}' if trigger.for_ else ''} ({trigger.severity})"
        for trigger in reversed(alert.triggers)
    ]
    more = ", under further conditions" if any(trigger.guard for trigger in alert.triggers) else ""
    return f"{alert.name} fires {', '.join(parts)}{more}."
