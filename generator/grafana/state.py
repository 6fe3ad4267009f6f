"""What a Grafana has of a dashboard, and what a push would do about it.

A push signs its save with a fingerprint of the dashboard. The last save of another origin is an
edit; nothing needs to be kept here to tell.
"""

from __future__ import annotations

import enum
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from generator.grafana.changes import Change, differences

Json = Mapping[str, Any]

SIGNATURE: Final = "auditor-monitoring"
_SIGNED: Final = re.compile(rf"^{SIGNATURE} ([0-9a-f]{{16}})$")


@dataclass(frozen=True)
class Folder:
    uid: str
    title: str


@dataclass(frozen=True)
class Save:
    """A version of a dashboard; `at` is the time as Grafana writes it."""

    version: int
    by: str
    at: str
    message: str

    @property
    def fingerprint(self) -> str | None:
        """That of the dashboard which a push saved; None for a save of another origin."""
        signed = _SIGNED.match(self.message)
        return signed[1] if signed else None

    def __str__(self) -> str:
        said = f' ("{self.message}")' if self.message else ""
        return f"version {self.version} by {self.by or 'someone'}, {self.at}{said}"


@dataclass(frozen=True)
class Live:
    """A dashboard as Grafana has it, with its saves from the newest on.

    `file` is the file that it is provisioned from; "" where it is not, or may be saved all the
    same.
    """

    dashboard: Json
    version: int
    folder: Folder
    saves: tuple[Save, ...] = ()
    file: str = ""

    @property
    def pushed(self) -> Save | None:
        """The newest save by a push that Grafana still has."""
        return next((save for save in self.saves if save.fingerprint), None)

    @property
    def edited(self) -> bool:
        """Whether it was saved since then, or never was pushed."""
        return self.pushed is None or self.pushed.version != self.version


class Verdict(enum.Enum):
    """What a push makes of a dashboard; the values are its words."""

    NEW = "is not there yet"
    SAME = "is as rendered"
    BEHIND = "differs"
    EDITED = "was edited in Grafana"
    MOVED = "was moved"
    PROVISIONED = "is provisioned from a file and differs"


@dataclass(frozen=True)
class Plan:
    """`changes` lead from what is there to what is rendered."""

    dashboard: Json
    live: Live | None
    verdict: Verdict
    changes: tuple[Change, ...]

    @property
    def kept(self) -> bool:
        """Whether it is left alone unless forced."""
        return self.verdict in (Verdict.EDITED, Verdict.MOVED, Verdict.PROVISIONED)


def fingerprint(dashboard: Json) -> str:
    """16 hexadecimal digits of the SHA-256 of the dashboard's canonical JSON."""
    text = json.dumps(dashboard, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def signature(dashboard: Json) -> str:
    """The message of a save."""
    return f"{SIGNATURE} {fingerprint(dashboard)}"


def plan(dashboard: Json, live: Live | None, folder: Folder | None) -> Plan:
    """What to do about a rendered dashboard; `folder` is where it belongs, None before it is made.

    Equal by fingerprint is equal, whatever Grafana's migrations have made of the JSON since.
    """
    if live is None:
        return Plan(dashboard, None, Verdict.NEW, ())
    changes = differences(live.dashboard, dashboard)
    pushed = live.pushed and live.pushed.fingerprint == fingerprint(dashboard)
    same = (pushed and not live.edited) or not changes
    if live.file:
        verdict, changes = (Verdict.SAME, ()) if same else (Verdict.PROVISIONED, changes)
        return Plan(dashboard, live, verdict, changes)
    if folder is None or live.folder.uid != folder.uid:
        return Plan(dashboard, live, Verdict.MOVED, () if same else changes)
    if same:
        return Plan(dashboard, live, Verdict.SAME, ())
    return Plan(dashboard, live, Verdict.EDITED if live.edited else Verdict.BEHIND, changes)


def parse_saves(documents: Sequence[Json]) -> tuple[Save, ...]:
    """Of the entries of Grafana's list of versions, the newest first."""
    found = [
        Save(
            int(each["version"]),
            str(each.get("createdBy", "")),
            str(each.get("created", "")),
            str(each.get("message", "")),
        )
        for each in documents
    ]
    return tuple(sorted(found, key=lambda save: -save.version))
