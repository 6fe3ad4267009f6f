"""A file of values that is read again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporters.app.dbfile import CorruptError, FileName, Key, keys, used_bytes, value_at
from exporters.app.disk import Disk
from exporters.app.totals import Entry

_FIRST_BYTES: Final = 1 << 12


class ValueFile:
    """Stays open, so that nothing is lost of it whatever becomes of its name.

    Its keys are parsed again only when there are more of them.
    """

    def __init__(self, disk: Disk, name: FileName) -> None:
        """Raises OSError. Its values are empty before the first `refresh`."""
        self._disk = disk
        self.name = name
        self.descriptor = disk.open(name.text)
        self._used = 0
        self._keys: list[tuple[Key, int]] = []
        self._values: list[tuple[float, float]] = []

    def refresh(self) -> None:
        """Raises OSError or CorruptError; the values of the last success stay then."""
        data = self._disk.read(self.descriptor, max(self._used, _FIRST_BYTES))
        used = used_bytes(data)
        if used > len(data):
            data = self._disk.read(self.descriptor, used)
        if used > len(data):
            raise CorruptError(f"{used} bytes in use of {len(data)}")
        if used < self._used:
            raise CorruptError(f"{used} bytes in use, there were {self._used}")
        if used > self._used:
            self._keys, self._used = list(keys(data[:used])), used
        self._values = [value_at(data, place) for _, place in self._keys]

    def entries(self) -> Iterator[Entry]:
        for (key, _), (value, time) in zip(self._keys, self._values, strict=True):
            yield key, value, time

    def close(self) -> None:
        self._disk.close(self.descriptor)
