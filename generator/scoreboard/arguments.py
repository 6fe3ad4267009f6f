"""The arguments of `scoreboard`, apart from what it needs to run."""

from __future__ import annotations

import argparse
from pathlib import Path

from generator.arguments import AddCommand, load, thresholds_options


def add_commands(add: AddCommand) -> None:
    scoreboard = add(
        "scoreboard",
        parents=[thresholds_options()],
        help="compare the alerts with the guide's rules in every scenario; exit 1 if one is late "
        "or wrong",
    )
    scoreboard.add_argument(
        "--promtool",
        default="promtool",
        metavar="PROGRAM",
        help="promtool to run (default: the one on PATH)",
    )
    scoreboard.add_argument(
        "--out",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="folder of the bundle (default: the current folder)",
    )
    scoreboard.set_defaults(run=_scoreboard)


def _scoreboard(arguments: argparse.Namespace) -> bool:
    from generator.scoreboard.command import run_scoreboard

    return run_scoreboard(arguments, load(arguments))
