"""The folder PROMETHEUS_MULTIPROC_DIR: reading it, and taking over what ended workers have left.

A file whose worker has ended is renamed, so that no new worker with the same pid goes on writing to
it; its values go into the archive, which names it; then it is removed. At any moment each file is
either counted by itself or named by the archive, never both and never neither:

1. Rename.
2. Sync the folder: no power cut undoes a rename after the archive names the file.
3. A file whose pid lives again may have been opened before its renaming: it is read on as it is.
   Read the others, write the new archive under another name, sync it, rename it over the old one,
   sync the folder.
4. Remove what the archive names. What a crash leaves is not counted, and removed next time.

A folder that somebody empties, the archive too, starts from 0 as a whole: a counter reset.
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
from exporters.app.totals import Entry, Totals
from exporters.app.valuefile import ValueFile
from exporters.exposition import Block
from exporters.reasons import Reason, Report, reason_of

LOCK: Final = "sidecar.lock"
PAUSE_SECONDS: Final = 60.0
MOST_AT_ONCE: Final = 1000
_ATTEMPTS: Final = 5
_SKIPPED: Final = (Reason.PERMISSION, Reason.VANISHED)
Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _Reading:
    """One pass over the folder; not `settled` if another sidecar changed it meanwhile."""

    totals: Totals
    files: int = 0
    settled: bool = True
    failures: list[tuple[Reason, str]] = field(default_factory=list)


class AppMetrics:
    """One caller at a time. The first of several sidecars folds, the others only read."""

    def __init__(
        self,
        folder: Path,
        report: Report,
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
        self._kept: dict[int, ValueFile] = {}
        self._lock: int | None = None
        self._wait_until = 0.0
        self._refused: set[str] = set()
        self.files = 0

    def collect(self, slots: Mapping[int, int]) -> list[Block]:
        """All metrics; `slots` has the pid of each live worker, as the names of its files spell it.

        Gauges of modes all and liveall have the slot as label. What is damaged or refused is
        reported and left out, a live worker's file with the values that it had last. Raises OSError
        where the totals would fall for want of descriptors or a disk that fails: no page is better
        than a false counter reset.
        """
        reading = self._read(slots)
        for _ in range(_ATTEMPTS):
            if reading.settled:
                break
            reading = self._read(slots)
        for reason, about in reading.failures:
            self._report(reason, about)
        self.files = reading.files
        return list(blocks(reading.totals))

    def places(self, pid: int) -> list[tuple[int, int]]:
        """Device and inode of each file that bears the pid; raises OSError."""
        found = [name for name in map(parse_name, self._disk.names()) if name and name.pid == pid]
        return [self._disk.place(name.text) for name in found]

    def close(self) -> None:
        self._release(list(self._kept))
        self._unlock()

    def _read(self, slots: Mapping[int, int]) -> _Reading:
        self._load()
        before = self._stamp
        try:
            names = self._disk.names()
        except FileNotFoundError:
            names = {}
        self._miss(names, slots)
        reading = _Reading(self._archive.totals.copy())
        if self._damage:
            reading.failures.append((Reason.CORRUPT, self._damage))
        for name in _counted(names, self._archive):
            try:
                self._put(reading, name, names[name.text], slots)
            except FileNotFoundError:
                reading.settled = False
        for file in self._kept.values():
            if file.name.text not in names:
                _take(reading.totals, file.name, file.entries(), slots.get(file.name.pid))
        if self._stamp_now() != before:
            reading.settled = False
        return reading

    def _put(self, reading: _Reading, name: FileName, inode: int, slots: Mapping[int, int]) -> None:
        """Add one file; raises FileNotFoundError if it is not there any more."""
        kept = self._kept.get(inode)
        try:
            file = kept or ValueFile(self._disk, name)
        except FileNotFoundError:
            raise
        except OSError as error:
            if reason_of(error) not in _SKIPPED:
                raise
            reading.failures.append((reason_of(error), f"{name.text}: {error.strerror}"))
            return
        try:
            file.name = name
            reading.files += 1
            if kept is None and name.pid in slots:
                kept = self._kept[self._disk.inode(file.descriptor)] = file
            file.refresh()
        except CorruptError as error:
            reading.failures.append((Reason.CORRUPT, f"{name.text}: {error}"))
        finally:
            if kept is None:
                file.close()
        _take(reading.totals, name, file.entries(), slots.get(name.pid))

    def _miss(self, names: Mapping[str, int], slots: Mapping[int, int]) -> None:
        """Deal with kept files that have lost their name.

        A live worker goes on writing to a file that somebody has removed, so the sidecar that folds
        reads it on, and takes it over when the worker has ended. To another sidecar a file without
        its name is one that has been folded.
        """
        inodes = {inode for text, inode in names.items() if text not in self._archive.contains}
        for inode, file in list(self._kept.items()):
            alive = file.name.pid in slots
            if self._lock is None:
                if not alive or inode not in inodes:
                    self._release([inode])
            elif inode not in inodes:
                with suppress(OSError, CorruptError):
                    file.refresh()
                if not alive:
                    _take(self._archive.totals, file.name, file.entries(), None)
                    self._unsaved = True
                    self._release([inode])

    def _load(self) -> None:
        """Read the archive if it is another than before."""
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return
        if stamp is None:
            self._forget()
            return
        try:
            file = self._disk.open(NAME)
            try:
                archive = decode(self._disk.read(file, stamp[2]))
            finally:
                self._disk.close(file)
            self._archive, self._damage = archive, ""
        except CorruptError as error:
            self._damage = f"{NAME}: {error}; it is left alone and nothing is folded"
        self._stamp = stamp
        self._unsaved = False

    def _forget(self) -> None:
        """The folder has been emptied."""
        self.close()
        self._archive, self._stamp, self._damage, self._unsaved = Archive(), None, "", False

    def _stamp_now(self) -> Stamp | None:
        try:
            return self._disk.stamp(NAME)
        except FileNotFoundError:
            return None

    def fold(self, is_dead: Callable[[int], bool]) -> int:
        """Take over files of the dead, some at a time; how many. Reports failures, never raises."""
        if self._clock() < self._wait_until:
            return 0
        try:
            names = self._disk.names()
            return self._fold(names, is_dead) if self._owns(names) else 0
        except FileNotFoundError:
            return 0
        except OSError as error:
            self._wait_until = self._clock() + PAUSE_SECONDS
            self._report(Reason.WRITE, f"the app's folder: {error.strerror or error}")
            return 0

    def _owns(self, names: Mapping[str, int]) -> bool:
        """Whether this is the sidecar that folds; not at once, as `names` were read before."""
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

    def _fold(self, names: Mapping[str, int], is_dead: Callable[[int], bool]) -> int:
        left = self._archive.contains & names.keys()
        present = list(_counted(names, self._archive))
        dead = [each for each in present if each.text not in self._refused and is_dead(each.pid)]
        if not (left or dead or self._unsaved):
            return 0
        turn = 1 + max([self._archive.turn, *(each.turn or 0 for each in present)])
        moved = [self._moved(each, turn) for each in dead[:MOST_AT_ONCE]]
        # From here on earlier removals last too: names that are not there need no mention any more.
        self._disk.sync()
        totals = self._archive.totals.copy()
        taken = {
            name.text: names[old.text]
            for old, name in zip(dead, moved, strict=False)
            if name and is_dead(name.pid) and self._take_over(name, names[old.text], totals)
        }
        if taken or self._unsaved:
            self._replace(Archive(turn, left.union(taken), totals))
            self._release(taken.values())
            self._disk.sync()
        for text in sorted(left.union(taken)):
            self._disk.remove(text)
        return len(taken)

    def _moved(self, name: FileName, turn: int) -> FileName | None:
        """Renamed unless it has been before; None if it is gone."""
        if name.turn is not None:
            return name
        try:
            self._disk.rename(name.text, name.moved(turn))
        except FileNotFoundError:
            return None
        return parse_name(name.moved(turn))

    def _take_over(self, name: FileName, inode: int, totals: Totals) -> bool:
        """Add a dead worker's file; a damaged or refused one stays, and `collect` reports it."""
        kept = self._kept.get(inode)
        try:
            file = kept or ValueFile(self._disk, name)
            try:
                file.refresh()
            finally:
                if kept is None:
                    file.close()
        except (OSError, CorruptError) as error:
            if isinstance(error, CorruptError) or reason_of(error) is Reason.PERMISSION:
                self._refused.add(name.text)
            return False
        _take(totals, name, file.entries(), None)
        return True

    def _replace(self, archive: Archive) -> None:
        """In one step, as everybody sees it; what becomes of a power cut is not said yet."""
        self._disk.write(NEW, encode(archive))
        self._disk.rename(NEW, NAME)
        self._archive, self._stamp, self._unsaved = archive, self._stamp_now(), False

    def _release(self, inodes: Iterable[int]) -> None:
        for inode in inodes:
            if file := self._kept.pop(inode, None):
                file.close()


def _counted(names: Iterable[str], archive: Archive) -> Iterator[FileName]:
    """Files of values that the archive does not contain, in a stable order."""
    for text in sorted(names):
        name = parse_name(text)
        if name and text not in archive.contains:
            yield name


def _take(totals: Totals, name: FileName, entries: Iterable[Entry], slot: int | None) -> None:
    """Put one worker's values in; without a slot it has ended, and some gauges with it."""
    each_alone = name.mode in ("all", "liveall")
    if slot is None and (each_alone or name.mode.startswith("live")):
        return
    if slot is not None and each_alone:
        entries = [(_with_slot(key, slot), value, time) for key, value, time in entries]
    totals.take(name.kind, name.mode, entries)


@lru_cache(maxsize=4096)
def _with_slot(key: Key, slot: int) -> Key:
    series = key.series
    labels = {**dict(series.labels), "worker": str(slot)}
    return Key(Series(series.metric, series.sample, tuple(sorted(labels.items()))), key.help)
