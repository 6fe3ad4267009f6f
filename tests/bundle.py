"""The committed thresholds and what they render to, once for all tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from generator.alerts import all_alerts, all_recordings
from generator.alerts.model import Alert, Recording
from generator.bundle import render
from generator.config import load
from generator.thresholds import Thresholds

ROOT: Final = Path(__file__).resolve().parents[1]
FILE: Final = "thresholds.yaml"


@cache
def text() -> str:
    return (ROOT / FILE).read_text()


@cache
def thresholds() -> Thresholds:
    return load(text(), FILE)


@cache
def alerts() -> tuple[Alert, ...]:
    return all_alerts(thresholds())


@cache
def recordings() -> tuple[Recording, ...]:
    groups = all_recordings(thresholds(), alerts())
    return tuple(each for group in groups.values() for each in group)


@cache
def files() -> dict[str, str]:
    return render(thresholds())
