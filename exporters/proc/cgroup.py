"""Memory of the workers' cgroup: the limit that would kill them, and what counts against it.

Formats: the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from exporters.proc.parse import Gone, Identity, Malformed, ProcError
from exporters.proc.root import ProcRoot, read_file
from exporters.reasons import Report

# Version 1 has no word for "no limit" but the greatest multiple of a page below 2^63.
_NONE_V1: Final = 2**62


@dataclass(frozen=True, slots=True)
class CgroupMemory:
    """Bytes. `usage` leaves out file cache that the kernel can drop, as it does before it kills."""

    limit: int | None
    usage: int | None


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of the files, which differ between the two versions."""

    limit: str
    usage: str
    droppable: str


V2: Final = Layout("memory.max", "memory.current", "inactive_file")
V1: Final = Layout("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@dataclass(frozen=True, slots=True)
class Place:
    """Folders of the worker's cgroup and of those above it, as far as they can be seen."""

    layout: Layout
    folders: tuple[str, ...]


class CgroupReader:
    """Finds the cgroup of the first worker, and keeps its place until that worker is gone."""

    def __init__(self, proc: ProcRoot) -> None:
        self._proc = proc
        self._places: dict[Identity, Place | None] = {}

    def read(self, worker: Identity, report: Report) -> CgroupMemory:
        try:
            if worker not in self._places:
                self._places = {worker: self._place(worker.pid)}
            place = self._places[worker]
            return self._memory(place) if place else CgroupMemory(None, None)
        except Gone:
            self._places.clear()
        except ProcError as error:
            report(error.reason, str(error))
        return CgroupMemory(None, None)

    def _place(self, pid: int) -> Place | None:
        """None where the kernel has no memory controller."""
        paths = parse_cgroup(self._proc.read(f"{pid}/cgroup"))
        prefix, mounts = self._mounts(pid)
        for controller, layout in (("memory", V1), ("", V2)):
            if controller in paths and controller in mounts:
                mount, root = mounts[controller]
                folders = _folders(f"{prefix}{mount}", root, paths[controller])
                return Place(layout, folders)
        return None

    def _mounts(self, pid: int) -> tuple[str, dict[str, tuple[str, str]]]:
        """The worker's own mounts, below its root: those of its container.

        Another user's are not to be seen; the sidecar's serve where both share them.
        """
        try:
            mounts = parse_mounts(self._proc.read(f"{pid}/mountinfo"))
            prefix = f"{self._proc.path}/{pid}/root"
            os.stat(prefix)
        except (OSError, ProcError):
            return self._proc.own_root, parse_mounts(self._proc.read("self/mountinfo"))
        return prefix, mounts

    def _memory(self, place: Place) -> CgroupMemory:
        """Usage of the cgroup that has the lowest limit, so that the two can be compared."""
        limits = [(self._limit(place.layout, folder), folder) for folder in place.folders]
        limited = [(limit, folder) for limit, folder in limits if limit is not None]
        limit, folder = min(limited, default=(None, place.folders[0]))
        return CgroupMemory(limit, self._usage(place.layout, folder))

    def _limit(self, layout: Layout, folder: str) -> int | None:
        text = self._text(f"{folder}/{layout.limit}")
        if text is None or text.strip() == b"max":
            return None
        limit = _bytes(text, folder)
        return limit if limit < _NONE_V1 else None

    def _usage(self, layout: Layout, folder: str) -> int | None:
        usage = self._text(f"{folder}/{layout.usage}")
        if usage is None:
            return None
        droppable = re.search(
            rb"^%s (\d+)$" % layout.droppable.encode(),
            self._text(f"{folder}/memory.stat") or b"",
            re.MULTILINE,
        )
        return max(0, _bytes(usage, folder) - int(droppable[1] if droppable else 0))

    def _text(self, path: str) -> bytes | None:
        """None where there is no such file: the root has no limits of its own."""
        try:
            return read_file(path)
        except Gone:
            return None


def _folders(mount: str, root: str, path: str) -> tuple[str, ...]:
    """From the cgroup up to the mount point; the mount point alone if the path is out of sight."""
    inner = PurePosixPath(path)
    if root != path and (".." in inner.parts or not inner.is_relative_to(root)):
        return (mount,)
    parts = inner.relative_to(root).parts
    return tuple("/".join((mount, *parts[:count])) for count in range(len(parts), -1, -1))


def _bytes(text: bytes, folder: str) -> int:
    if not text.strip().isdigit():
        raise Malformed(f"{folder}: {text[:80]!r}")
    return int(text)


def parse_cgroup(text: bytes) -> dict[str, str]:
    """Path by controller, "" for version 2, of /proc/PID/cgroup (man cgroups(7))."""
    found: dict[str, str] = {}
    for line in text.decode("utf-8", "surrogateescape").splitlines():
        parts = line.split(":", 2)
        if len(parts) != 3:
            raise Malformed(f"cgroup: {line[:80]!r}")
        for controller in parts[1].split(","):
            found[controller] = parts[2]
    return found


def parse_mounts(mountinfo: bytes) -> dict[str, tuple[str, str]]:
    """Mount point and root by controller, "" for version 2, of /proc/PID/mountinfo."""
    found: dict[str, tuple[str, str]] = {}
    for line in mountinfo.decode("utf-8", "surrogateescape").splitlines():
        before, separator, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if not separator or len(fields) < 6 or len(kind) < 3:
            raise Malformed(f"mountinfo: {line[:80]!r}")
        place = _unescaped(fields[4]), _unescaped(fields[3])
        if kind[0] == "cgroup2":
            found.setdefault("", place)
        elif kind[0] == "cgroup" and "memory" in kind[2].split(","):
            found.setdefault("memory", place)
    return found


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)
