"""Files of prometheus_client's multiprocess mode: their names and their content.

A file is 4 bytes with the number of bytes in use, 4 of padding, then entries: length of a key in 4
bytes, the key, blanks up to a multiple of 8, value and Unix time as doubles, all in the machine's
order (prometheus_client 0.26, mmap_dict.py). The key is JSON: metric, sample, labels, help.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_INTEGER: Final = struct.Struct("i")
_DOUBLES: Final = struct.Struct("dd")
_START: Final = 8
_LARGEST: Final = 1 << 26  # some 500,000 series; more is no metrics but a damaged length
_NAME: Final = re.compile(
    r"(?P<kind>counter|histogram|summary|gauge)(?:_(?P<mode>[a-z]+))?_(?P<pid>\d{1,10})\.db"
    r"(?:\.ended-(?P<turn>\d{1,15}))?",
    re.ASCII,
)
MODES: Final = frozenset(
    f"{live}{mode}" for live in ("", "live") for mode in ("all", "min", "max", "sum", "mostrecent")
)


class CorruptError(Exception):
    """A file is not as documented; the text says where."""


@dataclass(frozen=True, slots=True)
class FileName:
    """Of `counter_7.db` or `gauge_max_7.db`; with a `turn` where the sidecar has moved it away."""

    text: str
    kind: str
    mode: str
    pid: int
    turn: int | None

    def moved(self, turn: int) -> str:
        """A name that no worker and no other reader looks for."""
        return f"{self.text}.ended-{turn}"


@lru_cache(maxsize=4096)
def parse_name(text: str) -> FileName | None:
    """None for any other file."""
    found = _NAME.fullmatch(text)
    if not found or (found["kind"] == "gauge") != (found["mode"] in MODES):
        return None
    turn = found["turn"]
    return FileName(
        text, found["kind"], found["mode"] or "", int(found["pid"]), int(turn) if turn else None
    )


@dataclass(frozen=True, slots=True)
class Series:
    """A sample's name and its sorted labels; which metric it belongs to, and what that says."""

    metric: str
    sample: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Key:
    series: Series
    help: str


def used_bytes(data: bytes) -> int:
    """How much of the file is in use, 0 before its first entry; raises CorruptError."""
    if len(data) < _START:
        if data:
            raise CorruptError(f"{len(data)} bytes are no file of metrics")
        return 0
    used: int = _INTEGER.unpack_from(data)[0]
    if used and (used < _START or used % 8 or used > _LARGEST):
        raise CorruptError(f"{used} bytes cannot be in use")
    return used


def keys(data: bytes) -> Iterator[tuple[Key, int]]:
    """Each key and where its value stands; `data` is the part in use; raises CorruptError."""
    place, used = _START, len(data)
    while place < used:
        length = _INTEGER.unpack_from(data, place)[0]
        value = place + 4 + length + 8 - (length + 4) % 8
        if length <= 0 or value + _DOUBLES.size > used:
            raise CorruptError(f"the entry at byte {place} is cut off")
        yield parse_key(data[place + 4 : place + 4 + length]), value
        place = value + _DOUBLES.size


def value_at(data: bytes, place: int) -> tuple[float, float]:
    """Value, and Unix time of its setting (0 but for gauges of mode mostrecent)."""
    found: tuple[float, float] = _DOUBLES.unpack_from(data, place)
    return found


@lru_cache(maxsize=65536)
def parse_key(text: bytes) -> Key:
    """The same for all workers, so that each is parsed once; raises CorruptError."""
    try:
        metric, sample, labels, help_ = json.loads(text)
        if not all(isinstance(each, str) for each in (metric, sample, help_, *labels.values())):
            raise TypeError
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise CorruptError(f"no key: {text[:80]!r}") from None
    if not (_METRIC.fullmatch(metric) and _METRIC.fullmatch(sample)) or not all(
        _LABEL.fullmatch(name) for name in labels
    ):
        raise CorruptError(f"a key with an impossible name: {text[:80]!r}")
    return Key(Series(metric, sample, tuple(sorted(labels.items()))), help_)


_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
