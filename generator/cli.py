"""The command line: reads files, calls the pure core, writes and prints."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from generator.arguments import moment, spelled
from generator.thresholds import ConfigError, Thresholds, notices
from generator.thresholds.levels import Unit

OK, FAILED, BAD_INPUT = 0, 1, 2

_EPILOG = """\
exit codes: 0 done, 1 the check failed, 2 bad input

examples:
  python -m generator render                               write everything here
  python -m generator render --only dashboards             dashboards alone
  python -m generator render --overlay staging.yaml --out build/staging
  python -m generator check                                is everything as it is rendered?
  python -m generator explain AuditorHighLatency           where its numbers come from
  python -m generator explain targets.latency.p95.poor     what depends on a number
  python -m generator schema > thresholds.schema.json      for your editor
  python -m generator push --grafana URL --dry-run         what a push would change
  python -m generator pull --grafana URL                   what was edited in Grafana
  python -m generator backtest --prometheus URL            what would have fired yesterday
  python -m generator calibrate --prometheus URL           thresholds that fit what is normal
  python -m generator scoreboard --promtool PATH           what the alerts made of the scenarios
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m generator",
        description="Renders Grafana dashboards, Prometheus rules, their promtool tests and "
        "runbooks from one file of thresholds.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    source = argparse.ArgumentParser(add_help=False)
    source.add_argument(
        "--thresholds",
        type=Path,
        default=Path("thresholds.yaml"),
        metavar="FILE",
        help="default: thresholds.yaml",
    )
    source.add_argument(
        "--overlay",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="YAML, JSON or jsonnet that changes only what it names; may be given again",
    )
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument(
        "--out",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="the bundle's folder; default: the current one",
    )
    place.add_argument(
        "--only",
        action="append",
        choices=("alerts", "dashboards", "deploy", "docs", "promtool-tests"),
        default=[],
        help="this part alone; may be given again",
    )
    both = [source, place]
    render = commands.add_parser(
        "render", parents=both, help="write every file of the bundle that differs"
    )
    render.set_defaults(run=_render)
    check = commands.add_parser(
        "check", parents=both, help="show as a diff what `render` would change; exit 1 if any"
    )
    check.set_defaults(run=_check)
    explain = commands.add_parser(
        "explain", parents=[source], help="say where an alert's numbers come from"
    )
    explain.add_argument("name", metavar="ALERT", help="an alert, or a path of the thresholds file")
    explain.set_defaults(run=_explain)
    target = argparse.ArgumentParser(add_help=False)
    target.add_argument(
        "--grafana",
        metavar="URL",
        help="address of Grafana; default: service.links.grafana of the thresholds",
    )
    target.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="file of a service account's token; default: the variable GRAFANA_TOKEN",
    )
    push = commands.add_parser(
        "push", parents=[source, target], help="save the dashboards in a Grafana, but over no edit"
    )
    push.add_argument(
        "--folder", metavar="TITLE", help="default: the service's name; made if missing"
    )
    push.add_argument(
        "--dry-run", action="store_true", help="change nothing; exit 1 if something would change"
    )
    push.add_argument(
        "--force", action="store_true", help="save over edits, and move back what was moved"
    )
    push.set_defaults(run=_push)
    pull = commands.add_parser(
        "pull",
        parents=[source, target],
        help="show what was edited in a Grafana, and where in the source; exit 1 if anything",
    )
    pull.set_defaults(run=_pull)
    _add_history(commands, source)
    scoreboard = commands.add_parser(
        "scoreboard",
        parents=[source],
        help="run every scenario beside the guide's rules; exit 1 if an alert is late or wrong",
    )
    scoreboard.add_argument(
        "--promtool", default="promtool", metavar="PROGRAM", help="default: the one on PATH"
    )
    scoreboard.add_argument(
        "--out", type=Path, default=Path(), metavar="FOLDER", help="the bundle's folder"
    )
    scoreboard.set_defaults(run=_scoreboard)
    schema = commands.add_parser("schema", help="print the JSON Schema of the thresholds file")
    schema.set_defaults(run=_schema)
    return top


def _add_history(commands: Any, source: argparse.ArgumentParser) -> None:
    duration = spelled(Unit.DURATION, positive=True)
    past = argparse.ArgumentParser(add_help=False)
    past.add_argument(
        "--range",
        type=duration,
        default=duration("1d"),
        metavar="DURATION",
        help="how far back, as 7d or 6h (default: 1d)",
    )
    past.add_argument(
        "--until",
        type=moment,
        metavar="TIME",
        help="where it ends, as 2026-05-04T12:00 (default: now)",
    )
    past.add_argument(
        "--step",
        type=duration,
        metavar="DURATION",
        help="between two evaluations (default: the rules' own interval)",
    )
    backtest = commands.add_parser(
        "backtest", parents=[source, past], help="say when each alert would have fired"
    )
    backtest.add_argument(
        "--prometheus", required=True, metavar="URL", help="with a token in PROMETHEUS_TOKEN if any"
    )
    backtest.add_argument(
        "--proposed", type=Path, metavar="FILE", help="an overlay to compare with"
    )
    backtest.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        help="draw the timeline as SVG: a row for each rule that fired, times in UTC",
    )
    backtest.set_defaults(run=_backtest)
    calibrate = commands.add_parser(
        "calibrate",
        parents=[source, past],
        help="propose thresholds from what was measured; exit 1 if any would change",
    )
    calibrate.add_argument("--prometheus", metavar="URL", help="to learn from what it remembers")
    calibrate.add_argument(
        "--results",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="to learn from results of benchmark.py",
    )
    calibrate.add_argument(
        "--margin",
        type=spelled(Unit.RATIO),
        default=0.2,
        metavar="SHARE",
        help="between what is normal and the target (default: 20%%)",
    )
    calibrate.add_argument("--output", type=Path, metavar="FILE", help="write the overlay")
    calibrate.set_defaults(run=_calibrate)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give the exit code; on wrong arguments argparse exits, with 2."""
    from generator.explain import UnknownNameError
    from generator.files import UnreadableError

    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return BAD_INPUT
    except (UnreadableError, UnknownNameError) as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        sys.stderr.close()
        return OK
    except OSError as error:
        print(f"{error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
        return BAD_INPUT
    return code


def _load(arguments: argparse.Namespace) -> Thresholds:
    from generator import files

    return files.thresholds(arguments.thresholds, arguments.overlay)


def _rendered(arguments: argparse.Namespace) -> dict[str, str]:
    from generator.bundle import render

    thresholds = _load(arguments)
    for notice in notices(thresholds):
        print(f"note: {notice}", file=sys.stderr)
    files = render(thresholds)
    wanted = arguments.only
    return {
        path: text for path, text in files.items() if not wanted or path.split("/")[0] in wanted
    }


def _leftovers(arguments: argparse.Namespace, files: dict[str, str]) -> list[str]:
    from generator.files import leftovers

    found = leftovers(arguments.out, files)
    return [path for path in found if not arguments.only or path.split("/")[0] in arguments.only]


def _render(arguments: argparse.Namespace) -> int:
    from generator.files import remove, write

    files = _rendered(arguments)
    changed = write(arguments.out, files)
    gone = _leftovers(arguments, files)
    remove(arguments.out, gone)
    for path in changed:
        print(f"wrote {arguments.out / path}")
    for path in gone:
        print(f"removed {arguments.out / path}")
    print(f"{len(files)} files, {len(changed)} changed")
    return OK


def _check(arguments: argparse.Namespace) -> int:
    from generator.files import differences

    files = _rendered(arguments)
    found = list(differences(arguments.out, files))
    for text in found:
        print(text, end="")
    gone = _leftovers(arguments, files)
    for path in gone:
        print(f"{path}: no longer part of the bundle")
    if found or gone:
        print(
            f"{len(found) + len(gone)} of {len(files)} files are not as rendered: run make",
            file=sys.stderr,
        )
        return FAILED
    print(f"{len(files)} files are as rendered")
    return OK


def _explain(arguments: argparse.Namespace) -> int:
    from generator.alerts import all_alerts
    from generator.explain import explain

    thresholds = _load(arguments)
    print(explain(thresholds, all_alerts(thresholds), arguments.name), end="")
    return OK


def _push(arguments: argparse.Namespace) -> int:
    from generator.grafana.command import push

    return _with_grafana(push, arguments)


def _pull(arguments: argparse.Namespace) -> int:
    from generator.grafana.command import pull

    return _with_grafana(pull, arguments)


def _with_grafana(
    run: Callable[[argparse.Namespace, Thresholds], bool], arguments: argparse.Namespace
) -> int:
    from generator.grafana.errors import GrafanaError

    try:
        return OK if run(arguments, _load(arguments)) else FAILED
    except GrafanaError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT


def _backtest(arguments: argparse.Namespace) -> int:
    from generator.history.command import run_backtest

    return _with_history(run_backtest, arguments)


def _calibrate(arguments: argparse.Namespace) -> int:
    from generator.history.command import run_calibrate

    if not arguments.prometheus and not arguments.results:
        print("calibrate needs --results or --prometheus, to learn from", file=sys.stderr)
        return BAD_INPUT
    return _with_history(run_calibrate, arguments)


def _with_history(
    run: Callable[[argparse.Namespace, Thresholds], bool], arguments: argparse.Namespace
) -> int:
    from generator.history.calibrate import ResultError
    from generator.history.client import PrometheusError

    try:
        return OK if run(arguments, _load(arguments)) else FAILED
    except (PrometheusError, ResultError) as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:  # of a long range
        print("ended early", file=sys.stderr)
        return BAD_INPUT


def _scoreboard(arguments: argparse.Namespace) -> int:
    from generator.scoreboard.command import run_scoreboard
    from generator.scoreboard.measure import PromtoolError

    try:
        return OK if run_scoreboard(arguments, _load(arguments)) else FAILED
    except PromtoolError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT


def _schema(_arguments: argparse.Namespace) -> int:
    from generator.thresholds.schema import schema_text

    print(schema_text(), end="")
    return OK
