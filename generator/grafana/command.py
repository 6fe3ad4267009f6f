"""The commands `push` and `pull`."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, Final

from generator import dashboards
from generator.alerts import all_alerts
from generator.arguments import load
from generator.files import UnreadableError, read
from generator.grafana import report
from generator.grafana.client import Grafana
from generator.grafana.diff import diff
from generator.grafana.source import Source
from generator.grafana.state import Folder, Plan, Status, fingerprint, plan
from generator.thresholds import Thresholds

TOKEN: Final = "GRAFANA_TOKEN"  # noqa: S105  # a variable's name


def push(arguments: argparse.Namespace) -> bool:
    """Whether everything is up to date now. Looks at all dashboards before it changes one."""
    thresholds = load(arguments)
    grafana = _grafana(arguments, thresholds)
    title = arguments.folder or thresholds.service.name.capitalize()
    uid = _folder_uid(title)
    folder = grafana.folder(uid, title)
    plans = [
        plan(each, grafana.dashboard(each["uid"]), folder) for _, each in _dashboards(thresholds)
    ]
    for each in plans:
        print(*report.plan_lines(each, folder or Folder(uid, title)), sep="\n")
    chosen = [each for each in plans if each.saves(arguments.force)]
    kept = [each for each in plans if each.status is not Status.UP_TO_DATE and each not in chosen]
    if arguments.dry_run:
        print(f"{len(chosen)} of {len(plans)} dashboards would be saved in {title!r}")
    elif chosen:
        if folder is None:
            folder = grafana.create_folder(uid, title)
            print(f"created folder {title!r}")
        for each in chosen:
            version = grafana.save(each.dashboard, folder, each.live.version if each.live else 0)
            print(f"saved {each.dashboard['uid']} as version {version}")
    for each in kept:
        print(f"{each.dashboard['uid']} was not saved: {_advice(each)}", file=sys.stderr)
    return not kept and not (arguments.dry_run and chosen)


def _folder_uid(title: str) -> str:
    """Grafana allows 40 letters, digits, hyphens and underscores."""
    return re.sub(r"[^a-z0-9_]+", "-", title.lower())[:40].strip("-") or "dashboards"


def _advice(found: Plan) -> str:
    if found.status is Status.PROVISIONED:
        return "render its file again"
    if found.status is Status.MOVED and found.live:
        return f"use --folder {found.live.folder.title!r}, or --force to move it back"
    return "`pull` shows where the edit belongs in the source; --force overwrites it"


def pull(arguments: argparse.Namespace) -> bool:
    """Whether nothing was edited.

    Compares with the last push if Grafana still has it, else with the rendered dashboard.
    """
    thresholds = load(arguments)
    grafana = _grafana(arguments, thresholds)
    source = Source(thresholds, all_alerts(thresholds), dict(modules()))
    edited = False
    for name, rendered in _dashboards(thresholds):
        uid = rendered["uid"]
        live = grafana.dashboard(uid)
        if live is None:
            print(f"{uid}: not in Grafana")
            continue
        base = rendered
        pushed = live.pushed
        if pushed and pushed.fingerprint != fingerprint(rendered):
            print(f"{uid}: the rendered dashboard has changed since the last push")
            base = grafana.version(uid, pushed.number)
        changes = diff(base, live.dashboard) if live.edited else ()
        if changes:
            edited = True
            where = partial(source.where, name)
            print(*report.edit_lines(live, rendered, changes, where), sep="\n")
        else:
            print(f"{uid}: no edits")
    return not edited


def _grafana(arguments: argparse.Namespace, thresholds: Thresholds) -> Grafana:
    return Grafana(arguments.grafana or thresholds.service.links.grafana, _token(arguments))


def _dashboards(thresholds: Thresholds) -> Iterator[tuple[str, Any]]:
    """Name and JSON of each rendered dashboard."""
    for path, text in dashboards.render(thresholds, all_alerts(thresholds)).items():
        if path.endswith(".json"):
            yield Path(path).stem, json.loads(text)


def _token(arguments: argparse.Namespace) -> str:
    """Not an argument, because every user of the machine could read that."""
    if arguments.token_file:
        return read(arguments.token_file)
    if TOKEN in os.environ:
        return os.environ[TOKEN]
    raise UnreadableError(
        f"no token: set {TOKEN} or use --token-file; create one in Grafana under Administration, "
        "Service accounts, with the role Editor"
    )


def modules() -> Iterator[tuple[str, str]]:
    """Path and text of the modules that build panels and alerts."""
    for package in ("dashboards", "alerts/families"):
        for file in sorted((resources.files("generator") / package).iterdir(), key=str):
            if file.name.endswith(".py"):
                yield f"generator/{package}/{file.name}", file.read_text()
