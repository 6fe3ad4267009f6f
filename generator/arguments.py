"""What command lines share: options, and types of arguments.

Importing it is cheap, so that `--help` is: what needs the thresholds is imported when it is used.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.thresholds import Thresholds

# Adds a command's parser, as `add_parser` of argparse's subparsers does.
AddCommand = Callable[..., argparse.ArgumentParser]


def thresholds_options() -> argparse.ArgumentParser:
    """A parent parser for commands that read the thresholds."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--thresholds",
        type=Path,
        default=Path("thresholds.yaml"),
        metavar="FILE",
        help="file to read (default: thresholds.yaml)",
    )
    options.add_argument(
        "--overlay",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="YAML, JSON or jsonnet file with the values to change; can be given several times",
    )
    return options


def load(arguments: argparse.Namespace) -> Thresholds:
    """The thresholds that the options name; raises UnreadableError and ConfigError."""
    from generator import files

    return files.thresholds(arguments.thresholds, arguments.overlay)


def duration(text: str) -> float:
    """Seconds above zero, spelled as in the thresholds: 7d, 6h."""
    return _number(text, "duration", "above zero")


def ratio(text: str) -> float:
    """0 to 1, spelled as in the thresholds: 20%."""
    return _number(text, "ratio")


def _number(text: str, unit: str, limit: str = "") -> float:
    from generator.thresholds.units import Unit, form, parse

    try:
        value = parse(text, Unit(unit))
        if limit and not value:
            raise ValueError(form(Unit(unit), limit))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not {error}") from error
    return value


def moment(text: str) -> datetime:
    """A local time unless it has a zone."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time like 2026-05-04T12:00") from error
