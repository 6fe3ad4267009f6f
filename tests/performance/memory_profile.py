"""Watches the memory of the Auditor's workers: `python tests/performance/memory_profile.py`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
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
from tests.performance.grading import Level, Verdict
from tests.performance.growth import CONFIDENCE
from tests.performance.marks import mark
from tests.performance.recording import Recording, moments
from tests.performance.workers import (
    LocalWorkers,
    Reading,
    SidecarPage,
    Source,
    WorkersError,
    grades,
    growth_of,
    hush,
    lives,
    series,
    unproven,
)

PORT: Final = 8888
DURATION: Final = 300.0
QUANTITIES: Final = {
    "resident": (Unit.BYTES, "RSS"),
    "virtual": (Unit.BYTES, "VMS"),
    "threads": (Unit.COUNT, "threads"),
    "fds": (Unit.COUNT, "descriptors"),
}

_EPILOG: Final = """\
Growth is the slope of a worker's lowest values by Theil and Sen; in brackets the interval that
holds the true one with a confidence of 99.9 %. A jump in the first half, as of loading models, is
warm-up. It sends no requests: run a load beside it, or the scenario `soak`.

exit codes: 0 target or acceptable, 1 poor or critical, 2 nothing proven or bad input
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        description="Watches the memory, threads and file descriptors of all workers of an "
        "Auditor, and judges them by the thresholds.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "--port",
        type=_port,
        default=PORT,
        help=f"of the Auditor on this machine, to find its workers (default: {PORT})",
    )
    top.add_argument("--pid", type=_pid, help="of the Auditor, where its port is not enough")
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
        help=f"between two samples (default: {options.SAMPLE_SECONDS:g})",
    )
    top.add_argument(
        "--plot",
        nargs="?",
        type=Path,
        const=Path("memory_profile.png"),
        metavar="FILE",
        help="draw it as PNG (default: memory_profile.png)",
    )
    top.add_argument("--output", type=Path, metavar="FILE", help="save samples and growth as JSON")
    top.add_argument("--report", type=Path, metavar="FOLDER", help="for JUnit XML, Markdown, JSON")
    options.add_workers(top, "none but a jump")
    options.add_verdict(top)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    chosen = parser().parse_args(argv)
    source = (
        SidecarPage(chosen.sidecar) if chosen.sidecar else LocalWorkers(chosen.port, chosen.pid)
    )
    try:
        thresholds = options.thresholds(chosen)
        options.outputs([chosen.output, chosen.plot], chosen.report)
        source.read()
    except (*options.WRONG, WorkersError) as error:
        print(error, file=sys.stderr)
        return 2
    started = datetime.now(UTC)
    watched = chosen.sidecar or f"port {chosen.port}"
    marked = mark(thresholds.service.name, f"memory profile of {watched}", chosen.grafana)
    marked.begin()
    recording = _record(source, chosen)
    verdict = judge(thresholds, recording, chosen.warm_up or 0)
    marked.end(verdict.said)
    if recording.readings:
        print(_shown(recording.readings, chosen.warm_up or 0))
    print(reports.text_of(verdict))
    try:
        _save(chosen, started, verdict, recording.readings)
    except OSError as error:
        print(options.unwritten(error), file=sys.stderr)
        return 2
    return verdict.exit_code


def judge(thresholds: Thresholds, recording: Recording, warm_up: float) -> Verdict:
    """It proves nothing where growth stays unclear and nothing else is poor."""
    found = grades(thresholds, recording.readings, warm_up=warm_up)
    workers = len({each.worker for each in recording.readings})
    moments = len({each.at for each in recording.readings})
    verdict = Verdict(tuple(found), f"{moments} samples of {workers} workers")
    if verdict.worst > Level.ACCEPTABLE:
        return verdict
    return Verdict(verdict.grades, verdict.counted, unproven(found, recording.problem))


def _record(source: Source, chosen: argparse.Namespace) -> Recording:
    """Ctrl-C ends it early, with what there is."""
    recording = Recording(source, chosen.report)
    interval = max(chosen.sample_interval, 0.05)
    console = Console(stderr=True)
    steps = track(
        islice(moments(interval), int(chosen.duration / interval) + 1),
        "watching",
        total=int(chosen.duration / interval) + 1,
        console=console,
        disable=not console.is_terminal,
    )
    start = time.monotonic()
    try:
        for moment in steps:
            time.sleep(max(0.0, start + moment - time.monotonic()))
            recording.read()
    except KeyboardInterrupt:
        print("ended early", file=sys.stderr)
    return recording


def _shown(readings: Sequence[Reading], warm_up: float) -> str:
    """A table of each worker's quantities."""
    rows = []
    for (worker, _), life in lives(readings).items():
        for name, (unit, title) in QUANTITIES.items():
            _, values = series(life, name)
            if values:
                ends = (values[0], values[-1], min(values), max(values), sum(values) / len(values))
                figures = [measured_text(each, unit) for each in ends]
                rows.append((worker, title, *figures, _grown(life, name, unit, warm_up)))
    head = ("worker", "", "first", "last", "min", "max", "mean", f"a minute ({CONFIDENCE:.1%})")
    return table(head, rows) + "\n"


def _grown(life: Sequence[Reading], name: str, unit: Unit, warm_up: float) -> str:
    found = growth_of(life, name, warm_up)
    if found is None:
        return "too few"
    slope, low, high = (
        measured_text(60 * each, unit) for each in (found.slope, found.low, found.high)
    )
    return f"{slope} ({low} to {high})"


def _save(
    chosen: argparse.Namespace, started: datetime, verdict: Verdict, readings: Sequence[Reading]
) -> None:
    if chosen.output:
        found = document(started, verdict, readings, chosen.warm_up or 0)
        write(chosen.output.parent, {chosen.output.name: json.dumps(found) + "\n"})
    if chosen.report:
        reports.save(chosen.report, "memory profile", started, verdict)
    if chosen.plot and readings:
        from tests.performance.plot import plot

        plot(chosen.plot, readings, chosen.warm_up or 0)
        print(f"wrote {chosen.plot}")


def document(
    started: datetime, verdict: Verdict, readings: Sequence[Reading], warm_up: float
) -> dict[str, Any]:
    """Verdict, growth of each worker in units a second, and every sample."""
    return {
        **reports.document("memory profile", started, verdict),
        "growth": [
            {"worker": worker, "quantity": name, **asdict(found)}
            for (worker, _), life in lives(readings).items()
            for name in QUANTITIES
            if (found := growth_of(life, name, warm_up))
        ],
        "samples": [asdict(each) for each in readings],
    }


def _pid(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 1 << 31:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no pid")


def _port(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port")


if __name__ == "__main__":
    hush()
    sys.exit(main())
