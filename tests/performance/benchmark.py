"""Measures what the Auditor can do: `python tests/performance/benchmark.py --url URL`."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

if not __package__:  # run as a file
    sys.path[0] = str(Path(__file__).parents[2])

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from generator.arguments import ratio
from generator.files import UnreadableError, read, write
from generator.markdown import table
from generator.measured import measured_text
from generator.thresholds.units import Unit
from tests.performance import options, reports
from tests.performance.benchmarks import (
    BENCHMARKS,
    BY_KEY,
    Benchmark,
    Result,
    document,
    judge,
    measure,
)
from tests.performance.client import HostError, host, reach, warm_up
from tests.performance.estimates import Comparison, compare
from tests.performance.marks import mark

URL: Final = "http://localhost:8888"
FORM: Final = 1

_EPILOG: Final = """\
Percentiles are by nearest rank: the smallest latency with at least that share at or under it. In
brackets: between which values the true one lies with a confidence of 95 %.

exit codes: 0 target or acceptable, 1 poor, critical or slower than the baseline, 2 nothing proven
or bad input
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        description="Runs benchmarks against an Auditor, and judges them by the thresholds.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    url = os.environ.get("LOAD_TEST_HOST", URL)
    top.add_argument("--url", default=url, help=f"default: LOAD_TEST_HOST, else {URL}")
    top.add_argument("--output", type=Path, metavar="FILE", help="save the results as JSON")
    top.add_argument(
        "--baseline", type=Path, metavar="FILE", help="results of an earlier run to compare with"
    )
    top.add_argument(
        "--tolerance",
        type=ratio,
        default=0.1,
        metavar="SHARE",
        help="slower than the baseline by more than this is a regression (default: 10%%)",
    )
    top.add_argument(
        "--requests",
        type=_count,
        default=200,
        metavar="N",
        help="of each benchmark, but at least 20 of each caller (default: 200)",
    )
    top.add_argument(
        "--only", action="append", choices=BY_KEY, default=[], help="this one; may be given again"
    )
    top.add_argument(
        "--warm-up",
        type=options.seconds,
        default=60.0,
        metavar="SECONDS",
        help="wait at most so long for the models to be loaded (default: 60)",
    )
    top.add_argument("--report", type=Path, metavar="FOLDER", help="for JUnit XML, Markdown, JSON")
    options.add_verdict(top)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    chosen = parser().parse_args(argv)
    try:
        return _run(chosen, datetime.now(UTC))
    except (*options.WRONG, HostError) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("ended early: nothing proven", file=sys.stderr)
    except OSError as error:
        print(options.unwritten(error), file=sys.stderr)
    return 2


def _run(chosen: argparse.Namespace, started: datetime) -> int:
    """Raises HostError, options.WRONG, and KeyboardInterrupt for Ctrl-C."""
    thresholds = options.thresholds(chosen)
    url = host(chosen.url)
    wanted = [each for each in BENCHMARKS if not chosen.only or each.key in chosen.only]
    before = baseline(chosen.baseline, wanted) if chosen.baseline else {}
    options.outputs([chosen.output], chosen.report)
    reach(url)
    asked = warm_up(url, chosen.warm_up)
    print(f"{url} is warm after {asked} requests")
    marked = mark(thresholds.service.name, f"benchmark against {url}", chosen.grafana)
    marked.begin()
    try:
        results = _measured(url, wanted, chosen.requests)
    except KeyboardInterrupt:
        marked.end("ended early")
        raise
    after = {each.benchmark.key: each.seconds for each in results}
    compared = compare(before, after, chosen.tolerance)
    slower = [f"{name} by {each.change:.0%}" for name, each in compared.items() if each.slower]
    verdict = judge(thresholds, results, slower)
    marked.end(verdict.said)
    for each in results:
        print(_shown(each))
    if before:
        print(_shown_changes(after, compared))
    print(reports.text_of(verdict))
    if chosen.output:
        found = {
            "form": FORM,
            "url": url,
            "percentiles": "nearest rank",
            **reports.document("benchmark", started, verdict),
            "benchmarks": [document(each) for each in results],
        }
        write(chosen.output.parent, {chosen.output.name: json.dumps(found) + "\n"})
    if chosen.report:
        reports.save(chosen.report, "benchmark", started, verdict)
    return verdict.exit_code


def _measured(url: str, wanted: Sequence[Benchmark], requests: int) -> list[Result]:
    """In turn, as long as there are answers: of a host that has none there is no more to learn."""
    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        tasks = [progress.add_task(each.title, total=each.requests(requests)) for each in wanted]
        results: list[Result] = []
        for each, task in zip(wanted, tasks, strict=True):
            results.append(measure(each, url, requests, partial(progress.advance, task)))
            if not results[-1].seconds:
                break
        return results


def baseline(path: Path, wanted: Sequence[Benchmark]) -> dict[str, list[float]]:
    """Latencies of an earlier result, by benchmark; raises UnreadableError.

    It must have one of those that are wanted: without it nothing would be compared.
    """
    try:
        found = json.loads(read(path))
        if found["form"] != FORM:
            raise UnreadableError(f"{path}: form {found['form']!r}, expected {FORM}")
        known = {
            each["benchmark"]: [_positive(s) for s in each["seconds"]]
            for each in found["benchmarks"]
        }
    except (KeyError, TypeError, ValueError) as error:
        text = f"{path} is no result of this benchmark: expected what --output has written"
        raise UnreadableError(text) from error
    keys = [each.key for each in wanted]
    if not any(known.get(key) for key in keys):
        raise UnreadableError(f"{path} has no answers of {', '.join(keys)} to compare with")
    return known


def _positive(seconds: Any) -> float:
    value = float(seconds)
    if 0 < value < math.inf:
        return value
    raise ValueError(seconds)


def _shown(result: Result) -> str:
    """A benchmark's figures in a block."""
    benchmark = result.benchmark
    callers = f", {benchmark.concurrency} at once" if benchmark.concurrency > 1 else ""
    answered, total = len(result.seconds), result.total
    share = f"{answered / total:.1%}" if total else "none"
    lines = [
        f"{benchmark.title} ({benchmark.key}{callers})",
        f"  answered    {answered}/{total} ({share})",
    ]
    lines += [f"  {count:4} x {problem}" for problem, count in result.problems.items()]
    lines.append(f"  throughput  {result.throughput:.1f}/s")
    if result.seconds:
        lines.append(f"  min         {_time(min(result.seconds))}")
        for name, pair in result.percentiles().items():
            if pair is None:
                lines.append(f"  {name:11} too few")
                continue
            interval = f" ({_time(pair[1][0])} to {_time(pair[1][1])})" if pair[1] else ""
            lines.append(f"  {name:11} {_time(pair[0])}{interval}")
        lines.append(f"  max         {_time(max(result.seconds))}")
        lines.append(f"  mean        {_time(sum(result.seconds) / answered)}")
    return "\n".join((*lines, ""))


def _shown_changes(names: Iterable[str], compared: Mapping[str, Comparison]) -> str:
    rows = []
    for name in names:
        if each := compared.get(name):
            times = _time(each.before), _time(each.after), f"{each.change:+.1%}"
            rows.append((name, *times, f"{each.chance:.2g}", "slower" if each.slower else ""))
        else:
            rows.append((name, "", "", "", "", "not compared"))
    head = ("benchmark", "median before", "now", "change", "chance", "verdict")
    return table(head, rows) + "\n"


def _time(seconds: float) -> str:
    return measured_text(seconds, Unit.DURATION)


def _count(text: str) -> int:
    if text.isdecimal() and 0 < int(text) <= 100_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 100000")


if __name__ == "__main__":
    sys.exit(main())
