"""The sidecar's series and options as two pages, rendered from its own definitions."""

from __future__ import annotations

from typing import Final

from exporters import contract
from exporters.errors import ErrorReason
from exporters.settings import GROUPS, Option
from exporters.workers.discovery import State
from generator.markdown import NOTICE, page, section, table

SERIES: Final = "docs/sidecar/series.md"
OPTION_PAGE: Final = "docs/sidecar/options.md"
_NOTICE: Final = (
    "<!-- Generated from exporters/ by `make`. Do not edit: change the sidecar, or "
    "generator/sidecar.py. -->"
)


def render() -> dict[str, str]:
    """Both pages by their paths."""
    pages = {SERIES: _series(), OPTION_PAGE: _options()}
    return {path: text.replace(NOTICE, _NOTICE) for path, text in pages.items()}


def _series() -> str:
    series = [
        (_code(each.sample), each.kind, ", ".join(map(_code, each.labels)), each.help)
        for each in contract.FAMILIES
    ]
    reasons = [(_code(each), each.meaning) for each in ErrorReason]
    states = [(_code(each), each.meaning, each.advice) for each in State]
    return page(
        "Series of the sidecar",
        (
            "`worker` is a slot, `0` and up: the worker that replaces a dead one takes its slot. "
            "What cannot be read is left out and counted, never reported as 0. The app's own "
            "metrics, on `/metrics/app`, keep their names, help texts and labels, except that its "
            "gauges of modes `all` and `liveall` have the label `worker` instead of `pid`."
        ),
        table(("series", "type", "labels", "meaning"), series),
        section(
            "Errors by reason",
            "For each reason, at most one error per hour is logged, with its path.",
            table(("reason", "meaning"), reasons),
        ),
        section(
            "States of the discovery",
            "Each change of the state is logged. The sidecar keeps running in all of them.",
            table(("state", "meaning", "check"), states),
        ),
    )


def _options() -> str:
    sections = (
        section(
            title[0].upper() + title[1:],
            table(("option", "variable", "meaning"), map(_row, options)),
        )
        for title, options in GROUPS.items()
    )
    return page(
        "Options of the sidecar",
        "As in `python -m exporters --help`. The command line takes precedence over the variables.",
        *sections,
    )


def _row(option: Option) -> tuple[str, str, str]:
    flag = f"{option.flag} {option.metavar}".rstrip()
    return _code(flag), _code(option.variable), option.help


def _code(text: str) -> str:
    return f"`{text}`"
