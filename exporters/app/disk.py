"""File operations on the folder, in one place so that tests can record them or make them fail."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

# Others may write to the folder too; their symbolic links are not followed.
_SAFE: Final = os.O_CLOEXEC | os.O_NOFOLLOW


class Disk:
    """Every method raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def names(self) -> dict[str, int]:
        """Inode of each regular file."""
        with os.scandir(self._folder) as entries:
            return {
                entry.name: entry.inode()
                for entry in entries
                if entry.is_file(follow_symlinks=False)
            }

    def file_id(self, name: str) -> tuple[int, int]:
        """Device and inode."""
        status = os.stat(self.path(name), follow_symlinks=False)
        return status.st_dev, status.st_ino

    def open(self, name: str) -> int:
        return os.open(self.path(name), os.O_RDONLY | os.O_NONBLOCK | _SAFE)

    def close(self, file: int) -> None:
        os.close(file)

    def read(self, file: int, size: int) -> bytes:
        """From the start. Never mapped: a page missing on a full disk would kill the reader."""
        return os.pread(file, size, 0)

    def inode(self, file: int) -> int:
        return os.fstat(file).st_ino

    def stamp(self, name: str) -> tuple[int, int, int]:
        """Changes when the file is replaced."""
        status = os.stat(self.path(name))
        return status.st_ino, status.st_mtime_ns, status.st_size

    def write(self, name: str, data: bytes) -> None:
        """Create or replace the file; it is on the disk when this returns."""
        file = os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _SAFE, 0o644)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        finally:
            os.close(file)

    def rename(self, old: str, new: str) -> None:
        os.rename(self.path(old), self.path(new))

    def remove(self, name: str) -> None:
        os.unlink(self.path(name))

    def sync(self) -> None:
        """From here on, earlier renames and removals survive a power cut."""
        file = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)

    def lock(self, name: str) -> int | None:
        """File descriptor of the locked file; None while another process holds the lock."""
        file = os.open(self.path(name), os.O_RDWR | os.O_CREAT | _SAFE, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        except BaseException:
            os.close(file)
            raise
        return file
