"""Reading and writing files: the only module of the generator that touches the disk."""

from __future__ import annotations

import difflib
import os
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from generator.config import load
from generator.errors import InputError
from generator.thresholds import Thresholds

# Folders in which every file is rendered; another one with `MARK` in it is left over from before.
FOLDERS: Final = (
    "alerts",
    "dashboards",
    "deploy/compose",
    "deploy/kubernetes",
    "docs/runbooks",
    "promtool-tests",
    "promtool-tests/scenarios",
)
MARK: Final = "Generated from thresholds.yaml"


class UnreadableError(InputError):
    """A file the user named cannot be read; the text says which and why."""


def read(path: Path) -> str:
    """The text of a file; raises UnreadableError."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{path}: byte {error.start + 1} is not UTF-8 text") from error
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror or error}") from error


def thresholds(
    base: Path, overlays: Iterable[Path] = (), more: Iterable[tuple[str, str]] = ()
) -> Thresholds:
    """The thresholds of a file, its overlays, and `more` of these as pairs of name and text.

    Raises UnreadableError and ConfigError.
    """
    texts = [(str(path), read(path)) for path in overlays]
    return load(read(base), str(base), [*texts, *more], import_beside)


def import_beside(folder: str, path: str) -> tuple[str, bytes]:
    """Name and content of an import from `folder` or below; raises OSError for any other."""
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise PermissionError("imports stay in the folder of the file that imports")
    target = Path(folder) / path
    return str(target), target.read_bytes()


def write(root: Path, files: Mapping[str, str]) -> list[str]:
    """Write what differs and give its paths.

    All texts are on disk under temporary names before the first file is replaced, so that a full
    disk or an interruption leaves every file either old or new, never half.
    """
    changed = {path: text for path, text in files.items() if _current(root / path) != text}
    staged: list[tuple[Path, Path]] = []
    try:
        for path, text in changed.items():
            staged.append((_stage(root / path, text), root / path))
        for temporary, target in staged:
            temporary.replace(target)
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)
    return list(changed)


def _stage(target: Path, text: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_bytes(text.encode())
        temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _current(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


def leftovers(root: Path, rendered: Container[str]) -> list[str]:
    """Generated files of an earlier rendering that the bundle no longer has."""
    paths = (path for folder in FOLDERS for path in sorted((root / folder).glob("*")))
    names = (path.relative_to(root).as_posix() for path in paths if path.is_file())
    unknown = (name for name in names if name not in rendered)
    return [name for name in unknown if MARK in (_current(root / name) or "")]


def remove(root: Path, paths: Iterable[str]) -> None:
    for path in paths:
        (root / path).unlink(missing_ok=True)


def differences(root: Path, files: Mapping[str, str]) -> Iterator[str]:
    """A unified diff from the committed files to `files`, a text for each that differs."""
    for path, text in sorted(files.items()):
        current = _current(root / path)
        if current != text:
            before = (current or "").splitlines(keepends=True)
            after = text.splitlines(keepends=True)
            source = path if current is not None else "/dev/null"
            yield "".join(difflib.unified_diff(before, after, source, f"{path} (rendered)"))
