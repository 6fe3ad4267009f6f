"""The arguments of `backtest` and `calibrate`, apart from what these need to run."""

from __future__ import annotations

import argparse
from pathlib import Path

from generator.arguments import AddCommand, duration, load, moment, ratio, thresholds_options
from generator.errors import InputError


def add_commands(add: AddCommand) -> None:
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
    parents = [thresholds_options(), past]
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
    backtest.set_defaults(run=_backtest)


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
    calibrate.set_defaults(run=_calibrate)


def _backtest(arguments: argparse.Namespace) -> bool:
    from generator.history.command import run_backtest

    return run_backtest(arguments, load(arguments))


def _calibrate(arguments: argparse.Namespace) -> bool:
    from generator.history.command import run_calibrate

    if not arguments.prometheus and not arguments.results:
        raise InputError("calibrate needs --results or --prometheus")
    return run_calibrate(arguments, load(arguments))
