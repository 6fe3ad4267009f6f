"""Runs scenarios: `tests/performance/scenarios.sh NAME`."""

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
from tests.performance.client import HostError, host, reach, warm_up
from tests.performance.scenarios import BY_NAME, SCENARIOS, Scenario, looks_like_production
from tests.performance.workers import WorkersError, source

HERE: Final = Path(__file__).parent
HOST: Final = "http://localhost:8888"
WARM_UP_SECONDS: Final = 60.0
ENDING: Final = (signal.SIGTERM, signal.SIGHUP)

_EPILOG: Final = """\
exit codes: 0 target or acceptable, 1 poor or critical, 2 nothing proven or bad input

scenarios:
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="scenarios.sh",
        description="Runs scenarios of load against an Auditor, and judges each by the thresholds.",
        epilog=_EPILOG + listed(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = (*BY_NAME, "all", "menu")
    top.add_argument("names", nargs="+", choices=names, metavar="SCENARIO", help="or all, or menu")
    top.add_argument(
        "--host",
        default=os.environ.get("LOAD_TEST_HOST", HOST),
        help=f"default: LOAD_TEST_HOST, else {HOST}",
    )
    top.add_argument(
        "--scale",
        type=_factor,
        default=os.environ.get("LOAD_TEST_SCALE", "1"),
        help="times the durations, as 0.1 for a short run; default: LOAD_TEST_SCALE, else 1",
    )
    top.add_argument(
        "--users-scale",
        type=_factor,
        default=os.environ.get("LOAD_TEST_USERS_SCALE", "1"),
        help="times the users, for a smaller machine; default: LOAD_TEST_USERS_SCALE, else 1",
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
        help="do not ask before a host that looks like production; default: LOAD_TEST_YES=1",
    )
    options.add_run(top, "that of the alert of fast leaks, scaled")
    return top


def listed() -> str:
    """The scenarios with what they do, for people."""
    rows = (
        (each.name, format_duration(each.seconds), str(each.users), each.purpose, each.every)
        for each in SCENARIOS
    )
    return table(("scenario", "lasts", "users", "what for", "every"), rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Run them in turn and give the worst exit code."""
    chosen = parser().parse_args(argv)
    try:
        with _ended_by_signals():
            return _run_all(chosen)
    except (*options.WRONG, HostError, WorkersError) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("ended early", file=sys.stderr)
    return 2


def _run_all(chosen: argparse.Namespace) -> int:
    """Raises HostError, WorkersError, options.WRONG, and KeyboardInterrupt for a signal."""
    names = _names(chosen.names)
    if not names:
        return 0
    chosen.host = host(chosen.host)
    thresholds = options.thresholds(chosen)
    options.outputs(folder=chosen.reports)
    if not chosen.yes and looks_like_production(chosen.host) and not _agreed(chosen.host):
        return 2
    reach(chosen.host)
    _see_workers(names, chosen)
    asked = warm_up(chosen.host, WARM_UP_SECONDS * chosen.scale)
    print(f"{chosen.host} is warm after {asked} requests", flush=True)
    if chosen.warm_up is None:
        chosen.warm_up = thresholds.alert("fast_memory_leak", LeakAlert).warm_up * chosen.scale
    codes = {name: _run(BY_NAME[name], chosen) for name in names}
    if len(codes) > 1:
        words = ("passed", "failed", "nothing proven")
        print(table(("scenario", "verdict"), [(name, words[code]) for name, code in codes.items()]))
    return max(codes.values())


def _see_workers(names: Iterable[str], chosen: argparse.Namespace) -> None:
    """What judges memory would run for hours in vain; raises WorkersError."""
    judging = [name for name in names if BY_NAME[name].judges_memory]
    if judging:
        try:
            seen = source(chosen.host, chosen.sidecar)
            if not seen:
                raise WorkersError("the host is another machine: name its sidecar with --sidecar")
            seen.read()
        except WorkersError as error:
            raise WorkersError(f"{' and '.join(judging)} would prove nothing: {error}") from error


def _factor(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if 0.001 <= value <= 100:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is no factor from 0.001 to 100")


def _names(wanted: Sequence[str]) -> list[str]:
    found = []
    for name in wanted:
        if name == "menu":
            found += _menu()
        else:
            found += BY_NAME if name == "all" else [name]
    return list(dict.fromkeys(found))


def _menu() -> list[str]:
    """Ask for one; nothing for an empty answer."""
    for number, each in enumerate(SCENARIOS, start=1):
        print(f"{number:2}  {each.name:10} {format_duration(each.seconds):>5}  {each.purpose}")
    while answer := _asked("number or name, empty for none: "):
        names = list(BY_NAME)
        if answer in BY_NAME:
            return [answer]
        if answer.isdecimal() and 0 < int(answer) <= len(names):
            return [names[int(answer) - 1]]
        print(f"{answer!r} is none of them")
    return []


def _asked(question: str) -> str:
    """An answer from the terminal; "" if there is none."""
    try:
        return input(question).strip()
    except EOFError:
        return ""


def _agreed(host: str) -> bool:
    print(f"{host} looks like production: agree with who runs it before you load it")
    if _asked("type yes to go on: ") == "yes":
        return True
    print("nothing was sent; --yes or LOAD_TEST_YES=1 goes on without asking", file=sys.stderr)
    return False


def _run(scenario: Scenario, chosen: argparse.Namespace) -> int:
    folder = _folder(chosen.reports, scenario.name)
    scaled = scenario.scaled(chosen.scale, chosen.users_scale)
    lasts = format_duration(max(1, round(scaled.seconds)))
    print(f"\n{scenario.name}: {scenario.purpose}; {lasts}, users: {scaled.users}", flush=True)
    try:
        with _locust(_command(scenario, chosen, folder)) as process:
            code = process.wait()
    finally:
        print(f"reports: {folder}", flush=True)
    return code if code in (0, 1) else 2


class EndedError(KeyboardInterrupt):
    """Ended by a signal that Locust, unlike after Ctrl-C, has not received as well."""


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise EndedError

    with _handled_by(end):
        yield


@contextmanager
def _locust(command: Sequence[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    """It never goes on alone; a signal that comes while it starts waits until it has."""
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
            process.wait()  # until it has given its verdict
        raise


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Signals that end a program, but for those it was started to ignore, as `nohup` does."""
    wanted = [each for each in ENDING if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, handler) for each in wanted}
    try:
        yield
    finally:
        for each, former in before.items():
            signal.signal(each, former)


def _folder(reports: Path, name: str) -> Path:
    """A new one, dated; a second within a second gets a number."""
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
