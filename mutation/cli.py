"""The command line of the mutation tester."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mutation.errors import InputError

if TYPE_CHECKING:
    from mutation.runner import Result

OK, SURVIVORS, BAD_INPUT = 0, 1, 2

_DESCRIPTION = """\
Mutation testing of Prometheus rules: changes the rules, one change at a time, and shows the
changes that no promtool test notices.
"""
_EPILOG = """\
exit codes:
  0 every mutant was killed or is excused
  1 mutants survived, or an excuse is out of date
  2 a file cannot be used, or the tests fail on the unchanged rules

example:
  python -m mutation rules/*.yml --tests tests/*.yml --excuses excuses.yaml

mutation/README.md describes the mutants, and what to do about one that survives.
"""


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m mutation",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = found.add_argument
    add(
        "rules",
        nargs="*",
        type=Path,
        metavar="RULES",
        help="rule files to mutate (default: all that the tests name in `rule_files`)",
    )
    add("--tests", nargs="+", type=Path, required=True, metavar="FILE", help="promtool test files")
    add("--excuses", type=Path, metavar="FILE", help="mutants that no test can kill, with reasons")
    add(
        "--only",
        action="append",
        default=[],
        metavar="RULE",
        help="mutate only this rule, a name or a pattern such as 'Http*'; may be repeated",
    )
    add("--sample", type=_positive, metavar="N", help="run only N mutants, chosen at random")
    add("--seed", type=int, default=0, metavar="N", help="for --sample (default: 0)")
    add("--json", type=Path, metavar="FILE", help="write all results to a file")
    add(
        "--jobs",
        type=_positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes at a time (default: one per CPU)",
    )
    add(
        "--promtool",
        default="promtool",
        metavar="PROGRAM",
        help="name or path (default: promtool)",
    )
    return found


def _positive(text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() else 0
    if value:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above zero")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    arguments = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up as on Ctrl-C
    try:
        return _run(arguments)
    except ModuleNotFoundError as error:
        if error.name not in ("promql_parser", "yaml"):
            raise
        print("missing packages: pip install promql-parser PyYAML", file=sys.stderr)
    except InputError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
    return BAD_INPUT


def _run(arguments: argparse.Namespace) -> int:
    from mutation.run import run

    started = time.monotonic()
    progress = _Progress()
    report, stale = run(arguments, progress.show)
    progress.clear()
    seconds = time.monotonic() - started
    for line in report.lines():
        print(line)
    for problem in stale:
        print(problem, file=sys.stderr)
    print(f"took {seconds:.0f} s", file=sys.stderr)
    if arguments.json:
        document = {**report.document(), "seconds": round(seconds, 1)}
        text = json.dumps(document, indent=2, ensure_ascii=False)
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(f"{text}\n", "utf-8")
    return SURVIVORS if report.survivors or stale else OK


class _Progress:
    """One line, on a terminal only."""

    def __init__(self) -> None:
        self._done = self._survived = 0
        self._shown = sys.stderr.isatty()

    def show(self, result: Result, count: int) -> None:
        self._done += 1
        self._survived += result.survived
        if self._shown:
            line = f"\r{self._done} of {count} mutants, {self._survived} survived"
            print(line, end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr)
