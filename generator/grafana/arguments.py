"""The arguments of `push` and `pull`, apart from what these need to run."""

from __future__ import annotations

import argparse
from pathlib import Path

from generator.arguments import AddCommand, load, thresholds_options


def add_commands(add: AddCommand) -> None:
    target = argparse.ArgumentParser(add_help=False)
    target.add_argument(
        "--grafana",
        metavar="URL",
        help="address of Grafana (default: service.links.grafana of the thresholds)",
    )
    target.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="file with the token of a service account (default: the variable GRAFANA_TOKEN)",
    )
    parents = [thresholds_options(), target]
    push = add("push", parents=parents, help="save the dashboards in Grafana, but keep edits there")
    push.add_argument(
        "--folder",
        metavar="TITLE",
        help="folder in Grafana, created if missing (default: the service's name)",
    )
    push.add_argument(
        "--dry-run", action="store_true", help="change nothing; exit 1 if something would change"
    )
    push.add_argument(
        "--force", action="store_true", help="overwrite edits, and move back what was moved"
    )
    push.set_defaults(run=_push)
    pull = add(
        "pull",
        parents=parents,
        help="show what was edited in Grafana, and where to change the source; exit 1 if anything",
    )
    pull.set_defaults(run=_pull)


def _push(arguments: argparse.Namespace) -> bool:
    from generator.grafana.command import push

    return push(arguments, load(arguments))


def _pull(arguments: argparse.Namespace) -> bool:
    from generator.grafana.command import pull

    return pull(arguments, load(arguments))
