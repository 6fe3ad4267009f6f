"""The commands `backtest` and `calibrate`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from generator import files, yamlfile
from generator.alerts import all_alerts
from generator.files import read, write
from generator.history import report
from generator.history.backtest import History, Past, backtest, history
from generator.history.calibrate import from_history, from_results, overlay, propose
from generator.history.client import Prometheus, Range
from generator.history.picture import picture
from generator.thresholds import ConfigError, Thresholds

TOKEN: Final = "PROMETHEUS_TOKEN"  # noqa: S105  # a variable's name


@dataclass(frozen=True)
class _Source:
    """A Prometheus, and the range of it that is looked at."""

    prometheus: Prometheus
    span: Range

    def history(self, thresholds: Thresholds) -> History:
        return history(self.prometheus.range, self.prometheus.has, thresholds, self.span)

    def backtest(self, thresholds: Thresholds) -> list[Past]:
        return list(backtest(self.history(thresholds), all_alerts(thresholds), self.span))


def run_backtest(arguments: argparse.Namespace, thresholds: Thresholds) -> bool:
    """Always true: what fired is no failure. Raises PrometheusError, and what load raises."""
    source = _source(arguments, thresholds)
    before = source.backtest(thresholds)
    after = None
    if arguments.proposed:
        overlays = (*arguments.overlay, arguments.proposed)
        after = source.backtest(files.thresholds(arguments.thresholds, overlays))
    _print(report.of_pasts(before, after, source.span))
    if arguments.plot:
        pairs: Sequence[tuple[Past, Past | None]] = (
            [(each, None) for each in before] if after is None else report.paired(before, after)
        )
        write(arguments.plot.parent, {arguments.plot.name: picture(pairs, source.span)})
        print(f"\nwrote {arguments.plot}")
    return True


def run_calibrate(arguments: argparse.Namespace, thresholds: Thresholds) -> bool:
    """Whether today's numbers fit. Raises PrometheusError and ResultError too."""
    source = _source(arguments, thresholds) if arguments.prometheus else None
    texts = {str(path): read(path) for path in arguments.results}
    observed = list(from_results(thresholds, texts))
    known = {each.row for each in observed}
    if source:
        found = from_history(source.history(thresholds), all_alerts(thresholds), source.span)
        observed += [each for each in found if each.row not in known]
    proposals = propose(thresholds, observed, arguments.margin)
    _print(report.of_proposals(proposals))
    document = overlay(proposals)
    if not document:
        print("\nevery row fits")
        return True
    text = yamlfile.dump(document).removeprefix(yamlfile.HEADER)
    print(f"\n{text}")
    try:
        more = [("the proposal", text)]
        new = files.thresholds(arguments.thresholds, arguments.overlay, more)
    except ConfigError as error:
        print(f"these rows do not go together with the others:\n{error}", file=sys.stderr)
        return False
    if source:
        _print(report.of_pasts(source.backtest(thresholds), source.backtest(new), source.span))
    if arguments.output:
        write(arguments.output.parent, {arguments.output.name: text})
        print(f"wrote {arguments.output}: read it, then render with --overlay {arguments.output}")
    return False


def _source(arguments: argparse.Namespace, thresholds: Thresholds) -> _Source:
    step = arguments.step or thresholds.service.evaluation_interval
    end = time.time() if arguments.until is None else arguments.until.timestamp()
    prometheus = Prometheus(arguments.prometheus, os.environ.get(TOKEN, ""))
    return _Source(prometheus, Range.until(end, arguments.range, step))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)
