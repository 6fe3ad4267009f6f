"""A folder in memory, and what is left of it after a power cut."""

from __future__ import annotations

import errno
import itertools
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exporters.app.disk import Disk

Change = tuple[str, str, int]
"""What is done to the folder: "set" or "remove" a name, and the inode."""


def encoded(values: Mapping[str, float], kind: str = "counter") -> bytes:
    """A file of prometheus_client's with one series for each value of the label `status`."""
    entries = b""
    for status, value in values.items():
        sample = "requests_total" if kind == "counter" else "requests"
        key = json.dumps(["requests", sample, {"status": status}, "Requests."]).encode()
        padding = b" " * (8 - (len(key) + 4) % 8)
        entries += struct.pack("i", len(key)) + key + padding + struct.pack("dd", value, 0)
    return (struct.pack("ii", 8 + len(entries), 0) + entries).ljust(1024, b"\0")


class PowerCutError(BaseException):
    """The machine stops; no code handles this."""


@dataclass
class Folder:
    """What the kernel has (`names`), and which changes a power cut can still undo."""

    names: dict[str, int] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)
    durable: dict[str, int] = field(default_factory=dict)
    pending: list[list[Change]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, name: str, content: bytes) -> int:
        """A durable file, created by a worker."""
        inode = next(self.numbers)
        self.contents[inode] = content
        self.names[name] = self.durable[name] = inode
        return inode

    def change(self, *changes: Change) -> None:
        """One atomic operation, not yet durable."""
        self.pending.append(list(changes))
        _apply(self.names, changes)

    def after_power_cut(self, lasting: tuple[bool, ...]) -> Folder:
        """The folder with the pending operations that had reached the disk."""
        names = self.durable.copy()
        for changes, lasts in zip(self.pending, lasting, strict=True):
            if lasts:
                _apply(names, changes)
        return Folder(names.copy(), self.contents.copy(), names, [], self.numbers)

    def outcomes(self) -> Iterator[Folder]:
        """All folders that a power cut can leave: any of the pending operations may be lost."""
        for lasting in itertools.product((False, True), repeat=len(self.pending)):
            yield self.after_power_cut(lasting)


def _apply(names: dict[str, int], changes: tuple[Change, ...] | list[Change]) -> None:
    for what, name, inode in changes:
        if what == "set":
            names[name] = inode
        elif names.get(name) == inode:
            del names[name]


def _nothing(_operation: str, _name: str) -> None:
    pass


class MemoryDisk(Disk):
    """The operations of a real folder. `before` is called before each and may raise."""

    def __init__(self, folder: Folder) -> None:
        super().__init__(Path("/nowhere"))
        self.folder = folder
        self.before: Callable[[str, str], None] = _nothing
        self.opened: dict[int, int] = {}
        self._fds = itertools.count(3)

    def names(self) -> dict[str, int]:
        self.before("names", "")
        return self.folder.names.copy()

    def _inode(self, name: str) -> int:
        if name not in self.folder.names:
            raise FileNotFoundError(errno.ENOENT, "No such file", name)
        return self.folder.names[name]

    def file_id(self, name: str) -> tuple[int, int]:
        return 1, self._inode(name)

    def open(self, name: str) -> int:
        self.before("open", name)
        fd = next(self._fds)
        self.opened[fd] = self._inode(name)
        return fd

    def close(self, file: int) -> None:
        del self.opened[file]

    def read(self, file: int, size: int) -> bytes:
        return self.folder.contents[self.opened[file]][:size]

    def inode(self, file: int) -> int:
        return self.opened[file]

    def stamp(self, name: str) -> tuple[int, int, int]:
        inode = self._inode(name)
        return inode, 0, len(self.folder.contents[inode])

    def write(self, name: str, data: bytes) -> None:
        inode = next(self.folder.numbers)
        self.folder.contents[inode] = b""
        self.folder.change(("set", name, inode))
        self.before("write", name)
        self.folder.contents[inode] = data[: len(data) // 2]
        self.before("fsync", name)
        self.folder.contents[inode] = data

    def rename(self, old: str, new: str) -> None:
        self.before("rename", old)
        inode = self._inode(old)
        self.folder.change(("set", new, inode), ("remove", old, inode))

    def remove(self, name: str) -> None:
        self.before("remove", name)
        self.folder.change(("remove", name, self._inode(name)))

    def sync(self) -> None:
        self.before("sync", "")
        self.folder.durable = self.folder.names.copy()
        self.folder.pending.clear()

    def lock(self, name: str) -> int | None:
        self.before("lock", name)
        if name not in self.folder.names:
            self.folder.add(name, b"")
        return self.open(name)
