"""The folder PROMETHEUS_MULTIPROC_DIR: reading it, and merging what dead workers left behind.

A file whose worker is dead is renamed, so that no new worker with the same pid continues it; its
values are added to the archive, which names it; then it is removed. At any moment each file is
either counted by itself or named by the archive, never both and never neither:

1. Rename it.
2. Sync the folder: no power cut undoes a rename after the archive names the file.
3. If its pid is alive again, that process may have opened the file before it was renamed, so the
   file stays and is read as it is. Read the others, write the new archive under another name, sync
   it, rename it over the old one, sync the folder.
4. Remove what the archive names. What a crash leaves behind is not counted, and removed next time.

If somebody empties the folder, archive included, everything restarts from 0: a counter reset.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from exporters.app.archive import NAME, NEW, Archive, decode, encode
from exporters.app.dbfile import CorruptError, FileName, Key, Series, parse_name
from exporters.app.disk import Disk
from exporters.app.families import blocks
from exporters.app.metricfile import MetricFile
from exporters.app.totals import Entry, Totals
from exporters.errors import ErrorReason, ReportError, reason_of
from exporters.exposition import Block

LOCK: Final = "sidecar.lock"
RETRY_SECONDS: Final = 60.0
MAX_MERGED: Final = 1000
_MAX_ATTEMPTS: Final = 5
_LEFT_OUT: Final = (ErrorReason.PERMISSION, ErrorReason.VANISHED)
Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _Reading:
    """One pass over the folder; not `consistent` if another sidecar changed it meanwhile."""

    totals: Totals
    files: int = 0
    consistent: bool = True
    failures: list[tuple[ErrorReason, str]] = field(default_factory=list)


class AppMetrics:
    """Allows one caller at a time. Of several sidecars only the first merges, the others read."""

    def __init__(
        self,
        folder: Path,
        report: ReportError,
        disk: Disk | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._disk = disk or Disk(folder)
        self._report = report
        self._clock = clock
        self._archive = Archive()
        self._stamp: Stamp | None = None
        self._damage = ""
        self._unsaved = False
        self._open: dict[int, MetricFile] = {}
        self._lock: int | None = None
        self._retry_at = 0.0
        self._unmergeable: set[str] = set()
        self.files = 0

    def collect(self, slots: Mapping[int, int]) -> list[Block]:
        """All metrics; `slots` has the pid of each live worker, as in the names of its files.

        Gauges of modes all and liveall get the slot as a label. What is damaged or denied is
        reported and left out; of a live worker's file the last good values are used. Raises OSError
        if totals would decrease for lack of file descriptors or because the disk fails: no page is
        better than a false counter reset.
        """
        reading = self._read(slots)
        for _ in range(_MAX_ATTEMPTS):
            if reading.consistent:
                break
            reading = self._read(slots)
        for reason, details in reading.failures:
            self._report(reason, details)
        self.files = reading.files
        return list(blocks(reading.totals))

    def file_ids(self, pid: int) -> list[tuple[int, int]]:
        """Device and inode of each file that is named after the pid; raises OSError."""
        found = [name for name in map(parse_name, self._disk.names()) if name and name.pid == pid]
        return [self._disk.file_id(name.text) for name in found]

    def close(self) -> None:
        self._release(list(self._open))
        self._unlock()

    def _read(self, slots: Mapping[int, int]) -> _Reading:
        self._load()
        before = self._stamp
        try:
            names = self._disk.names()
        except FileNotFoundError:
            names = {}
        self._check_unlinked(names, slots)
        reading = _Reading(self._archive.totals.copy())
        if self._damage:
            reading.failures.append((ErrorReason.CORRUPT, self._damage))
        for name in _unmerged(names, self._archive):
            try:
                self._read_file(reading, name, names[name.text], slots)
            except FileNotFoundError:
                reading.consistent = False
        for file in self._open.values():
            if file.name.text not in names:
                _add(reading.totals, file.name, file.entries(), slots.get(file.name.pid))
        if self._stamp_now() != before:
            reading.consistent = False
        return reading

    def _read_file(
        self, reading: _Reading, name: FileName, inode: int, slots: Mapping[int, int]
    ) -> None:
        """Add one file; raises FileNotFoundError if it no longer exists."""
        opened = self._open.get(inode)
        try:
            file = opened or MetricFile(self._disk, name)
        except FileNotFoundError:
            raise
        except OSError as error:
            if reason_of(error) not in _LEFT_OUT:
                raise
            reading.failures.append((reason_of(error), f"{name.text}: {error.strerror}"))
            return
        try:
            file.name = name
            reading.files += 1
            if opened is None and name.pid in slots:
                opened = self._open[self._disk.inode(file.fd)] = file
            file.refresh()
        except CorruptError as error:
            reading.failures.append((ErrorReason.CORRUPT, f"{name.text}: {error}"))
        finally:
            if opened is None:
                file.close()
        _add(reading.totals, name, file.entries(), slots.get(name.pid))

    def _check_unlinked(self, names: Mapping[str, int], slots: Mapping[int, int]) -> None:
        """Deal with open files that no longer have a name.

        A live worker keeps writing to a file that somebody has removed, so the sidecar that merges
        keeps reading it, and merges it once the worker is dead. For any other sidecar a file
        without a name is one that has been merged.
        """
        inodes = {inode for text, inode in names.items() if text not in self._archive.merged}
        for inode, file in list(self._open.items()):
            alive = file.name.pid in slots
            if self._lock is None:
                if not alive or inode not in inodes:
                    self._release([inode])
            elif inode not in inodes:
                with suppress(OSError, CorruptError):
                    file.refresh()
                if not alive:
                    _add(self._archive.totals, file.name, file.entries(), None)
                    self._unsaved = True
                    self._release([inode])

    def _load(self) -> None:
        """Read the archive if it has changed."""
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return
        if stamp is None:
            self._reset()
            return
        try:
            file = self._disk.open(NAME)
            try:
                archive = decode(self._disk.read(file, stamp[2]))
            finally:
                self._disk.close(file)
            self._archive, self._damage = archive, ""
        except CorruptError as error:
            self._damage = f"{NAME}: {error}; it is left as it is, and no files are merged"
        self._stamp = stamp
        self._unsaved = False

    def _reset(self) -> None:
        """Somebody has emptied the folder."""
        self.close()
        self._archive, self._stamp, self._damage, self._unsaved = Archive(), None, "", False

    def _stamp_now(self) -> Stamp | None:
        try:
            return self._disk.stamp(NAME)
        except FileNotFoundError:
            return None

    def merge(self, is_dead: Callable[[int], bool]) -> int:
        """Merge some files of dead workers; returns how many. Reports failures, never raises."""
        if self._clock() < self._retry_at:
            return 0
        try:
            names = self._disk.names()
            return self._merge(names, is_dead) if self._may_merge(names) else 0
        except FileNotFoundError:
            return 0
        except OSError as error:
            self._retry_at = self._clock() + RETRY_SECONDS
            self._report(ErrorReason.WRITE, f"the app's folder: {error.strerror or error}")
            return 0

    def _may_merge(self, names: Mapping[str, int]) -> bool:
        """Whether this sidecar holds the lock, and has since before `names` were read."""
        if self._lock is not None and self._disk.inode(self._lock) == names.get(LOCK):
            self._load()
            return not self._damage and self._stamp is not None
        self._unlock()
        self._lock = self._disk.lock(LOCK)
        if self._lock is not None:
            self._load()
            if self._stamp is None:
                self._replace(Archive())
        return False

    def _unlock(self) -> None:
        if self._lock is not None:
            self._disk.close(self._lock)
            self._lock = None

    def _merge(self, names: Mapping[str, int], is_dead: Callable[[int], bool]) -> int:
        left = self._archive.merged & names.keys()
        present = list(_unmerged(names, self._archive))
        dead = [
            each for each in present if each.text not in self._unmergeable and is_dead(each.pid)
        ]
        if not (left or dead or self._unsaved):
            return 0
        generation = 1 + max(
            [self._archive.generation, *(each.generation or 0 for each in present)]
        )
        renamed = [self._rename(each, generation) for each in dead[:MAX_MERGED]]
        # From here on earlier removals are durable too, so the archive need not name those files.
        self._disk.sync()
        totals = self._archive.totals.copy()
        merged = {
            name.text: names[old.text]
            for old, name in zip(dead, renamed, strict=False)
            if name and is_dead(name.pid) and self._merge_file(name, names[old.text], totals)
        }
        if merged or self._unsaved:
            self._replace(Archive(generation, left.union(merged), totals))
            self._release(merged.values())
            self._disk.sync()
        for text in sorted(left.union(merged)):
            self._disk.remove(text)
        return len(merged)

    def _rename(self, name: FileName, generation: int) -> FileName | None:
        """The new name, or the old one if it was renamed before; None if the file is gone."""
        if name.generation is not None:
            return name
        try:
            self._disk.rename(name.text, name.renamed(generation))
        except FileNotFoundError:
            return None
        return parse_name(name.renamed(generation))

    def _merge_file(self, name: FileName, inode: int, totals: Totals) -> bool:
        """Add a dead worker's file. A damaged or denied one stays, and `collect` reports it."""
        opened = self._open.get(inode)
        try:
            file = opened or MetricFile(self._disk, name)
            try:
                file.refresh()
            finally:
                if opened is None:
                    file.close()
        except (OSError, CorruptError) as error:
            if isinstance(error, CorruptError) or reason_of(error) is ErrorReason.PERMISSION:
                self._unmergeable.add(name.text)
            return False
        _add(totals, name, file.entries(), None)
        return True

    def _replace(self, archive: Archive) -> None:
        """Atomic for readers; durable only once the folder is synced."""
        self._disk.write(NEW, encode(archive))
        self._disk.rename(NEW, NAME)
        self._archive, self._stamp, self._unsaved = archive, self._stamp_now(), False

    def _release(self, inodes: Iterable[int]) -> None:
        for inode in inodes:
            if file := self._open.pop(inode, None):
                file.close()


def _unmerged(names: Iterable[str], archive: Archive) -> Iterator[FileName]:
    """Metric files that are not in the archive, in a stable order."""
    for text in sorted(names):
        name = parse_name(text)
        if name and text not in archive.merged:
            yield name


def _add(totals: Totals, name: FileName, entries: Iterable[Entry], slot: int | None) -> None:
    """Add the values of one worker; without a slot it is dead, and some gauges are left out."""
    per_worker = name.mode in ("all", "liveall")
    if slot is None and (per_worker or name.mode.startswith("live")):
        return
    if slot is not None and per_worker:
        entries = [(_with_slot(key, slot), value, time) for key, value, time in entries]
    totals.add(name.kind, name.mode, entries)


@lru_cache(maxsize=4096)
def _with_slot(key: Key, slot: int) -> Key:
    series = key.series
    labels = {**dict(series.labels), "worker": str(slot)}
    return Key(Series(series.metric, series.sample, tuple(sorted(labels.items()))), key.help)
