"""The arguments of `mutate`, apart from what it needs to run."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

_EPILOG = """\
exit codes: 0 every mutant is killed or excused, 1 some survive, 2 bad input or failing tests

A mutant is a rule with one change: another bound, window, wait, label, guard and so on. One that
no test notices shows which case is missing. docs/mutation.md says how to read and mend it.
"""


def add_mutate(commands: Any, run: Callable[[argparse.Namespace], int]) -> None:
    """The command `mutate`."""
    mutate = commands.add_parser(
        "mutate",
        help="show which changes of a rule no promtool test would notice; exit 1 if any",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    mutate.add_argument(
        "tests",
        nargs="*",
        type=Path,
        metavar="TESTFILE",
        help="promtool tests, of whose `rule_files` the mutants are made; default: those of the "
        "bundle",
    )
    mutate.add_argument(
        "--rules",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="rules that should be tested too, though no test names their file; may be given again",
    )
    mutate.add_argument(
        "--promtool", metavar="PATH", help="default: promtool, else the newest in .tools/bin"
    )
    mutate.add_argument(
        "--jobs",
        type=_positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes at a time (default: one a core)",
    )
    mutate.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="RULE",
        help="mutants of this rule alone, a name or pattern such as 'Auditor*'; may be given again",
    )
    mutate.add_argument(
        "--sample", type=_positive, metavar="N", help="so many mutants, chosen at random"
    )
    mutate.add_argument("--seed", type=int, default=0, metavar="N", help="of --sample (default: 0)")
    mutate.add_argument(
        "--excuses",
        type=Path,
        metavar="FILE",
        help="mutants that no test could tell from the rule; default: mutation-excuses.yaml for "
        "the bundle, none for other tests",
    )
    mutate.add_argument("--json", type=Path, metavar="FILE", help="write all results")
    mutate.set_defaults(run=run)


def _positive(text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() else 0
    if value:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above zero")
