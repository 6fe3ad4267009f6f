"""The commands `backtest` and `calibrate`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from generator import files, yamlfile
from generator.alerts import all_alerts
from generator.files import read, write
from generator.history import report
from generator.history.backtest import History, RuleHistory, backtest, history
from generator.history.calibrate import from_history, from_results, overlay, propose
from generator.history.client import Prometheus, Range
from generator.history.timeline import timeline
from generator.thresholds import ConfigError, Thresholds

TOKEN: Final = "PROMETHEUS_TOKEN"  # noqa: S105  # a variable's name


@dataclass(frozen=True)
class _Source:
    """A Prometheus and the range to look at."""

    prometheus: Prometheus
    span: Range

    def history(self, thresholds: Thresholds) -> History:
        return history(self.prometheus.range, self.prometheus.has, thresholds, self.span)

    def backtest(self, thresholds: Thresholds) -> list[RuleHistory]:
        return list(backtest(self.history(thresholds), all_alerts(thresholds), self.span))


def run_backtest(arguments: argparse.Namespace, thresholds: Thresholds) -> bool:
    """Always true, as firing alerts are no failure. Raises InputError."""
    source = _source(arguments, thresholds)
    current = source.backtest(thresholds)
    proposed = None
    if arguments.proposed:
        overlays = (*arguments.overlay, arguments.proposed)
        proposed = source.backtest(files.thresholds(arguments.thresholds, overlays))
    pairs = report.paired(current, proposed)
    _print(report.backtest_lines(pairs, source.span))
    if arguments.plot:
        write(arguments.plot.parent, {arguments.plot.name: timeline(pairs, source.span)})
        print(f"\nwrote {arguments.plot}")
    return True


def run_calibrate(arguments: argparse.Namespace, thresholds: Thresholds) -> bool:
    """Whether the current numbers fit. Raises InputError."""
    source = _source(arguments, thresholds) if arguments.prometheus else None
    texts = {str(path): read(path) for path in arguments.results}
    observed = list(from_results(thresholds, texts))
    known = {each.row for each in observed}
    if source:
        found = from_history(source.history(thresholds), all_alerts(thresholds), source.span)
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
        pairs = report.paired(source.backtest(thresholds), source.backtest(new))
        _print(report.backtest_lines(pairs, source.span))
    if arguments.output:
        write(arguments.output.parent, {arguments.output.name: text})
        print(f"wrote {arguments.output}; review it, then render with --overlay {arguments.output}")
    return False


def _source(arguments: argparse.Namespace, thresholds: Thresholds) -> _Source:
    step = arguments.step or thresholds.service.evaluation_interval
    end = time.time() if arguments.until is None else arguments.until.timestamp()
    prometheus = Prometheus(arguments.prometheus, os.environ.get(TOKEN, ""))
    return _Source(prometheus, Range.until(end, arguments.range, step))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)
