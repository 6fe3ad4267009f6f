"""The `.db` files of prometheus_client's multiprocess mode: names and content.

A file begins with the number of bytes in use, in 4 bytes, and 4 bytes of padding. Each entry is the
length of a key in 4 bytes, the key, blanks up to a multiple of 8, and value and Unix time as
doubles, all in the machine's byte order (prometheus_client 0.26, mmap_dict.py). The key is JSON:
metric, sample, labels, help.
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
_MAX_BYTES: Final = 1 << 26  # some 500,000 series; beyond that the length is damaged
_NAME: Final = re.compile(
    r"(?P<kind>counter|histogram|summary|gauge)(?:_(?P<mode>[a-z]+))?_(?P<pid>\d{1,10})\.db"
    r"(?:\.ended-(?P<generation>\d{1,15}))?",
    re.ASCII,
)
MODES: Final = frozenset(
    f"{live}{mode}" for live in ("", "live") for mode in ("all", "min", "max", "sum", "mostrecent")
)


class CorruptError(Exception):
    """A file does not have the documented format; the text says where."""


@dataclass(frozen=True, slots=True)
class FileName:
    """Like `counter_7.db` or `gauge_max_7.db`; with a `generation` once the sidecar renamed it."""

    text: str
    kind: str
    mode: str
    pid: int
    generation: int | None

    def renamed(self, generation: int) -> str:
        """A name that no worker and no other reader looks for."""
        return f"{self.text}.ended-{generation}"


@lru_cache(maxsize=4096)
def parse_name(text: str) -> FileName | None:
    """None for any other file."""
    found = _NAME.fullmatch(text)
    if not found or (found["kind"] == "gauge") != (found["mode"] in MODES):
        return None
    generation = found["generation"]
    return FileName(
        text,
        found["kind"],
        found["mode"] or "",
        int(found["pid"]),
        int(generation) if generation else None,
    )


@dataclass(frozen=True, slots=True)
class Series:
    """Name and sorted labels of a sample, and the metric that it belongs to."""

    metric: str
    sample: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Key:
    series: Series
    help: str


def used_bytes(data: bytes) -> int:
    """How much of the file is in use; 0 before its first entry. Raises CorruptError."""
    if len(data) < _START:
        if data:
            raise CorruptError(f"a file of {len(data)} bytes is too short")
        return 0
    used: int = _INTEGER.unpack_from(data)[0]
    if used and (used < _START or used % 8 or used > _MAX_BYTES):
        raise CorruptError(f"{used} is not a possible number of bytes in use")
    return used


def keys(data: bytes) -> Iterator[tuple[Key, int]]:
    """Each key and the offset of its value; `data` is the part in use. Raises CorruptError."""
    offset, used = _START, len(data)
    while offset < used:
        length = _INTEGER.unpack_from(data, offset)[0]
        value = offset + 4 + length + 8 - (length + 4) % 8
        if length <= 0 or value + _DOUBLES.size > used:
            raise CorruptError(f"the entry at byte {offset} is truncated")
        yield parse_key(data[offset + 4 : offset + 4 + length]), value
        offset = value + _DOUBLES.size


def value_at(data: bytes, offset: int) -> tuple[float, float]:
    """Value, and Unix time at which it was set (0 except for gauges of mode mostrecent)."""
    found: tuple[float, float] = _DOUBLES.unpack_from(data, offset)
    return found


@lru_cache(maxsize=65536)
def parse_key(text: bytes) -> Key:
    """Cached, as all workers have the same keys. Raises CorruptError."""
    try:
        metric, sample, labels, help_ = json.loads(text)
        if not all(isinstance(each, str) for each in (metric, sample, help_, *labels.values())):
            raise TypeError
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise CorruptError(f"malformed key: {text[:80]!r}") from None
    if not (_METRIC.fullmatch(metric) and _METRIC.fullmatch(sample)) or not all(
        _LABEL.fullmatch(name) for name in labels
    ):
        raise CorruptError(f"invalid name in key: {text[:80]!r}")
    return Key(Series(metric, sample, tuple(sorted(labels.items()))), help_)


_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
