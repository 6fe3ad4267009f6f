"""The command line of the demo."""

from __future__ import annotations

import argparse
import fcntl
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from rich.console import Console
from rich.live import Live

from demo import faults, injection
from demo.processes import ComponentError
from demo.screen import screen
from demo.stack import Options, Stack
from demo.status import Status, collect
from generator.thresholds import ConfigError
from tests import tools

OK, FAILED, BAD_INPUT = 0, 1, 2
REFRESH_SECONDS: Final = 1.0
PLAIN_SECONDS: Final = 10.0

_EPILOG = """\
FAULT:WORKER injects a fault into one worker only, as in slow-leak:2.
To change the faults while the demo runs, use another terminal:

  python -m demo inject slow-leak:0 errors     replace the current faults
  python -m demo inject                        remove all faults

faults:
"""


def parser() -> argparse.ArgumentParser:
    width = max(len(fault.name) for fault in faults.FAULTS)
    known = "\n".join(f"  {fault.name:<{width}}  {fault.description}" for fault in faults.FAULTS)
    top = argparse.ArgumentParser(
        prog="python -m demo",
        description="Run a stand-in Auditor with the sidecar, Prometheus, Alertmanager and, if "
        "available, Grafana on free ports of the loopback interface.",
        epilog=_EPILOG + known,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "--folder", type=Path, default=Path(".demo"), help="for data and logs (default: .demo)"
    )
    top.set_defaults(run=_run)
    top.add_argument(
        "--inject",
        action="append",
        default=[],
        metavar="FAULT",
        help="inject from the start; can be repeated",
    )
    top.add_argument("--workers", type=_count, default=4, help="Auditor workers (default: 4)")
    top.add_argument(
        "--users", type=_count, default=8, help="simulated users, 0 for no traffic (default: 8)"
    )
    top.add_argument("--seconds", type=float, help="stop after this time (default: on Ctrl-C)")
    top.add_argument("--plain", action="store_true", help="print the status, do not redraw it")
    commands = top.add_subparsers(metavar="COMMAND")
    inject = commands.add_parser("inject", help="change the faults of the running demo")
    inject.add_argument("faults", nargs="*", metavar="FAULT")
    inject.set_defaults(run=_inject)
    return top


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 64")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C and return the exit code. On bad arguments argparse exits with 2."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return BAD_INPUT
    except (faults.UnknownFaultError, _FolderError) as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except (tools.MissingToolError, ComponentError) as error:
        print(error, file=sys.stderr)
        return FAILED
    return code


class _FolderError(Exception):
    """A demo runs in the folder and should not, or the other way round."""


def _inject(arguments: argparse.Namespace) -> int:
    since = time.time()
    wanted = faults.injections(arguments.faults, since)
    if not _locked(arguments.folder):
        text = f"no demo is running in {arguments.folder}; start one with `make demo`"
        raise _FolderError(text)
    injection.write(arguments.folder / "control", wanted)
    print(f"injected: {', '.join(arguments.faults) or 'nothing'}")
    return OK


def _run(arguments: argparse.Namespace) -> int:
    faults.injections(arguments.inject, 0)  # report unknown faults before starting
    folder = arguments.folder.resolve()
    console = Console()
    with _lock(arguments.folder), _ended_by_signals():
        options = Options(workers=max(1, arguments.workers), users=arguments.users)
        stack = Stack(folder, options)
        try:
            stack.start(lambda text: console.print(text, style="dim"))
            stack.inject(arguments.inject)
            _watch(stack, console, arguments)
        except KeyboardInterrupt:
            pass
        finally:
            console.print("stopping", style="dim")
            stack.stop()
    return OK


def _watch(stack: Stack, console: Console, arguments: argparse.Namespace) -> None:
    """Show the status until the time is up."""
    started = time.time()
    end = started + arguments.seconds if arguments.seconds else None

    def statuses(pause: float) -> Iterator[Status]:
        while end is None or time.time() < end:
            yield collect(stack, started)
            time.sleep(pause if end is None else max(0, min(pause, end - time.time())))

    if arguments.plain or not console.is_terminal:
        for status in statuses(PLAIN_SECONDS):
            console.print(screen(status))
        return
    with Live(console=console, auto_refresh=False, screen=False) as live:
        for status in statuses(REFRESH_SECONDS):
            live.update(screen(status), refresh=True)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Allow one demo per folder. The lock ends with the process."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock_file(folder).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            text = f"a demo is already running in {folder}; stop it or choose another --folder"
            raise _FolderError(text) from None
        yield


def _locked(folder: Path) -> bool:
    if not _lock_file(folder).exists():
        return False
    with _lock_file(folder).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end it as Ctrl-C does."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
