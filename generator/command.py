"""The commands `render`, `check`, `explain` and `schema`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from generator.arguments import AddCommand, load, thresholds_options
from generator.errors import InputError

# Parts of the bundle, each in the folder of its name.
_PARTS: Final = ("alerts", "dashboards", "deploy", "docs", "promtool-tests")


def add_commands(add: AddCommand) -> None:
    source = thresholds_options()
    target = argparse.ArgumentParser(add_help=False)
    target.add_argument(
        "--out",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="folder of the bundle (default: the current folder)",
    )
    target.add_argument(
        "--only",
        action="append",
        choices=_PARTS,
        default=[],
        help="only this part; can be given several times",
    )
    render = add("render", parents=[source, target], help="write all files that have changed")
    render.set_defaults(run=_render)
    said = "show what `render` would change; exit 1 if anything"
    check = add("check", parents=[source, target], help=said)
    check.set_defaults(run=_check)
    explain = add("explain", parents=[source], help="show where the numbers of an alert come from")
    explain.add_argument("name", metavar="NAME", help="an alert, or a path in the thresholds file")
    explain.set_defaults(run=_explain)
    add("schema", help="print the JSON Schema of the thresholds file").set_defaults(run=_schema)


def _render(arguments: argparse.Namespace) -> bool:
    from generator.files import remove, write

    files, obsolete = _rendered(arguments)
    changed = write(arguments.out, files)
    remove(arguments.out, obsolete)
    for path in changed:
        print(f"wrote {arguments.out / path}")
    for path in obsolete:
        print(f"removed {arguments.out / path}")
    print(f"{len(files)} files, {len(changed)} changed")
    return True


def _check(arguments: argparse.Namespace) -> bool:
    from generator.files import differences

    files, obsolete = _rendered(arguments)
    found = list(differences(arguments.out, files))
    found += [f"{path}: no longer part of the bundle\n" for path in obsolete]
    print(*found, sep="", end="")
    if found:
        print(f"{len(found)} of {len(files)} files are out of date: run make", file=sys.stderr)
    else:
        print(f"{len(files)} files are up to date")
    return not found


def _rendered(arguments: argparse.Namespace) -> tuple[dict[str, str], list[str]]:
    """The wanted files of the bundle, and the paths of those that it no longer has."""
    from generator.alerts.references import references
    from generator.bundle import render
    from generator.files import leftovers
    from generator.thresholds import UnknownAlertError, notes

    thresholds = load(arguments)
    for note in notes(thresholds):
        print(f"note: {note}", file=sys.stderr)
    try:
        files = render(thresholds)
    except UnknownAlertError as error:
        raise InputError("\n".join(map(str, references(error.key)))) from error

    def wanted(path: str) -> bool:
        part = path.partition("/")[0]
        return not arguments.only or part in arguments.only or part not in _PARTS

    obsolete = list(filter(wanted, leftovers(arguments.out, files)))
    return {path: files[path] for path in filter(wanted, files)}, obsolete


def _explain(arguments: argparse.Namespace) -> bool:
    from generator.alerts import all_alerts
    from generator.explain import explain

    thresholds = load(arguments)
    print(explain(thresholds, all_alerts(thresholds), arguments.name), end="")
    return True


def _schema(_arguments: argparse.Namespace) -> bool:
    from generator.config import model
    from generator.thresholds.schema import schema_text

    print(schema_text(model()), end="")
    return True
