"""Renders the scoreboard as a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jinja2

from generator.scenarios.render import FOLDER
from generator.scenarios.scenario import Scenario
from generator.scoreboard.results import BundleResult, GuideResult

PATH: Final = "docs/scoreboard.md"
_TEMPLATE: Final = Path(__file__).with_suffix(".md")


@dataclass(frozen=True)
class Row:
    scenario: Scenario
    bundle: BundleResult
    guide: GuideResult

    @property
    def negative(self) -> bool:
        return not self.scenario.required

    @property
    def guide_in_time(self) -> bool:
        """By the last of the bundle's deadlines."""
        latest = max((each.due for each in self.bundle.detections), default=0.0)
        return self.guide.after is not None and self.guide.after <= latest

    @property
    def link(self) -> str:
        return f"[{self.scenario.name}](../{FOLDER}/{self.scenario.name}.yml)"


@dataclass(frozen=True)
class Total:
    """For how many of the scenarios it is true, with the bundle and with the guide's rules."""

    what: str
    of: int
    bundle: int
    guide: int


def totals(rows: Sequence[Row]) -> tuple[Total, ...]:
    incidents = [row for row in rows if not row.negative]
    negatives = [row for row in rows if row.negative]

    def total(
        what: str, of: Sequence[Row], bundle: Callable[[Row], bool], guide: Callable[[Row], bool]
    ) -> Total:
        return Total(what, len(of), sum(map(bundle, of)), sum(map(guide, of)))

    def silent(what: str, of: Sequence[Row]) -> Total:
        return total(
            what,
            of,
            lambda row: not row.bundle.false_alerts,
            lambda row: not row.guide.false_alerts,
        )

    return (
        total(
            "incidents detected in time",
            incidents,
            lambda row: row.bundle.in_time,
            lambda row: row.guide_in_time,
        ),
        total(
            "incidents detected at all",
            incidents,
            lambda row: row.bundle.detected,
            lambda row: row.guide.after is not None,
        ),
        silent("incidents without false alerts", incidents),
        silent("negative scenarios without alerts", negatives),
    )


def render(rows: Sequence[Row]) -> str:
    template = jinja2.Template(
        _TEMPLATE.read_text("utf-8"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    text: str = template.render(totals=totals(rows), rows=rows)
    return text


def problems(rows: Sequence[Row]) -> Iterator[str]:
    """What is wrong with the bundle's alerts, one line each."""
    for row in rows:
        for each in row.bundle.detections:
            if not each.in_time:
                times = f"fires after {each.time}, due after {each.deadline}"
                yield f"{row.scenario.name}: {each.name} {times}"
        for name in row.bundle.false_alerts:
            yield f"{row.scenario.name}: {name} should not fire"
