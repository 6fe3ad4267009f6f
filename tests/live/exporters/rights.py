"""Processes of an ordinary user without capabilities."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any, Final

USER: Final = 23456
OTHER: Final = 23457


PACKAGES: Final = Path(sysconfig.get_path("purelib"))
ENVIRONMENT: Final = {"PYTHONPATH": str(PACKAGES)}


def open_to_others(path: Path) -> bool:
    """Whether everybody can run or enter it, given the modes of the folders on its path."""
    real = path.resolve()
    return real.exists() and all(each.stat().st_mode & 1 for each in (real, *real.parents))


def find_python() -> Path | None:
    """An interpreter of this version that everybody can run."""
    system = Path(f"/usr/bin/python3.{sys.version_info.minor}")
    return next((path for path in (Path(sys.executable), system) if open_to_others(path)), None)


def as_user(user: int) -> dict[str, Any]:
    """Arguments of Popen."""
    return {"user": user, "group": user, "extra_groups": []}
