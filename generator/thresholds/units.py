"""Numbers as people write them (`1h30m`, `1.5GiB`, `0.1%`) to SI base units and back, exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Final


class Unit(Enum):
    """What a number of the file measures, and so which spellings it takes."""

    DURATION = "duration"  # seconds: 500ms, 5m, 3h, 30d
    BYTES = "bytes"  # bytes: 500MiB, 1.5GiB
    GROWTH = "growth"  # bytes per second: 10MiB/h, 5MiB/min
    RATIO = "ratio"  # 0 to 1: 0.1%, 99.5%
    RATE = "rate"  # requests per second: 10/s, 3/min
    COUNT = "count"  # a whole number of things
    COUNT_RATE = "count rate"  # how fast a count grows, per second: 20/h
    SCORE = "score"  # 0 to 1, written as a plain number
    FACTOR = "factor"  # a plain number


_WHOLE: Final = r"(?:0|[1-9][0-9]*)"
_NUMBER: Final = rf"{_WHOLE}(?:\.[0-9]+)?"
_SIZE: Final = rf"{_NUMBER}(?:[KMGT]i)?B"
_GROWTH: Final = rf"{_SIZE}/(?:s|min|h|d)"
_RATE: Final = rf"{_NUMBER}/(?:s|min|h)"
_SLOW_RATE: Final = rf"{_NUMBER}/(?:min|h)"

# In milliseconds, longest first: Prometheus takes them in this order.
_TIMES: Final = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_SIZES: Final = {"TiB": 2**40, "GiB": 2**30, "MiB": 2**20, "KiB": 2**10, "B": 1}
_PERIODS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86400}

# One unit with a fraction (2.5s), or whole numbers of several, longest first (1h30m).
_DURATION: Final = (
    rf"(?:{_NUMBER}(?:ms|[smhdw])|(?=.){''.join(f'(?:{_WHOLE}{unit})?' for unit in _TIMES)})"
)


@dataclass(frozen=True)
class Spelling:
    """How numbers of a unit are written.

    `pattern`: what a text must look like, without anchors; the JSON Schema shows it to editors.
    `scales`: what one of each suffix is in SI base units, the largest of equal periods first.
    """

    noun: str
    examples: str
    largest: str
    pattern: str
    scales: Mapping[str, Fraction]


LARGEST_COUNT: Final = 10**9
_ONE: Final = {"": Fraction(1)}
_PERCENT: Final = {"%": Fraction(1, 100)}
_SECONDS: Final = {name: Fraction(length, 1000) for name, length in _TIMES.items()}
_BYTES: Final = {name: Fraction(size) for name, size in _SIZES.items()}
_GROWTHS: Final = {
    f"{name}/{per}": Fraction(size, seconds)
    for (per, seconds), (name, size) in product(_PERIODS.items(), _SIZES.items())
}
_RATES: Final = {"/s": Fraction(1), "/min": Fraction(1, 60), "/h": Fraction(1, 3600)}
_SLOW_RATES: Final = {"/h": Fraction(1, 3600), "/min": Fraction(1, 60)}

SPELLINGS: Final = {
    Unit.DURATION: Spelling("a duration", "500ms or 1m30s", "365d", _DURATION, _SECONDS),
    Unit.BYTES: Spelling("a size", "500MiB or 1.5GiB", "1024TiB", _SIZE, _BYTES),
    Unit.GROWTH: Spelling("a growth rate", "10MiB/h or 5MiB/min", "1024TiB/s", _GROWTH, _GROWTHS),
    Unit.RATIO: Spelling("a percentage", "0.1% or 99.5%", "100%", f"{_NUMBER}%", _PERCENT),
    Unit.RATE: Spelling("a rate", "10/s or 3/min", "1000000/s", _RATE, _RATES),
    Unit.COUNT_RATE: Spelling("a rate", "20/h or 1/min", "1000000/min", _SLOW_RATE, _SLOW_RATES),
    Unit.COUNT: Spelling("a whole number", "20", str(LARGEST_COUNT), _WHOLE, _ONE),
    Unit.SCORE: Spelling("a score", "0.6", "1", _NUMBER, _ONE),
    Unit.FACTOR: Spelling("a factor", "14.4", "1000000", _NUMBER, _ONE),
}
_ONE_OF: Final = {"1m": "minute", "1h": "hour", "1d": "day", "1w": "week"}
_PARTS: Final = re.compile(rf"({_NUMBER})([a-zA-Z%/]*)")
_SI_SIZE: Final = re.compile(rf"({_NUMBER})\s*([kmgtKMGT])[bB]?((?:/(?:s|min|h|d))?)")
_LONGEST_TEXT: Final = 40


def form(unit: Unit, limit: str = "") -> str:
    """What a value of `unit` looks like: ``a duration above zero such as 500ms or 1m30s``."""
    spelling = SPELLINGS[unit]
    return f"{spelling.noun}{limit and ' '}{limit} such as {spelling.examples}"


def parse(text: str, unit: Unit, *, positive: bool = False) -> float | int:
    """The number that `text` spells, in SI base units.

    Raises ValueError with the words for what would be right.
    """
    spelling = SPELLINGS[unit]
    if len(text) > _LONGEST_TEXT or not re.fullmatch(spelling.pattern, text):
        raise ValueError(_refusal(text, unit, positive=positive))
    exact = _exact(text, unit)
    if positive and not exact:
        raise ValueError(form(unit, "above zero"))
    if exact > _exact(spelling.largest, unit):
        raise ValueError(form(unit, f"of at most {spelling.largest}"))
    if unit is Unit.DURATION and (exact * 1000).denominator != 1:
        raise ValueError(form(unit, "of whole milliseconds"))
    return int(exact) if unit is Unit.COUNT else float(exact)


@lru_cache(maxsize=1024)
def _exact(text: str, unit: Unit) -> Fraction:
    scales = SPELLINGS[unit].scales
    parts = (Fraction(number) * scales[suffix] for number, suffix in _PARTS.findall(text))
    return sum(parts, start=Fraction(0))


def _refusal(text: str, unit: Unit, *, positive: bool) -> str:
    decimal = _SI_SIZE.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if decimal and (unit is Unit.BYTES or (unit is Unit.GROWTH and decimal[3])):
        number, prefix, period = decimal.groups()
        noun = SPELLINGS[unit].noun
        return f"{noun} in powers of 1024 such as {number}{prefix.upper()}iB{period}"
    if text.startswith("-") and re.fullmatch(SPELLINGS[unit].pattern, text[1:]):
        return form(unit, "above zero" if positive else "of zero or more")
    return form(unit)


def format_duration(seconds: float) -> str:
    """Prometheus's own spelling, which PromQL takes too: 5400 is ``1h30m``.

    Raises ValueError for parts of a millisecond.
    """
    rest = round(seconds * 1000)
    if rest < 0 or rest / 1000 != seconds:
        raise ValueError(f"{seconds!r} seconds are no whole number of milliseconds")
    if not rest:
        return "0s"
    text = ""
    for name, length in _TIMES.items():
        # A week only where it says all, as Prometheus does: 30d, not 4w2d.
        if name == "w" and rest % length:
            continue
        count, rest = divmod(rest, length)
        text += f"{count}{name}" if count else ""
    return text


def spoken(duration: str) -> str:
    """What follows "the last": `hour` for `1h`, and `6h` as it is."""
    return _ONE_OF.get(duration, duration)


@lru_cache(maxsize=1024)
def format_value(value: float, unit: Unit) -> str:
    """The shortest spelling that `parse` reads back as `value`.

    Raises ValueError for what `parse` cannot give: parts of a byte or of a millisecond.
    """
    if unit is Unit.COUNT:
        return str(int(value))
    if unit is not Unit.DURATION:
        return _best(value, SPELLINGS[unit].scales)
    # 2.5s is easier to read than Prometheus's 2s500ms.
    short = 1 < value < _TIMES["m"] / 1000
    return f"{_shortest(value, Fraction(1))}s" if short else format_duration(value)


def _best(value: float, scales: Mapping[str, Fraction]) -> str:
    """Of several scales the one that needs the fewest digits, the first of equals.

    A number under 1 is taken only where every scale has one.
    """
    spelled = [
        (number, name) for name, scale in scales.items() if (number := _shortest(value, scale))
    ]
    if not spelled:
        raise ValueError(f"{value!r} has no exact spelling")
    large = [(number, name) for number, name in spelled if Decimal(number) >= 1]
    number, name = min(large or spelled[-1:], key=lambda pair: len(pair[0].replace(".", "")))
    return number + name


def _shortest(value: float, scale: Fraction) -> str:
    """The shortest decimal number that, times `scale`, is `value` to the last bit; or nothing.

    Whole multiples, of bytes, must be met exactly, before any rounding to a float.
    """
    exact = Fraction(value) / scale
    whole = scale.denominator == 1 and scale > 1
    for digits in range(1, 18):
        text = f"{exact.numerator / Decimal(exact.denominator):.{digits}g}"
        product_ = Fraction(text) * scale
        if product_ == value if whole else float(product_) == value:
            return f"{Decimal(text).normalize():f}"
    return ""
