"""The sidecar's series and options as two pages, from where it has them itself."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from exporters import contract
from exporters.reasons import Reason
from exporters.settings import OPTIONS, Option
from exporters.workers.discovery import State
from generator.markdown import page, section, table

SERIES: Final = "docs/sidecar/series.md"
OPTION_PAGE: Final = "docs/sidecar/options.md"


def render() -> dict[str, str]:
    """Both pages by their paths."""
    return {SERIES: _series(), OPTION_PAGE: _options()}


def _series() -> str:
    rows = (
        (
            f"`{family.sample}`",
            family.kind,
            ", ".join(f"`{label}`" for label in family.labels),
            family.help,
        )
        for family in contract.FAMILIES
    )
    return page(
        "Series of the sidecar",
        (
            "`worker` is a slot, `0` and up: who takes a killed worker's place takes its slot. "
            "What cannot be read is left out and counted, never 0. The app's own metrics, on "
            "`/metrics/app`, keep their names, help and labels; its gauges of the modes `all` and "
            "`liveall` have `worker` in place of `pid`."
        ),
        table(("series", "type", "labels", "meaning"), rows),
        section(
            "Errors by reason",
            "The log has the first error of each reason within an hour, with its path.",
            table(("reason", "means"), ((f"`{each}`", each.meaning) for each in Reason)),
        ),
        section(
            "States of the discovery",
            "A change of the state is one line in the log. None of them ends the sidecar.",
            table(
                ("state", "means", "look at"),
                ((f"`{each}`", each.meaning, each.advice) for each in State),
            ),
        ),
    )


def _options() -> str:
    sections = (
        section(
            group[0].upper() + group[1:],
            table(("option", "variable", "meaning"), map(_row, options)),
        )
        for group, options in groupby(OPTIONS, key=lambda option: option.group)
    )
    return page(
        "Options of the sidecar",
        "`python -m exporters --help` says the same. The command line counts before the variable.",
        *sections,
    )


def _row(option: Option) -> tuple[str, str, str]:
    return (
        f"`{option.flag} {option.metavar}`".replace(" `", "`"),
        f"`{option.variable}`",
        option.help,
    )
