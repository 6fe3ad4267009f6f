"""A measured value in words, beside the bounds of the thresholds."""

from __future__ import annotations

from generator.texts import humanize, humanize1024, humanize_duration, humanize_percentage
from generator.thresholds.units import Unit


def measured_text(value: float, unit: Unit) -> str:
    """A measured value in few digits, with its unit."""
    if unit is Unit.RATIO:
        return humanize_percentage(_short(value))
    if unit is Unit.DURATION:
        return humanize_duration(_short(value))
    if unit is Unit.BYTES:
        return f"{humanize1024(_short(value))}B"
    if unit is Unit.GROWTH:
        return f"{humanize1024(_short(60 * value))}B/min"
    return humanize(_short(value)) + ("/s" if unit is Unit.RATE else "")


def _short(value: float) -> float:
    return float(f"{value:.3g}")
