"""Renders the scoreboard as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from jinja2 import PackageLoader

from generator.scenarios.render import FOLDER
from generator.scoreboard.results import Result
from generator.templates import environment
from generator.thresholds.units import format_duration

PATH: Final = "docs/scoreboard.md"


def render(results: Sequence[Result]) -> str:
    templates = environment(PackageLoader("generator.scoreboard", ""))
    templates.filters |= {"names": lambda names: ", ".join(names) or "-", "time": _time}
    return templates.get_template("page.md").render(results=results, folder=FOLDER)


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
