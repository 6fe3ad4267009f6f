from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.bundle import ROOT
from tests.live.exporters.rights import PACKAGES, find_python, open_to_others


@pytest.fixture
def root() -> None:
    """For what only root can set up: other users, namespaces, file systems."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to set up other users, namespaces or file systems")


@pytest.fixture
def others_python() -> str:
    """An interpreter that other users can run, with the packages of this one."""
    for needed in (PACKAGES, ROOT):
        if not open_to_others(needed):
            pytest.skip(f"{needed} is closed to other users")
    if not (found := find_python()):
        pytest.skip(f"{sys.executable} is closed to other users, and the system has no such one")
    return str(found)


@pytest.fixture
def folder() -> Iterator[Path]:
    """The app's folder, accessible to every user.

    Not below pytest's own folder: every pytest that starts closes that one to other users.
    """
    with TemporaryDirectory(prefix="auditor-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o777)
        yield Path(made)
