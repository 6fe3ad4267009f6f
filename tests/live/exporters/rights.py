"""Processes of an ordinary user without capabilities."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any, Final

USER: Final = 23456
OTHER: Final = 23457


def _open_to_others(program: Path) -> bool:
    """Whether everybody can run it, given the modes of the folders on its path."""
    real = program.resolve()
    return real.exists() and all(each.stat().st_mode & 1 for each in (real, *real.parents))


def _find() -> str | None:
    system = Path(f"/usr/bin/python3.{sys.version_info.minor}")
    found = [path for path in (Path(sys.executable), system) if _open_to_others(path)]
    return str(found[0]) if found else None


OTHERS_PYTHON: Final = _find()
ENVIRONMENT: Final = {"PYTHONPATH": sysconfig.get_path("purelib")}


def as_user(user: int) -> dict[str, Any]:
    """Arguments of Popen."""
    return {"user": user, "group": user, "extra_groups": []}
