"""The state of a dashboard in Grafana, and what a push would do about it.

A push signs the version that it saves with a fingerprint of the dashboard. Any later version is an
edit, so nothing has to be stored here.
"""

from __future__ import annotations

import enum
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Final

from generator.grafana.diff import Change, Json, diff

SIGNATURE: Final = "auditor-monitoring"
_SIGNED: Final = re.compile(rf"^{SIGNATURE} ([0-9a-f]{{16}})$")


@dataclass(frozen=True)
class Folder:
    uid: str
    title: str


@dataclass(frozen=True)
class Version:
    """A saved version of a dashboard; `at` is the time as Grafana writes it."""

    number: int
    by: str
    at: str
    message: str

    @property
    def fingerprint(self) -> str | None:
        """That of the dashboard that a push saved; None if it was saved in another way."""
        signed = _SIGNED.match(self.message)
        return signed[1] if signed else None

    def __str__(self) -> str:
        message = f' ("{self.message}")' if self.message else ""
        return f"version {self.number} by {self.by or 'unknown'}, {self.at}{message}"


@dataclass(frozen=True)
class LiveDashboard:
    """A dashboard in Grafana with its versions, the newest first.

    `file` is the file that it is provisioned from, or "".
    """

    dashboard: Json
    version: int
    folder: Folder
    versions: tuple[Version, ...] = ()
    file: str = ""

    @property
    def pushed(self) -> Version | None:
        """The newest version saved by a push, if Grafana still has it."""
        return next((each for each in self.versions if each.fingerprint), None)

    @property
    def edited(self) -> bool:
        """Whether it was saved after the last push, or was never pushed."""
        return self.pushed is None or self.pushed.number != self.version

    @property
    def newest(self) -> str:
        return str(self.versions[0]) if self.versions else f"version {self.version}"


class Status(enum.Enum):
    NEW = "new"
    UP_TO_DATE = "up to date"
    OUTDATED = "outdated"
    EDITED = "edited in Grafana"
    MOVED = "moved"
    PROVISIONED = "provisioned"


@dataclass(frozen=True)
class Plan:
    """`changes` lead from the live to the rendered dashboard."""

    dashboard: Json
    live: LiveDashboard | None
    status: Status
    changes: tuple[Change, ...] = ()

    def saves(self, force: bool) -> bool:
        """Whether a push saves the dashboard. Grafana rejects saving a provisioned one."""
        forced = (Status.EDITED, Status.MOVED) if force else ()
        return self.status in (Status.NEW, Status.OUTDATED, *forced)


def fingerprint(dashboard: Json) -> str:
    """16 hexadecimal digits of the SHA-256 of the canonical JSON."""
    text = json.dumps(dashboard, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def signature(dashboard: Json) -> str:
    """The message of a version saved by a push."""
    return f"{SIGNATURE} {fingerprint(dashboard)}"


def plan(dashboard: Json, live: LiveDashboard | None, folder: Folder | None) -> Plan:
    """What to do about a rendered dashboard. `folder` is None if it does not exist yet.

    A dashboard with the same fingerprint is up to date, even if Grafana has migrated its JSON.
    """
    if live is None:
        return Plan(dashboard, None, Status.NEW)
    changes = diff(live.dashboard, dashboard)
    if live.pushed and not live.edited and live.pushed.fingerprint == fingerprint(dashboard):
        changes = ()
    if live.file:
        status = Status.PROVISIONED if changes else Status.UP_TO_DATE
    elif folder is None or live.folder.uid != folder.uid:
        status = Status.MOVED
    elif not changes:
        status = Status.UP_TO_DATE
    else:
        status = Status.EDITED if live.edited else Status.OUTDATED
    return Plan(dashboard, live, status, changes)
