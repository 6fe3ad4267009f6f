"""Runs load test scenarios: `tests/performance/scenarios.sh NAME`."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Final

from generator.alerts.leak_recordings import LeakAlert
from generator.markdown import table
from generator.thresholds.units import format_duration
from tests.performance import options
from tests.performance.client import HostError, check_health, host, warm_up
from tests.performance.scenarios import BY_NAME, SCENARIOS, Scenario, looks_like_production
from tests.performance.workers import WorkersError, worker_source

HERE: Final = Path(__file__).parent
HOST: Final = "http://localhost:8888"
WARM_UP_SECONDS: Final = 60.0
ENDING: Final = (signal.SIGTERM, signal.SIGHUP)

_EPILOG: Final = """\
exit codes: 0 target or acceptable, 1 poor or critical, 2 inconclusive or bad input

scenarios:
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="scenarios.sh",
        description="Run load test scenarios against an Auditor and grade them by the thresholds.",
        epilog=_EPILOG + scenario_table(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = (*BY_NAME, "all", "menu")
    top.add_argument(
        "names",
        nargs="+",
        choices=names,
        metavar="SCENARIO",
        help="one or more of the scenarios below, all, or menu",
    )
    top.add_argument(
        "--host",
        default=os.environ.get("LOAD_TEST_HOST", HOST),
        help=f"default: LOAD_TEST_HOST, else {HOST}",
    )
    top.add_argument(
        "--scale",
        type=options.number(float, 0.001, 100.0),
        default=os.environ.get("LOAD_TEST_SCALE", "1"),
        help="multiply the durations, as 0.1 for a short run; default: LOAD_TEST_SCALE, else 1",
    )
    top.add_argument(
        "--users-scale",
        type=options.number(float, 0.001, 100.0),
        default=os.environ.get("LOAD_TEST_USERS_SCALE", "1"),
        help="multiply the users, for a small machine; default: LOAD_TEST_USERS_SCALE, else 1",
    )
    top.add_argument(
        "--reports",
        type=Path,
        default=HERE / "reports",
        metavar="FOLDER",
        help="default: tests/performance/reports",
    )
    top.add_argument(
        "--yes",
        action="store_true",
        default=os.environ.get("LOAD_TEST_YES") == "1",
        help="do not ask before testing what looks like production; default: LOAD_TEST_YES=1",
    )
    options.add_run(top, "the scaled warm-up of AuditorFastMemoryLeak")
    return top


def scenario_table() -> str:
    rows = (
        (each.name, format_duration(each.seconds), str(each.users), each.purpose, each.every)
        for each in SCENARIOS
    )
    return table(("scenario", "duration", "users", "purpose", "run every"), rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the scenarios one after another and return the worst exit code."""
    chosen = parser().parse_args(argv)
    try:
        with _ended_by_signals():
            return _run_all(chosen)
    except (*options.INPUT_ERRORS, HostError, WorkersError) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    return 2


def _run_all(chosen: argparse.Namespace) -> int:
    """Raises HostError, WorkersError, options.INPUT_ERRORS, and KeyboardInterrupt for a signal."""
    names = _names(chosen.names)
    if not names:
        return 0
    chosen.host = host(chosen.host)
    thresholds = options.thresholds(chosen)
    options.check_outputs(folder=chosen.reports)
    if not chosen.yes and looks_like_production(chosen.host) and not _confirmed(chosen.host):
        return 2
    check_health(chosen.host)
    _check_workers(names, chosen)
    sent = warm_up(chosen.host, WARM_UP_SECONDS * chosen.scale)
    print(f"{chosen.host} is warm after {sent} requests", flush=True)
    if chosen.warm_up is None:
        chosen.warm_up = thresholds.alert("fast_memory_leak", LeakAlert).warm_up * chosen.scale
    codes = {name: _run(BY_NAME[name], chosen) for name in names}
    if len(codes) > 1:
        words = ("passed", "failed", "inconclusive")
        print(table(("scenario", "verdict"), [(name, words[code]) for name, code in codes.items()]))
    return max(codes.values())


def _check_workers(names: Iterable[str], chosen: argparse.Namespace) -> None:
    """Raises WorkersError if a scenario would run for hours and could not judge memory."""
    judging = [name for name in names if BY_NAME[name].judges_memory]
    if judging:
        try:
            source = worker_source(chosen.host, chosen.sidecar)
            if not source:
                raise WorkersError("the host is another machine; give its sidecar with --sidecar")
            source.read()
        except WorkersError as error:
            text = f"{' and '.join(judging)} would be inconclusive: {error}"
            raise WorkersError(text) from error


def _names(wanted: Sequence[str]) -> list[str]:
    found = []
    for name in wanted:
        if name == "menu":
            found += _menu()
        else:
            found += BY_NAME if name == "all" else [name]
    return list(dict.fromkeys(found))


def _menu() -> list[str]:
    """Ask for a scenario; an empty answer means none."""
    for number, each in enumerate(SCENARIOS, start=1):
        print(f"{number:2}  {each.name:10} {format_duration(each.seconds):>5}  {each.purpose}")
    while answer := _ask("number or name (empty to quit): "):
        names = list(BY_NAME)
        if answer in BY_NAME:
            return [answer]
        if answer.isdecimal() and 0 < int(answer) <= len(names):
            return [names[int(answer) - 1]]
        print(f"{answer!r} is not in the list")
    return []


def _ask(question: str) -> str:
    """The answer from the terminal; "" at its end."""
    try:
        return input(question).strip()
    except EOFError:
        return ""


def _confirmed(host: str) -> bool:
    print(f"{host} looks like production: get the agreement of its operators first")
    if _ask("type yes to continue: ") == "yes":
        return True
    print("nothing was sent; use --yes or LOAD_TEST_YES=1 to skip the question", file=sys.stderr)
    return False


def _run(scenario: Scenario, chosen: argparse.Namespace) -> int:
    folder = _folder(chosen.reports, scenario.name)
    scaled = scenario.scaled(chosen.scale, chosen.users_scale)
    duration = format_duration(max(1, round(scaled.seconds)))
    print(f"\n{scenario.name}: {scenario.purpose}; {duration}, {scaled.users} users", flush=True)
    try:
        with _locust(_command(scenario, chosen, folder)) as process:
            code = process.wait()
    finally:
        print(f"reports: {folder}", flush=True)
    return code if code in (0, 1) else 2


class EndedError(KeyboardInterrupt):
    """Stopped by a signal that only this process received, unlike Ctrl-C."""


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise EndedError

    with _handled_by(end):
        yield


@contextmanager
def _locust(command: Sequence[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    """Run Locust, but never leave it running alone. Signals wait until it has started."""
    process = None
    early: list[int] = []
    try:
        with _handled_by(lambda number, _: early.append(number)):
            process = subprocess.Popen(command, cwd=options.ROOT)
        if early:
            raise EndedError
        yield process
    except KeyboardInterrupt as signalled:
        if process:
            if isinstance(signalled, EndedError):
                process.terminate()
            process.wait()  # for its verdict
        raise


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Handle the signals that stop a program, unless they are ignored, as under `nohup`."""
    wanted = [each for each in ENDING if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, handler) for each in wanted}
    try:
        yield
    finally:
        for each, former in before.items():
            signal.signal(each, former)


def _folder(reports: Path, name: str) -> Path:
    """A new folder with the date; numbered if there is one of the same second."""
    stamp = f"{datetime.now().astimezone():%Y-%m-%dT%H-%M-%S}-{name}"
    for number in range(1, 1000):
        folder = (reports / (stamp if number == 1 else f"{stamp}-{number}")).resolve()
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(reports / stamp)


def _command(scenario: Scenario, chosen: argparse.Namespace, folder: Path) -> list[str | Path]:
    optional = [f"--overlay={Path(each).resolve()}" for each in chosen.overlay]
    if scenario.judges_memory:
        optional.append("--judge-memory")
    return [
        *(sys.executable, "-m", "locust", "--headless", "--only-summary"),
        *("-f", f"{HERE / 'locustfile.py'},{HERE / 'shape.py'}"),
        *(f"--host={chosen.host}", f"--scenario={scenario.name}"),
        *(f"--scale={chosen.scale}", f"--users-scale={chosen.users_scale}"),
        *(f"--html={folder / 'report.html'}", f"--csv={folder / 'locust'}", "--csv-full-history"),
        *(f"--report={folder}", f"--sidecar={chosen.sidecar}", f"--grafana={chosen.grafana}"),
        *(f"--warm-up={chosen.warm_up}", f"--sample-interval={chosen.sample_interval}"),
        f"--thresholds={Path(chosen.thresholds).resolve()}",
        *(*optional, scenario.user),
    ]


if __name__ == "__main__":
    sys.exit(main())
