"""Types of arguments for command lines."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime

from generator.thresholds.levels import Unit
from generator.thresholds.units import form, parse


def spelled(unit: Unit, *, positive: bool = False) -> Callable[[str], float]:
    """A number as the thresholds file spells it, in SI base units."""

    def number(text: str) -> float:
        try:
            value = parse(text, unit)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not {error}") from error
        if value or not positive:
            return value
        raise argparse.ArgumentTypeError(f"{text!r} is not {form(unit, 'above zero')}")

    return number


def moment(text: str) -> datetime:
    """A local time unless it has a zone."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time as 2026-05-04T12:00") from error
