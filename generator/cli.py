"""The command line: runs a command and turns its result, or its error, into an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import resources
from pkgutil import resolve_name

from generator.arguments import add_commands
from generator.errors import InputError

OK, FAILED, BAD_INPUT = 0, 1, 2


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m generator",
        description="Renders Grafana dashboards, Prometheus rules, their promtool tests and "
        "runbooks from one file of thresholds.",
        epilog=resources.files("generator").joinpath("cli.txt").read_text("utf-8"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_commands(commands.add_parser)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give the exit code; on wrong arguments argparse exits, with 2."""
    arguments = parser().parse_args(argv)
    try:
        code = OK if resolve_name(arguments.run)(arguments) else FAILED
        sys.stdout.flush()
    except InputError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("ended early", file=sys.stderr)
    except BrokenPipeError:  # the reader of the output has seen enough
        sys.stderr.close()
        return OK
    except OSError as error:
        print(f"{error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
    else:
        return code
    return BAD_INPUT
