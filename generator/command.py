"""The commands `render`, `check`, `explain` and `schema`."""

from __future__ import annotations

import argparse
import sys

from generator import config, files
from generator import explain as explanations
from generator.alerts import all_alerts
from generator.alerts.references import references
from generator.arguments import PARTS, load
from generator.errors import InputError
from generator.thresholds import UnknownAlertError, notes
from generator.thresholds.schema import schema_text


def render(arguments: argparse.Namespace) -> bool:
    rendered, obsolete = _rendered(arguments)
    changed = files.write(arguments.out, rendered)
    files.remove(arguments.out, obsolete)
    for path in changed:
        print(f"wrote {arguments.out / path}")
    for path in obsolete:
        print(f"removed {arguments.out / path}")
    print(f"{len(rendered)} files, {len(changed)} changed")
    return True


def check(arguments: argparse.Namespace) -> bool:
    rendered, obsolete = _rendered(arguments)
    found = list(files.differences(arguments.out, rendered))
    found += [f"{path}: no longer part of the bundle\n" for path in obsolete]
    print(*found, sep="", end="")
    if found:
        print(f"{len(found)} of {len(rendered)} files are out of date: run make", file=sys.stderr)
    else:
        print(f"{len(rendered)} files are up to date")
    return not found


def _rendered(arguments: argparse.Namespace) -> tuple[dict[str, str], list[str]]:
    """The wanted files of the bundle, and the paths of those that it no longer has."""
    from generator import bundle  # with grafanalib, which the other commands do not need

    thresholds = load(arguments)
    for note in notes(thresholds):
        print(f"note: {note}", file=sys.stderr)
    try:
        rendered = bundle.render(thresholds)
    except UnknownAlertError as error:
        raise InputError("\n".join(map(str, references(error.key)))) from error

    def wanted(path: str) -> bool:
        part = path.partition("/")[0]
        return not arguments.only or part in arguments.only or part not in PARTS

    obsolete = list(filter(wanted, files.leftovers(arguments.out, rendered)))
    return {path: rendered[path] for path in filter(wanted, rendered)}, obsolete


def explain(arguments: argparse.Namespace) -> bool:
    thresholds = load(arguments)
    print(explanations.explain(thresholds, all_alerts(thresholds), arguments.name), end="")
    return True


def schema(_arguments: argparse.Namespace) -> bool:
    print(schema_text(config.model()), end="")
    return True
