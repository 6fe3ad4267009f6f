"""Totals of all dead workers, in one file that is only ever replaced as a whole."""

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
    """`merged` names the files whose values are in the totals, though they may still exist."""

    generation: int = 0
    merged: frozenset[str] = frozenset()
    totals: Totals = field(default_factory=Totals)


def encode(archive: Archive) -> bytes:
    """A line of JSON, then a line with its SHA-256; doubles keep every bit."""
    body = json.dumps(
        {
            "version": _VERSION,
            "turn": archive.generation,
            "contains": sorted(archive.merged),
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
        raise CorruptError("wrong checksum")
    document: dict[str, Any] = json.loads(body)
    if document["version"] != _VERSION:
        raise CorruptError(f"version {document['version']} where {_VERSION} is expected")
    totals = Totals(help=document["help"])
    for kind, mode, metric, sample, labels, state in document["states"]:
        series = Series(metric, sample, tuple((name, value) for name, value in labels))
        totals.states.setdefault((kind, mode), {})[series] = state
    return Archive(document["turn"], frozenset(document["contains"]), totals)
