"""The commands `backtest` and `calibrate`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import Final

from generator import files, yamlfile
from generator.arguments import load
from generator.errors import InputError
from generator.files import read, write
from generator.history import report
from generator.history.backtest import History
from generator.history.calibrate import from_history, from_results, overlay, propose
from generator.history.client import Prometheus, Range
from generator.history.timeline import timeline
from generator.thresholds import ConfigError, Thresholds

TOKEN: Final = "PROMETHEUS_TOKEN"  # noqa: S105  # a variable's name


def backtest(arguments: argparse.Namespace) -> bool:
    """Always true, as firing alerts are no failure. Raises InputError."""
    thresholds = load(arguments)
    span, history = _connect(arguments, thresholds)
    current = history(thresholds).backtest()
    proposed = None
    if arguments.proposed:
        overlays = (*arguments.overlay, arguments.proposed)
        proposed = history(files.thresholds(arguments.thresholds, overlays)).backtest()
    pairs = report.paired(current, proposed)
    print(*report.backtest_lines(pairs, span), sep="\n")
    if arguments.plot:
        write(arguments.plot.parent, {arguments.plot.name: timeline(pairs, span)})
        print(f"\nwrote {arguments.plot}")
    return True


def calibrate(arguments: argparse.Namespace) -> bool:
    """Whether the current numbers fit. Raises InputError."""
    if not arguments.prometheus and not arguments.results:
        raise InputError("calibrate needs --results or --prometheus")
    thresholds = load(arguments)
    texts = {str(path): read(path) for path in arguments.results}
    observed = list(from_results(thresholds, texts))
    source = _connect(arguments, thresholds) if arguments.prometheus else None
    if source:
        known = {each.row for each in observed}
        found = from_history(source[1](thresholds))
        observed += [each for each in found if each.row not in known]
    proposals = propose(thresholds, observed, arguments.margin)
    print(report.proposal_table(proposals))
    document = overlay(proposals)
    if not document:
        print("\nall rows fit")
        return True
    text = yamlfile.dump(document).removeprefix(yamlfile.HEADER)
    print(f"\n{text}")
    try:
        more = [("the proposal", text)]
        new = files.thresholds(arguments.thresholds, arguments.overlay, more)
    except ConfigError as error:
        print(f"the proposed rows conflict with the others:\n{error}", file=sys.stderr)
        return False
    if source:
        span, history = source
        pairs = report.paired(history(thresholds).backtest(), history(new).backtest())
        print(*report.backtest_lines(pairs, span), sep="\n")
    if arguments.output:
        write(arguments.output.parent, {arguments.output.name: text})
        print(f"wrote {arguments.output}; review it, then render with --overlay {arguments.output}")
    return False


def _connect(
    arguments: argparse.Namespace, thresholds: Thresholds
) -> tuple[Range, Callable[[Thresholds], History]]:
    """The range, and its history for the rules of other thresholds."""
    step = arguments.step or thresholds.service.evaluation_interval
    end = time.time() if arguments.until is None else arguments.until.timestamp()
    span = Range.until(end, arguments.range, step)
    prometheus = Prometheus(arguments.prometheus, os.environ.get(TOKEN, ""))
    return span, lambda thresholds: History(prometheus, thresholds, span)
