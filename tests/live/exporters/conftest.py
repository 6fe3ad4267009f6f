from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.live.exporters.rights import OTHERS_PYTHON


@pytest.fixture
def root() -> None:
    """For what only root can set up: other users, namespaces, file systems."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to set up other users, namespaces or file systems")


@pytest.fixture
def others_python() -> str:
    """An interpreter that other users can run, with the packages of this one."""
    if OTHERS_PYTHON is None:
        pytest.skip(f"{sys.executable} is closed to other users, and the system has no such one")
    return OTHERS_PYTHON


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The app's folder, accessible to every user."""
    for each in (tmp_path, *tmp_path.parents):
        if each.stat().st_mode & 0o005 != 0o005:
            each.chmod(0o755)
    made = tmp_path / "metrics"
    made.mkdir()
    made.chmod(0o777)
    return made
