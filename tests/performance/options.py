"""The command-line options that the tools share."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from generator import files
from generator.files import UnreadableError
from generator.thresholds import ConfigError, Thresholds

N = TypeVar("N", int, float)

ROOT: Final = Path(__file__).parents[2]
SAMPLE_SECONDS: Final = 5.0


class OutputError(Exception):
    """Results cannot be written where they should be; the message says why."""


# Raised by thresholds() and check_outputs(), with a message for the user.
INPUT_ERRORS: Final = (ConfigError, UnreadableError, OutputError)


def number(kind: Callable[[str], N], low: N, high: N) -> Callable[[str], N]:
    """An argument type: a number within these limits."""

    def parse(text: str) -> N:
        with suppress(ValueError):
            if low <= (value := kind(text)) <= high:
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:.10g} to {high:.10g}")

    return parse


seconds: Final = number(float, 0.0, 7 * 86400.0)


def add_run(parser: Any, warm_up: str) -> None:
    """Add the options of a Locust run to a parser or a group of its arguments."""
    add_workers(parser, warm_up)
    parser.add_argument(
        "--sample-interval",
        type=seconds,
        default=SAMPLE_SECONDS,
        metavar="SECONDS",
        help=f"time between two samples of the workers (default: {SAMPLE_SECONDS:g})",
    )
    add_verdict(parser)


def add_workers(parser: Any, warm_up: str) -> None:
    """`warm_up` describes the default."""
    parser.add_argument(
        "--sidecar",
        metavar="URL",
        default=os.environ.get("LOAD_TEST_SIDECAR", ""),
        help="the Auditor's sidecar, to watch its workers "
        "(default: LOAD_TEST_SIDECAR, else the processes on this machine)",
    )
    parser.add_argument(
        "--warm-up",
        type=seconds,
        metavar="SECONDS",
        help=f"ignore growth during this time (default: {warm_up})",
    )


def add_verdict(parser: Any) -> None:
    parser.add_argument(
        "--thresholds",
        default=str(ROOT / "thresholds.yaml"),  # text, as Locust sends options to its workers
        metavar="FILE",
        help="default: thresholds.yaml",
    )
    parser.add_argument(
        "--overlay",
        action="append",
        default=[],
        metavar="FILE",
        help="file with the thresholds to change; can be given several times",
    )
    parser.add_argument(
        "--grafana",
        metavar="URL",
        default=os.environ.get("LOAD_TEST_GRAFANA", ""),
        help="annotate the run in this Grafana, with the token in GRAFANA_TOKEN "
        "(default: LOAD_TEST_GRAFANA)",
    )


def check_outputs(files: Iterable[Path | None] = (), folder: Path | None = None) -> None:
    """Create the folders of the results and check that they are writable before the run starts.

    Raises OutputError. None stands for an output that is not wanted.
    """
    wanted = [each for each in files if each]
    for each in wanted:
        if each.is_dir():
            raise OutputError(f"{each} is a folder, expected a file")
    for target in {*(each.parent for each in wanted), *([folder] if folder else [])}:
        try:
            target.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=target):
                pass
        except OSError as error:
            raise OutputError(f"cannot write to {target}: {error.strerror or error}") from error


def write_error(error: OSError) -> str:
    """The message for results that could not be saved after a run."""
    return f"cannot write {error.filename or 'the results'}: {error.strerror or error}"


def thresholds(chosen: argparse.Namespace) -> Thresholds:
    """Raises ConfigError and UnreadableError."""
    return files.thresholds(Path(chosen.thresholds), map(Path, chosen.overlay))
