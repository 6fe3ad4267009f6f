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
from generator.files import UnreadableError, read
from generator.grafana import report
from generator.grafana.changes import differences
from generator.grafana.client import Grafana
from generator.grafana.source import Source
from generator.grafana.state import Folder, Plan, Verdict, fingerprint, plan
from generator.thresholds import Thresholds

TOKEN: Final = "GRAFANA_TOKEN"  # noqa: S105  # a variable's name


def push(arguments: argparse.Namespace, thresholds: Thresholds) -> bool:
    """Whether all is, or is now, as rendered; it looks at everything before it changes anything."""
    grafana = _grafana(arguments, thresholds)
    title = arguments.folder or thresholds.service.name.capitalize()
    uid = _folder_uid(title)
    folder = grafana.folder(uid, title)
    plans = [
        plan(each, grafana.dashboard(each["uid"]), folder) for _, each in _dashboards(thresholds)
    ]
    wanted = folder or Folder(uid, title)
    for each in plans:
        _print(report.of_plan(each, wanted))
    chosen = [each for each in plans if _saved(each, arguments.force)]
    kept = [each for each in plans if each.verdict is not Verdict.SAME and each not in chosen]
    if arguments.dry_run:
        print(f"{len(chosen)} of {len(plans)} dashboards would be saved in {title!r}")
    else:
        if chosen and folder is None:
            wanted = grafana.make_folder(uid, title)
            print(f"made the folder {title!r}")
        for each in chosen:
            version = grafana.save(each.dashboard, wanted, each.live.version if each.live else 0)
            print(f"saved {each.dashboard['uid']} as version {version}")
    for each in kept:
        print(f"kept {each.dashboard['uid']}: {_advice(each)}", file=sys.stderr)
    return not kept and not (arguments.dry_run and chosen)


def _folder_uid(title: str) -> str:
    """Of what Grafana takes: letters, digits, hyphens and underscores, 40 at most."""
    return re.sub(r"[^a-z0-9_]+", "-", title.lower())[:40].strip("-") or "dashboards"


def _saved(found: Plan, force: bool) -> bool:
    """Grafana lets nobody save what it reads from a file."""
    if found.verdict in (Verdict.SAME, Verdict.PROVISIONED):
        return False
    return force or not found.kept


def _advice(found: Plan) -> str:
    if found.verdict is Verdict.PROVISIONED:
        return "render its file anew"
    if found.verdict is Verdict.MOVED and found.live:
        return f"push with --folder {found.live.folder.title!r}, or --force to move it back"
    return "`pull` says where an edit belongs in the source; --force saves over it"


def pull(arguments: argparse.Namespace, thresholds: Thresholds) -> bool:
    """Whether nothing was edited.

    An edit is seen against the last push where Grafana still has it, else against the source.
    """
    grafana = _grafana(arguments, thresholds)
    source = Source(thresholds, all_alerts(thresholds), dict(modules()))
    untouched = True
    for name, rendered in _dashboards(thresholds):
        uid = rendered["uid"]
        live = grafana.dashboard(uid)
        if live is None:
            print(f"{uid}: not there")
            continue
        base = rendered
        pushed = live.pushed
        if pushed and pushed.fingerprint != fingerprint(rendered):
            print(f"{uid}: what is rendered has changed since it was pushed")
            base = grafana.version(uid, pushed.version)
        changes = differences(base, live.dashboard) if live.edited else ()
        if changes:
            untouched = False
            _print(report.of_edits(live, rendered, changes, partial(source.where, name)))
        else:
            print(f"{uid}: no edit")
    return untouched


def _grafana(arguments: argparse.Namespace, thresholds: Thresholds) -> Grafana:
    return Grafana(arguments.grafana or thresholds.service.links.grafana, _token(arguments))


def _dashboards(thresholds: Thresholds) -> Iterator[tuple[str, Any]]:
    """Each with its name, as it is rendered."""
    for path, text in dashboards.render(thresholds, all_alerts(thresholds)).items():
        if path.endswith(".json"):
            yield Path(path).stem, json.loads(text)


def _token(arguments: argparse.Namespace) -> str:
    """Never an argument, which every user of the machine could read."""
    if arguments.token_file:
        return read(arguments.token_file)
    if TOKEN in os.environ:
        return os.environ[TOKEN]
    raise UnreadableError(
        f"no token: set {TOKEN} or name its file with --token-file; Grafana makes one under "
        "Administration, Service accounts, with the role Editor"
    )


def modules() -> Iterator[tuple[str, str]]:
    """The texts of the modules that make panels and alerts, by their paths."""
    for package in ("dashboards", "alerts/families"):
        for file in sorted((resources.files("generator") / package).iterdir(), key=str):
            if file.name.endswith(".py"):
                yield f"generator/{package}/{file.name}", file.read_text()


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        print(line)
