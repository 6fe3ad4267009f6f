"""The processes of this machine."""

from __future__ import annotations

from pathlib import Path


def with_path(path: Path) -> list[str]:
    """Command line and environment of each live process with the path in either."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(path).encode() in text:
            found.append(text.decode(errors="replace"))
    return found
