"""Renders the scoreboard as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import jinja2

from generator.scenarios.render import FOLDER
from generator.scoreboard.results import Result
from generator.thresholds.units import format_duration

PATH: Final = "docs/scoreboard.md"
_TEMPLATE: Final = Path(__file__).with_suffix(".md")


def render(results: Sequence[Result]) -> str:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # Markdown, not HTML
    )
    environment.filters |= {"names": lambda names: ", ".join(names) or "-", "time": _time}
    template = environment.from_string(_TEMPLATE.read_text("utf-8"))
    return template.render(results=results, folder=FOLDER)


def problems(results: Sequence[Result]) -> Iterator[str]:
    """What is wrong with the bundle's alerts, one line each."""
    for each in results:
        for one in each.detections:
            if not one.in_time:
                times = f"fires after {_time(one.after)}, due after {_time(one.due)}"
                yield f"{each.scenario.name}: {one.name} {times}"
        for name in each.false_alerts:
            yield f"{each.scenario.name}: {name} should not fire"


def _time(seconds: float | None) -> str:
    return "never" if seconds is None else format_duration(seconds)
