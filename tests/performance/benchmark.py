"""Benchmarks an Auditor: `python tests/performance/benchmark.py --url URL`."""

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
from tests.performance.annotations import annotate_run
from tests.performance.benchmarks import (
    BENCHMARKS,
    BY_KEY,
    Benchmark,
    Result,
    document,
    evaluate,
    measure,
)
from tests.performance.client import HostError, check_health, host, warm_up
from tests.performance.estimates import Comparison, compare

URL: Final = "http://localhost:8888"
FORMAT_VERSION: Final = 1

_EPILOG: Final = """\
Percentiles are by nearest rank: the smallest latency with at least that share at or below it. The
brackets hold the 95% confidence interval.

exit codes: 0 target or acceptable, 1 poor, critical or slower than the baseline, 2 inconclusive or
bad input
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        description="Run benchmarks against an Auditor and grade them by the thresholds.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    url = os.environ.get("LOAD_TEST_HOST", URL)
    top.add_argument("--url", default=url, help=f"default: LOAD_TEST_HOST, else {URL}")
    top.add_argument("--output", type=Path, metavar="FILE", help="save the results as JSON")
    top.add_argument(
        "--baseline", type=Path, metavar="FILE", help="compare with the results of an earlier run"
    )
    top.add_argument(
        "--tolerance",
        type=ratio,
        default=0.1,
        metavar="SHARE",
        help="how much slower than the baseline is still accepted (default: 10%%)",
    )
    top.add_argument(
        "--requests",
        type=options.number(int, 1, 100_000),
        default=200,
        metavar="N",
        help="requests for each benchmark, at least 20 for each caller (default: 200)",
    )
    top.add_argument(
        "--only",
        action="append",
        choices=BY_KEY,
        default=[],
        help="run only this benchmark; can be given several times",
    )
    top.add_argument(
        "--warm-up",
        type=options.seconds,
        default=60.0,
        metavar="SECONDS",
        help="wait at most this long for the models to load (default: 60)",
    )
    top.add_argument(
        "--report", type=Path, metavar="FOLDER", help="save JUnit XML, Markdown and JSON here"
    )
    options.add_verdict(top)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    chosen = parser().parse_args(argv)
    try:
        return _run(chosen, datetime.now(UTC))
    except (*options.INPUT_ERRORS, HostError) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted: inconclusive", file=sys.stderr)
    except OSError as error:
        print(options.write_error(error), file=sys.stderr)
    return 2


def _run(chosen: argparse.Namespace, started: datetime) -> int:
    """Raises HostError, options.INPUT_ERRORS, and KeyboardInterrupt for Ctrl-C."""
    thresholds = options.thresholds(chosen)
    url = host(chosen.url)
    wanted = [each for each in BENCHMARKS if not chosen.only or each.key in chosen.only]
    before = baseline(chosen.baseline, wanted) if chosen.baseline else {}
    options.check_outputs([chosen.output], chosen.report)
    check_health(url)
    sent = warm_up(url, chosen.warm_up)
    print(f"{url} is warm after {sent} requests")
    annotation = annotate_run(thresholds.service.name, f"benchmark against {url}", chosen.grafana)
    annotation.start()
    try:
        results = _measure(url, wanted, chosen.requests)
    except KeyboardInterrupt:
        annotation.finish("interrupted")
        raise
    after = {each.benchmark.key: each.seconds for each in results}
    compared = compare(before, after, chosen.tolerance)
    slower = [f"{name} by {each.change:.0%}" for name, each in compared.items() if each.slower]
    verdict = evaluate(thresholds, results, slower)
    annotation.finish(verdict.summary)
    for each in results:
        print(_text(each))
    if before:
        print(_comparison_table(after, compared))
    print(reports.as_text(verdict))
    if chosen.output:
        found = {
            "form": FORMAT_VERSION,
            "url": url,
            "percentiles": "nearest rank",
            **reports.document("benchmark", started, verdict),
            "benchmarks": [document(each) for each in results],
        }
        write(chosen.output.parent, {chosen.output.name: json.dumps(found) + "\n"})
    if chosen.report:
        reports.save(chosen.report, "benchmark", started, verdict)
    return verdict.exit_code


def _measure(url: str, wanted: Sequence[Benchmark], requests: int) -> list[Result]:
    """Run one after another, and stop after the first without any good response."""
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
    """The latencies of an earlier result by benchmark.

    Raises UnreadableError, also if it has none of the wanted benchmarks to compare with.
    """
    try:
        found = json.loads(read(path))
        if found["form"] != FORMAT_VERSION:
            text = f"{path}: format version {found['form']!r}, expected {FORMAT_VERSION}"
            raise UnreadableError(text)
        latencies = {
            each["benchmark"]: [_positive(s) for s in each["seconds"]]
            for each in found["benchmarks"]
        }
    except (KeyError, TypeError, ValueError) as error:
        text = f"{path} is not a result of this benchmark; expected a file written by --output"
        raise UnreadableError(text) from error
    keys = [each.key for each in wanted]
    if not any(latencies.get(key) for key in keys):
        raise UnreadableError(f"{path} has no latencies of {', '.join(keys)} to compare with")
    return latencies


def _positive(seconds: Any) -> float:
    value = float(seconds)
    if 0 < value < math.inf:
        return value
    raise ValueError(seconds)


def _text(result: Result) -> str:
    """The figures of a benchmark as a block of text."""
    benchmark = result.benchmark
    callers = f", {benchmark.concurrency} callers" if benchmark.concurrency > 1 else ""
    answered, total = len(result.seconds), result.total
    share = f"{answered / total:.1%}" if total else "none"
    lines = [
        f"{benchmark.title} ({benchmark.key}{callers})",
        f"  succeeded   {answered}/{total} ({share})",
    ]
    lines += [f"  {count:4} x {problem}" for problem, count in result.problems.items()]
    lines.append(f"  throughput  {result.throughput:.1f}/s")
    if result.seconds:
        lines.append(f"  min         {_time(min(result.seconds))}")
        for name, pair in result.percentiles().items():
            if pair is None:
                lines.append(f"  {name:11} too few samples")
                continue
            interval = f" ({_time(pair[1][0])} to {_time(pair[1][1])})" if pair[1] else ""
            lines.append(f"  {name:11} {_time(pair[0])}{interval}")
        lines.append(f"  max         {_time(max(result.seconds))}")
        lines.append(f"  mean        {_time(sum(result.seconds) / answered)}")
    return "\n".join((*lines, ""))


def _comparison_table(names: Iterable[str], compared: Mapping[str, Comparison]) -> str:
    rows = []
    for name in names:
        if each := compared.get(name):
            times = _time(each.before), _time(each.after), f"{each.change:+.1%}"
            rows.append((name, *times, f"{each.p_value:.2g}", "slower" if each.slower else ""))
        else:
            rows.append((name, "", "", "", "", "not compared"))
    head = ("benchmark", "baseline median", "median", "change", "p-value", "verdict")
    return table(head, rows) + "\n"


def _time(seconds: float) -> str:
    return measured_text(seconds, Unit.DURATION)


if __name__ == "__main__":
    sys.exit(main())
