"""Numbers as people write them (`1h30m`, `1.5GiB`, `0.1%`) to SI base units and back, exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
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


_NUMBER: Final = r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
_WHOLE: Final = r"(?:0|[1-9][0-9]*)"

_TIMES: Final[
    Mapping[str, int]
] = {  # milliseconds, longest first: Prometheus takes them in this order
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_SIZES: Final[Mapping[str, int]] = {
    "TiB": 2**40,
    "GiB": 2**30,
    "MiB": 2**20,
    "KiB": 2**10,
    "B": 1,
}
_PERIODS: Final[Mapping[str, int]] = {"s": 1, "min": 60, "h": 3600, "d": 86400}

# What one of each suffix is in SI base units, the largest of equal periods first.
_SCALES: Final[Mapping[Unit, Mapping[str, Fraction]]] = {
    Unit.BYTES: {name: Fraction(size) for name, size in _SIZES.items()},
    Unit.GROWTH: {
        f"{name}/{per}": Fraction(size, seconds)
        for (per, seconds), (name, size) in product(_PERIODS.items(), _SIZES.items())
    },
    Unit.RATIO: {"%": Fraction(1, 100)},
    Unit.RATE: {f"/{per}": Fraction(1, _PERIODS[per]) for per in ("s", "min", "h")},
    Unit.COUNT_RATE: {f"/{per}": Fraction(1, _PERIODS[per]) for per in ("h", "min")},
    Unit.SCORE: {"": Fraction(1)},
    Unit.FACTOR: {"": Fraction(1)},
}

# One unit with a fraction (2.5s), or whole numbers of several, longest first (1h30m).
_SIMPLE: Final = rf"{_NUMBER}(?:ms|[smhdw])"
_COMPOUND: Final = r"(?=.)" + "".join(rf"(?:{_WHOLE}{unit})?" for unit in _TIMES)
_SIZE: Final = rf"{_NUMBER}(?:[KMGT]i)?B"

# What a text must look like, without anchors; the JSON Schema shows the same patterns to editors.
PATTERNS: Final[Mapping[Unit, str]] = {
    Unit.DURATION: rf"(?:{_SIMPLE}|{_COMPOUND})",
    Unit.BYTES: _SIZE,
    Unit.GROWTH: rf"{_SIZE}/(?:s|min|h|d)",
    Unit.RATIO: rf"{_NUMBER}%",
    Unit.RATE: rf"{_NUMBER}/(?:s|min|h)",
    Unit.COUNT_RATE: rf"{_NUMBER}/(?:min|h)",
    Unit.COUNT: _WHOLE,
    Unit.SCORE: _NUMBER,
    Unit.FACTOR: _NUMBER,
}
_COMPILED: Final = {unit: re.compile(pattern) for unit, pattern in PATTERNS.items()}
_PARTS: Final = re.compile(rf"({_NUMBER})([a-zA-Z%/]*)")
_SI_SIZE: Final = re.compile(rf"({_NUMBER})\s*([kmgtKMGT])[bB]?((?:/(?:s|min|h|d))?)")
_LONGEST_TEXT: Final = 40

# What a unit's values are called, and examples.
_FORMS: Final[Mapping[Unit, tuple[str, str]]] = {
    Unit.DURATION: ("a duration", "500ms or 1m30s"),
    Unit.BYTES: ("a size", "500MiB or 1.5GiB"),
    Unit.GROWTH: ("a growth", "10MiB/h or 5MiB/min"),
    Unit.RATIO: ("a share", "0.1% or 99.5%"),
    Unit.RATE: ("a rate", "10/s or 3/min"),
    Unit.COUNT_RATE: ("a rate", "20/h or 1/min"),
    Unit.COUNT: ("a whole number", "20"),
    Unit.SCORE: ("a score", "0.6"),
    Unit.FACTOR: ("a factor", "14.4"),
}

LARGEST_COUNT: Final = 10**9
_MAXIMA: Final[Mapping[Unit, tuple[Fraction, str]]] = {
    Unit.DURATION: (Fraction(365 * 86400), "365d"),
    Unit.BYTES: (Fraction(2**50), "1024TiB"),
    Unit.GROWTH: (Fraction(2**50), "1024TiB/s"),
    Unit.RATIO: (Fraction(1), "100%"),
    Unit.RATE: (Fraction(10**6), "1000000/s"),
    Unit.COUNT_RATE: (Fraction(10**6, 60), "1000000/min"),
    Unit.COUNT: (Fraction(LARGEST_COUNT), str(LARGEST_COUNT)),
    Unit.SCORE: (Fraction(1), "1"),
    Unit.FACTOR: (Fraction(10**6), "1000000"),
}


def form(unit: Unit, limit: str = "") -> str:
    """What a value of `unit` looks like: ``a duration above zero such as 500ms or 1m30s``."""
    noun, examples = _FORMS[unit]
    return f"{noun}{limit and ' '}{limit} such as {examples}"


def examples(unit: Unit) -> list[str]:
    """Spellings of `unit`."""
    return _FORMS[unit][1].split(" or ")


def parse(text: str, unit: Unit) -> float | int:
    """The number that `text` spells, in SI base units.

    Raises ValueError with the words for what would be right.
    """
    exact = _exact(text, unit) if len(text) <= _LONGEST_TEXT else None
    if exact is None:
        raise ValueError(_refusal(text, unit))
    largest, spelled = _MAXIMA[unit]
    if exact > largest:
        raise ValueError(form(unit, f"of at most {spelled}"))
    if unit is Unit.DURATION and (exact * 1000).denominator != 1:
        raise ValueError(form(unit, "of whole milliseconds"))
    return int(exact) if unit is Unit.COUNT else float(exact)


@lru_cache(maxsize=1024)
def _exact(text: str, unit: Unit) -> Fraction | None:
    if not _COMPILED[unit].fullmatch(text):
        return None
    if unit is Unit.COUNT:
        return Fraction(text)
    parts = _PARTS.findall(text)
    if unit is Unit.DURATION:
        milliseconds = sum(Fraction(number) * _TIMES[name] for number, name in parts)
        return Fraction(milliseconds) / 1000
    number, suffix = parts[0]
    return Fraction(number) * _SCALES[unit][suffix]


def _refusal(text: str, unit: Unit) -> str:
    if unit in (Unit.BYTES, Unit.GROWTH) and len(text) <= _LONGEST_TEXT:
        decimal = _SI_SIZE.fullmatch(text)
        if decimal:
            number, prefix, period = decimal.groups()
            if period or unit is Unit.BYTES:
                noun = _FORMS[unit][0]
                return f"{noun} in powers of 1024 such as {number}{prefix.upper()}iB{period}"
    if text.startswith("-") and _COMPILED[unit].fullmatch(text[1:]):
        return form(unit, "of zero or more")
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


@lru_cache(maxsize=1024)
def format_value(value: float, unit: Unit) -> str:
    """The shortest spelling that `parse` reads back as `value`.

    Raises ValueError for what `parse` cannot give: parts of a byte or of a millisecond.
    """
    if unit is Unit.COUNT:
        return str(int(value))
    if unit is not Unit.DURATION:
        return _best(value, _SCALES[unit])
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
