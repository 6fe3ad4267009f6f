"""The options that every run has, and where they are set without them."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from generator import files
from generator.files import UnreadableError
from generator.thresholds import ConfigError, Thresholds

ROOT: Final = Path(__file__).parents[2]
SAMPLE_SECONDS: Final = 5.0


class OutputError(Exception):
    """What a run finds cannot be written where it should be; the text says why."""


# What thresholds() and outputs() raise; each has a text for the user.
WRONG: Final = (ConfigError, UnreadableError, OutputError)


def add_run(parser: Any, warm_up: str) -> None:
    """Of a run of Locust, to a parser or a group of its arguments."""
    add_workers(parser, warm_up)
    parser.add_argument(
        "--sample-interval",
        type=seconds,
        default=SAMPLE_SECONDS,
        metavar="SECONDS",
        help=f"between two readings of the workers (default: {SAMPLE_SECONDS:g})",
    )
    add_verdict(parser)


def add_workers(parser: Any, warm_up: str) -> None:
    """`warm_up` says how long it is by default."""
    parser.add_argument(
        "--sidecar",
        metavar="URL",
        default=os.environ.get("LOAD_TEST_SIDECAR", ""),
        help="of the Auditor, to watch its workers; default: LOAD_TEST_SIDECAR, else the "
        "processes of this machine",
    )
    parser.add_argument(
        "--warm-up",
        type=seconds,
        metavar="SECONDS",
        help=f"in which growth is no leak (default: {warm_up})",
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
        help="that changes only what it names; may be given again",
    )
    parser.add_argument(
        "--grafana",
        metavar="URL",
        default=os.environ.get("LOAD_TEST_GRAFANA", ""),
        help="where the run is marked as an annotation, with the token in GRAFANA_TOKEN; "
        "default: LOAD_TEST_GRAFANA",
    )


def outputs(files: Iterable[Path | None] = (), folder: Path | None = None) -> None:
    """Make the folders of what a run will write, and try them, before it takes its time.

    None is what is not wanted; raises OutputError.
    """
    wanted = [each for each in files if each]
    for each in wanted:
        if each.is_dir():
            raise OutputError(f"{each} is a folder, expected a file")
    for place in {*(each.parent for each in wanted), *([folder] if folder else [])}:
        try:
            place.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=place):
                pass
        except OSError as error:
            raise OutputError(f"{place} cannot be written: {error.strerror or error}") from error


def unwritten(error: OSError) -> str:
    """Of what could be written when the run began, and cannot be at its end."""
    return f"{error.filename or 'the results'} cannot be written: {error.strerror or error}"


def thresholds(chosen: argparse.Namespace) -> Thresholds:
    """Raises WRONG."""
    return files.thresholds(Path(chosen.thresholds), map(Path, chosen.overlay))


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if 0 <= value <= 7 * 86400:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 604800")
