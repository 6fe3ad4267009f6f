"""Values of several processes combined as their type requires; sums without rounding.

Prometheus takes the slightest decrease of a counter for a reset, and then counts the whole value
again. The last digit of a sum of doubles depends on their order, so a total could decrease when the
file of a dead worker is merged. Here a sum is kept as the doubles that add up to it exactly
(J. R. Shewchuk, Adaptive Precision Floating-Point Arithmetic, 1997), and rounded once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import fsum, isfinite

from exporters.app.dbfile import Key, Series

Values = list[float]
Entry = tuple[Key, float, float]
"""One series in a file: key, value, and Unix time at which it was set."""


def add(parts: Values, value: float) -> None:
    """Add to an exact sum, in place; once anything is not finite, so is the sum."""
    if not isfinite(value) or not isfinite(parts[-1] if parts else 0.0):
        parts[:] = [sum((*parts, value))]
        return
    kept = 0
    for part in parts:
        high, low = (value, part) if abs(value) >= abs(part) else (part, value)
        value = high + low
        rest = low - (value - high)
        if rest:
            parts[kept] = rest
            kept += 1
    parts[kept:] = [value]
    if not isfinite(value):  # the sum overflows a double
        parts[:] = [value]


@dataclass(slots=True)
class Totals:
    """By type and mode, for each series: the parts of a sum, or the one value that counts.

    For mode mostrecent that is the value and the time at which it was set.
    """

    states: dict[tuple[str, str], dict[Series, Values]] = field(default_factory=dict)
    help: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, mode: str, entries: Iterable[Entry]) -> None:
        """Add the values of one process; live* modes are treated like the plain ones."""
        mode = mode.removeprefix("live")
        states = self.states.setdefault((kind, mode), {})
        for key, value, time in entries:
            series = key.series
            self.help[series.metric] = key.help
            state = states.get(series)
            if state is None:
                states[series] = [value, time] if mode == "mostrecent" else [value]
            else:
                _merge(mode, state, value, time)

    def copy(self) -> Totals:
        states = {
            kind: {series: state.copy() for series, state in found.items()}
            for kind, found in self.states.items()
        }
        return Totals(states, self.help.copy())


def _merge(mode: str, state: Values, value: float, time: float) -> None:
    match mode:
        case "max":
            state[0] = max(state[0], value)
        case "min":
            state[0] = min(state[0], value)
        case "mostrecent":
            if time > state[1]:
                state[:] = [value, time]
        case "all":
            state[0] = value
        case _:
            add(state, value)


def value_of(mode: str, state: Values) -> float:
    """The value to show: the double nearest to the sum, or the value itself."""
    if mode in ("", "sum") and len(state) > 1:
        return fsum(state)
    return state[0]
