"""A `.db` file that is read again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporters.app.dbfile import CorruptError, FileName, Key, keys, used_bytes, value_at
from exporters.app.disk import Disk
from exporters.app.totals import Entry

_FIRST_BYTES: Final = 1 << 12


class MetricFile:
    """Stays open, so that nothing in it is lost when it is renamed or removed.

    Its keys are parsed again only if there are new ones.
    """

    def __init__(self, disk: Disk, name: FileName) -> None:
        """Raises OSError. There are no values before the first `refresh`."""
        self._disk = disk
        self.name = name
        self.fd = disk.open(name.text)
        self._used = 0
        self._keys: list[tuple[Key, int]] = []
        self._values: list[tuple[float, float]] = []

    def refresh(self) -> None:
        """Raises OSError or CorruptError, and then keeps the values of the last success."""
        data = self._disk.read(self.fd, max(self._used, _FIRST_BYTES))
        used = used_bytes(data)
        if used > len(data):
            data = self._disk.read(self.fd, used)
        if used > len(data):
            raise CorruptError(f"{used} bytes in use, but the file has only {len(data)}")
        if used < self._used:
            raise CorruptError(f"{used} bytes in use, fewer than the {self._used} before")
        if used > self._used:
            self._keys, self._used = list(keys(data[:used])), used
        self._values = [value_at(data, offset) for _, offset in self._keys]

    def entries(self) -> Iterator[Entry]:
        for (key, _), (value, time) in zip(self._keys, self._values, strict=True):
            yield key, value, time

    def close(self) -> None:
        self._disk.close(self.fd)
