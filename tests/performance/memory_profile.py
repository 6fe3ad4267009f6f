"""Profiles the memory of an Auditor's workers: `python tests/performance/memory_profile.py`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

if not __package__:  # run as a file
    sys.path[0] = str(Path(__file__).parents[2])

from rich.console import Console
from rich.progress import track

from generator.files import write
from generator.markdown import table
from generator.measured import measured_text
from generator.thresholds import Thresholds
from generator.thresholds.units import Unit
from tests.performance import options, reports
from tests.performance.annotations import annotate_run
from tests.performance.grading import Level, Verdict
from tests.performance.growth import CONFIDENCE
from tests.performance.recording import Recording, sample_times
from tests.performance.workers import (
    LocalWorkers,
    SidecarWorkers,
    WorkerSample,
    WorkersError,
    WorkerSource,
    by_process,
    grades,
    growth_of,
    time_series,
    unclear_growth,
)

PORT: Final = 8888
DURATION: Final = 300.0
QUANTITIES: Final = {
    "resident": (Unit.BYTES, "RSS"),
    "virtual": (Unit.BYTES, "VMS"),
    "threads": (Unit.COUNT, "threads"),
    "fds": (Unit.COUNT, "file descriptors"),
}

_EPILOG: Final = """\
Growth is the Theil-Sen slope of a worker's lowest values, with the 99.9% confidence interval in
brackets. A jump in the first half, such as loading models, counts as warm-up. This tool sends no
requests: run a load test at the same time, or use the scenario `soak`.

exit codes: 0 target or acceptable, 1 poor or critical, 2 inconclusive or bad input
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        description="Watch the memory, threads and file descriptors of an Auditor's workers and "
        "grade them by the thresholds.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "--port",
        type=options.number(int, 1, 65535),
        default=PORT,
        help=f"find the workers by the Auditor's port on this machine (default: {PORT})",
    )
    top.add_argument(
        "--pid",
        type=options.number(int, 1, 2**31 - 1),
        help="process ID of the Auditor, if its port is not enough",
    )
    top.add_argument(
        "--duration",
        type=options.seconds,
        default=DURATION,
        metavar="SECONDS",
        help=f"default: {DURATION:g}",
    )
    top.add_argument(
        "--interval",
        dest="sample_interval",
        type=options.seconds,
        default=options.SAMPLE_SECONDS,
        metavar="SECONDS",
        help=f"time between two samples (default: {options.SAMPLE_SECONDS:g})",
    )
    top.add_argument(
        "--plot",
        nargs="?",
        type=Path,
        const=Path("memory_profile.png"),
        metavar="FILE",
        help="save a plot as PNG (default: memory_profile.png)",
    )
    top.add_argument("--output", type=Path, metavar="FILE", help="save samples and growth as JSON")
    top.add_argument(
        "--report", type=Path, metavar="FOLDER", help="save JUnit XML, Markdown and JSON here"
    )
    options.add_workers(top, "only the jump at the start")
    options.add_verdict(top)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    chosen = parser().parse_args(argv)
    source: WorkerSource = (
        SidecarWorkers(chosen.sidecar) if chosen.sidecar else LocalWorkers(chosen.port, chosen.pid)
    )
    try:
        thresholds = options.thresholds(chosen)
        options.check_outputs([chosen.output, chosen.plot], chosen.report)
        source.read()
    except (*options.INPUT_ERRORS, WorkersError) as error:
        print(error, file=sys.stderr)
        return 2
    started = datetime.now(UTC)
    name = f"memory profile of {chosen.sidecar or f'port {chosen.port}'}"
    annotation = annotate_run(thresholds.service.name, name, chosen.grafana)
    annotation.start()
    recording = _record(source, chosen)
    verdict = evaluate(thresholds, recording, chosen.warm_up or 0)
    annotation.finish(verdict.summary)
    if recording.samples:
        print(_table(recording.samples, chosen.warm_up or 0))
    print(reports.as_text(verdict))
    try:
        _save(chosen, started, verdict, recording.samples)
    except OSError as error:
        print(options.write_error(error), file=sys.stderr)
        return 2
    return verdict.exit_code


def evaluate(thresholds: Thresholds, recording: Recording, warm_up: float) -> Verdict:
    """Inconclusive if growth is unclear and nothing else is poor."""
    found = grades(thresholds, recording.samples, warm_up=warm_up)
    workers = len({each.worker for each in recording.samples})
    times = len({each.at for each in recording.samples})
    verdict = Verdict(tuple(found), f"{times} samples of {workers} workers")
    if verdict.worst > Level.ACCEPTABLE:
        return verdict
    return replace(verdict, inconclusive=unclear_growth(found, recording.problem))


def _record(source: WorkerSource, chosen: argparse.Namespace) -> Recording:
    """Ctrl-C stops it early and keeps the samples."""
    recording = Recording(source, chosen.report)
    interval = max(chosen.sample_interval, 0.05)
    console = Console(stderr=True)
    steps = track(
        islice(sample_times(interval), int(chosen.duration / interval) + 1),
        "watching",
        total=int(chosen.duration / interval) + 1,
        console=console,
        disable=not console.is_terminal,
    )
    start = time.monotonic()
    try:
        for seconds in steps:
            time.sleep(max(0.0, start + seconds - time.monotonic()))
            recording.sample()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    return recording


def _table(samples: Sequence[WorkerSample], warm_up: float) -> str:
    """The quantities of each worker."""
    rows = []
    for (worker, _), process in by_process(samples).items():
        for name, (unit, title) in QUANTITIES.items():
            _, values = time_series(process, name)
            if values:
                ends = (values[0], values[-1], min(values), max(values), sum(values) / len(values))
                figures = [measured_text(each, unit) for each in ends]
                rows.append((worker, title, *figures, _growth(process, name, unit, warm_up)))
    head = ("worker", "", "first", "last", "min", "max", "mean", f"per minute ({CONFIDENCE:.1%})")
    return table(head, rows) + "\n"


def _growth(process: Sequence[WorkerSample], name: str, unit: Unit, warm_up: float) -> str:
    found = growth_of(process, name, warm_up)
    if found is None:
        return "too few samples"
    slope, low, high = (
        measured_text(60 * each, unit) for each in (found.slope, found.low, found.high)
    )
    return f"{slope} ({low} to {high})"


def _save(
    chosen: argparse.Namespace, started: datetime, verdict: Verdict, samples: Sequence[WorkerSample]
) -> None:
    if chosen.output:
        found = document(started, verdict, samples, chosen.warm_up or 0)
        write(chosen.output.parent, {chosen.output.name: json.dumps(found) + "\n"})
    if chosen.report:
        reports.save(chosen.report, "memory profile", started, verdict)
    if chosen.plot and samples:
        from tests.performance.plot import plot

        plot(chosen.plot, samples, chosen.warm_up or 0)
        print(f"wrote {chosen.plot}")


def document(
    started: datetime, verdict: Verdict, samples: Sequence[WorkerSample], warm_up: float
) -> dict[str, Any]:
    """The verdict, the growth of each worker in units per second, and all samples."""
    return {
        **reports.document("memory profile", started, verdict),
        "growth": [
            {"worker": worker, "quantity": name, **asdict(found)}
            for (worker, _), process in by_process(samples).items()
            for name in QUANTITIES
            if (found := growth_of(process, name, warm_up))
        ],
        "samples": [asdict(each) for each in samples],
    }


if __name__ == "__main__":
    sys.exit(main())
