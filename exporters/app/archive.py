"""What the files of ended workers added up to, in one file that is replaced as a whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

from exporters.app.dbfile import CorruptError, Series
from exporters.app.totals import Totals

NAME: Final = "sidecar-archive.json"
NEW: Final = f"{NAME}.new"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Archive:
    """Totals, and the names of the files that are in them though they may still be there."""

    turn: int = 0
    contains: frozenset[str] = frozenset()
    totals: Totals = field(default_factory=Totals)


def encode(archive: Archive) -> bytes:
    """A line of JSON, and its SHA-256 in another; doubles keep every bit."""
    body = json.dumps(
        {
            "version": _VERSION,
            "turn": archive.turn,
            "contains": sorted(archive.contains),
            "help": archive.totals.help,
            "states": [
                [kind, mode, series.metric, series.sample, series.labels, state]
                for (kind, mode), states in archive.totals.states.items()
                for series, state in states.items()
            ],
        },
        ensure_ascii=True,
    ).encode("ascii")
    return body + b"\n" + hashlib.sha256(body).hexdigest().encode("ascii") + b"\n"


def decode(data: bytes) -> Archive:
    """Raises CorruptError."""
    body, _, rest = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode("ascii") + b"\n" != rest:
        raise CorruptError("the archive's checksum does not match")
    document: dict[str, Any] = json.loads(body)
    if document["version"] != _VERSION:
        raise CorruptError(f"the archive has version {document['version']}, not {_VERSION}")
    totals = Totals(help=document["help"])
    for kind, mode, metric, sample, labels, state in document["states"]:
        series = Series(metric, sample, tuple((name, value) for name, value in labels))
        totals.states.setdefault((kind, mode), {})[series] = state
    return Archive(document["turn"], frozenset(document["contains"]), totals)
