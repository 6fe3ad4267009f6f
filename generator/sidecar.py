"""The sidecar's series and options as two pages, rendered from its own definitions."""

from __future__ import annotations

from exporters import contract
from exporters.errors import ErrorReason
from exporters.settings import GROUPS, Option
from exporters.workers.discovery import State
from generator.markdown import table
from generator.templates import page


def render() -> dict[str, str]:
    """Both pages by their paths."""
    series = [
        (_code(each.sample), each.kind, ", ".join(map(_code, each.labels)), each.help)
        for each in contract.FAMILIES
    ]
    reasons = [(_code(each), each.meaning) for each in ErrorReason]
    states = [(_code(each), each.meaning, each.advice) for each in State]
    groups = {title: list(map(_row, options)) for title, options in GROUPS.items()}
    return {
        "docs/sidecar/series.md": page(
            "generator",
            "sidecar_series.md",
            table=table,
            series=series,
            reasons=reasons,
            states=states,
        ),
        "docs/sidecar/options.md": page(
            "generator", "sidecar_options.md", table=table, groups=groups
        ),
    }


def _row(option: Option) -> tuple[str, str, str]:
    flag = f"{option.flag} {option.metavar}".rstrip()
    return _code(flag), _code(option.variable), option.help


def _code(text: str) -> str:
    return f"`{text}`"
