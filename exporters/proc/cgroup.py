"""Memory of the workers' cgroup: the limit at which the kernel kills, and what counts against it.

Formats: the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from exporters.errors import ReportError
from exporters.proc.parse import Gone, Identity, Malformed, ProcError
from exporters.proc.root import ProcRoot, read_file

# Version 1 expresses "no limit" as the largest multiple of a page below 2^63.
_NONE_V1: Final = 2**62


@dataclass(frozen=True, slots=True)
class CgroupMemory:
    """Bytes. `usage` leaves out page cache that the kernel reclaims before it kills anything."""

    limit: int | None
    usage: int | None


@dataclass(frozen=True, slots=True)
class FileNames:
    """Names of the files, and of a line of memory.stat; they differ between the two versions."""

    limit: str
    usage: str
    reclaimable: str


V2: Final = FileNames("memory.max", "memory.current", "inactive_file")
V1: Final = FileNames("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@dataclass(frozen=True, slots=True)
class Cgroup:
    """Folders of the worker's cgroup and of its ancestors, as far as they are visible."""

    files: FileNames
    folders: tuple[str, ...]


class CgroupReader:
    """Finds the cgroup of the first worker, and remembers it until that worker is gone."""

    def __init__(self, proc: ProcRoot) -> None:
        self._proc = proc
        self._cgroups: dict[Identity, Cgroup | None] = {}

    def read(self, worker: Identity, report: ReportError) -> CgroupMemory:
        try:
            if worker not in self._cgroups:
                self._cgroups = {worker: self._find(worker.pid)}
            cgroup = self._cgroups[worker]
            return self._memory(cgroup) if cgroup else CgroupMemory(None, None)
        except Gone:
            self._cgroups.clear()
        except ProcError as error:
            report(error.reason, str(error))
        return CgroupMemory(None, None)

    def _find(self, pid: int) -> Cgroup | None:
        """None if the kernel has no memory controller."""
        paths = parse_cgroup(self._proc.read(f"{pid}/cgroup"))
        prefix, mounts = self._mounts(pid)
        for controller, files in (("memory", V1), ("", V2)):
            if controller in paths and controller in mounts:
                mount, root = mounts[controller]
                folders = _folders(f"{prefix}{mount}", root, paths[controller])
                return Cgroup(files, folders)
        return None

    def _mounts(self, pid: int) -> tuple[str, dict[str, tuple[str, str]]]:
        """The worker's own mounts below its root, which are those of its container.

        Those of another user are not readable; the sidecar's own are right if both share them.
        """
        try:
            mounts = parse_mounts(self._proc.read(f"{pid}/mountinfo"))
            prefix = f"{self._proc.path}/{pid}/root"
            os.stat(prefix)
        except (OSError, ProcError):
            return self._proc.own_root, parse_mounts(self._proc.read("self/mountinfo"))
        return prefix, mounts

    def _memory(self, cgroup: Cgroup) -> CgroupMemory:
        """Usage of the cgroup that has the lowest limit, so that the two can be compared."""
        limits = [(self._limit(cgroup.files, folder), folder) for folder in cgroup.folders]
        limited = [(limit, folder) for limit, folder in limits if limit is not None]
        limit, folder = min(limited, default=(None, cgroup.folders[0]))
        return CgroupMemory(limit, self._usage(cgroup.files, folder))

    def _limit(self, files: FileNames, folder: str) -> int | None:
        text = self._text(f"{folder}/{files.limit}")
        if text is None or text.strip() == b"max":
            return None
        limit = _bytes(text, folder)
        return limit if limit < _NONE_V1 else None

    def _usage(self, files: FileNames, folder: str) -> int | None:
        usage = self._text(f"{folder}/{files.usage}")
        if usage is None:
            return None
        reclaimable = re.search(
            rb"^%s (\d+)$" % files.reclaimable.encode(),
            self._text(f"{folder}/memory.stat") or b"",
            re.MULTILINE,
        )
        return max(0, _bytes(usage, folder) - int(reclaimable[1] if reclaimable else 0))

    def _text(self, path: str) -> bytes | None:
        """None if there is no such file: the root has no limits of its own."""
        try:
            return read_file(path)
        except Gone:
            return None


def _folders(mount: str, root: str, path: str) -> tuple[str, ...]:
    """From the cgroup up to the mount point; only the mount point if the path is not visible."""
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
    """Path by controller ("" for version 2), from /proc/PID/cgroup (man cgroups(7))."""
    found: dict[str, str] = {}
    for line in text.decode("utf-8", "surrogateescape").splitlines():
        parts = line.split(":", 2)
        if len(parts) != 3:
            raise Malformed(f"cgroup: {line[:80]!r}")
        for controller in parts[1].split(","):
            found[controller] = parts[2]
    return found


def parse_mounts(mountinfo: bytes) -> dict[str, tuple[str, str]]:
    """Mount point and root by controller ("" for version 2), from /proc/PID/mountinfo."""
    found: dict[str, tuple[str, str]] = {}
    for line in mountinfo.decode("utf-8", "surrogateescape").splitlines():
        before, separator, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if not separator or len(fields) < 6 or len(kind) < 3:
            raise Malformed(f"mountinfo: {line[:80]!r}")
        mount = _unescaped(fields[4]), _unescaped(fields[3])
        if kind[0] == "cgroup2":
            found.setdefault("", mount)
        elif kind[0] == "cgroup" and "memory" in kind[2].split(","):
            found.setdefault("memory", mount)
    return found


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)
