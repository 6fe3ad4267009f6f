"""The arguments of every command, and the types of arguments.

Importing this module is cheap, so `--help` is fast: a command's function is given as MODULE:NAME
and imported when the command runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from generator.thresholds import Thresholds

# Adds a command's parser, as `add_parser` of argparse's subparsers does.
AddCommand = Callable[..., argparse.ArgumentParser]

# Parts of the bundle, each in the folder of its name.
PARTS: Final = ("alerts", "dashboards", "deploy", "docs", "promtool-tests")


def add_commands(add: AddCommand) -> None:
    source = _thresholds_options()
    _add_bundle_commands(add, source)
    _add_grafana_commands(add, source)
    _add_history_commands(add, source)
    scoreboard = add(
        "scoreboard",
        parents=[source, _bundle_folder()],
        help="compare the alerts with the guide's rules in every scenario; exit 1 if one is late "
        "or wrong",
    )
    scoreboard.add_argument(
        "--promtool",
        default="promtool",
        metavar="PROGRAM",
        help="promtool to run (default: the one on PATH)",
    )
    scoreboard.set_defaults(run="generator.scoreboard.command:scoreboard")


def _thresholds_options() -> argparse.ArgumentParser:
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


def _bundle_folder() -> argparse.ArgumentParser:
    folder = argparse.ArgumentParser(add_help=False)
    folder.add_argument(
        "--out",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="folder of the bundle (default: the current folder)",
    )
    return folder


def _add_bundle_commands(add: AddCommand, source: argparse.ArgumentParser) -> None:
    part = argparse.ArgumentParser(add_help=False)
    part.add_argument(
        "--only",
        action="append",
        choices=PARTS,
        default=[],
        help="only this part; can be given several times",
    )
    parents = [source, _bundle_folder(), part]
    render = add("render", parents=parents, help="write all files that have changed")
    render.set_defaults(run="generator.command:render")
    said = "show what `render` would change; exit 1 if anything"
    check = add("check", parents=parents, help=said)
    check.set_defaults(run="generator.command:check")
    explain = add("explain", parents=[source], help="show where the numbers of an alert come from")
    explain.add_argument("name", metavar="NAME", help="an alert, or a path in the thresholds file")
    explain.set_defaults(run="generator.command:explain")
    schema = add("schema", help="print the JSON Schema of the thresholds file")
    schema.set_defaults(run="generator.command:schema")


def _add_grafana_commands(add: AddCommand, source: argparse.ArgumentParser) -> None:
    target = argparse.ArgumentParser(add_help=False)
    target.add_argument(
        "--grafana",
        metavar="URL",
        help="address of Grafana (default: service.links.grafana of the thresholds)",
    )
    target.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="file with the token of a service account (default: the variable GRAFANA_TOKEN)",
    )
    parents = [source, target]
    push = add("push", parents=parents, help="save the dashboards in Grafana, but keep edits there")
    push.add_argument(
        "--folder",
        metavar="TITLE",
        help="folder in Grafana, created if missing (default: the service's name)",
    )
    push.add_argument(
        "--dry-run", action="store_true", help="change nothing; exit 1 if something would change"
    )
    push.add_argument(
        "--force", action="store_true", help="overwrite edits, and move back what was moved"
    )
    push.set_defaults(run="generator.grafana.command:push")
    pull = add(
        "pull",
        parents=parents,
        help="show what was edited in Grafana, and where to change the source; exit 1 if anything",
    )
    pull.set_defaults(run="generator.grafana.command:pull")


def _add_history_commands(add: AddCommand, source: argparse.ArgumentParser) -> None:
    past = argparse.ArgumentParser(add_help=False)
    past.add_argument(
        "--range",
        type=duration,
        default="1d",
        metavar="DURATION",
        help="how far to look back, such as 7d or 6h (default: 1d)",
    )
    past.add_argument(
        "--until",
        type=moment,
        metavar="TIME",
        help="end of the range, such as 2026-05-04T12:00 (default: now)",
    )
    past.add_argument(
        "--step",
        type=duration,
        metavar="DURATION",
        help="time between two evaluations (default: the evaluation interval of the rules)",
    )
    parents = [source, past]
    _add_backtest(add("backtest", parents=parents, help="show when each alert would have fired"))
    _add_calibrate(
        add(
            "calibrate",
            parents=parents,
            help="propose thresholds from measurements; exit 1 if any would change",
        )
    )


def _add_backtest(backtest: argparse.ArgumentParser) -> None:
    backtest.add_argument(
        "--prometheus",
        required=True,
        metavar="URL",
        help="address of Prometheus; its token, if any, is read from PROMETHEUS_TOKEN",
    )
    backtest.add_argument(
        "--proposed", type=Path, metavar="FILE", help="an overlay to compare with"
    )
    backtest.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        help="draw the timeline as SVG: one row for each rule that fired, times in UTC",
    )
    backtest.set_defaults(run="generator.history.command:backtest")


def _add_calibrate(calibrate: argparse.ArgumentParser) -> None:
    calibrate.add_argument(
        "--prometheus", metavar="URL", help="address of a Prometheus, to learn from its history"
    )
    calibrate.add_argument(
        "--results",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="learn from results of benchmark.py",
    )
    calibrate.add_argument(
        "--margin",
        type=ratio,
        default="20%",
        metavar="SHARE",
        help="how far the target is from normal values (default: 20%%)",
    )
    calibrate.add_argument("--output", type=Path, metavar="FILE", help="write the overlay here")
    calibrate.set_defaults(run="generator.history.command:calibrate")


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
