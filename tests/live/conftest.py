"""What several live tests stand on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bundle import ROOT


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git does not ignore, with the tools of this one and the running environment.

    Its `.venv` is a folder of its own, with links: `make` takes it as it is, and would never
    change what they lead to.
    """
    folder = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["/usr/bin/env", "git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    (folder / ".tools").symlink_to(ROOT / ".tools")
    (folder / ".venv").mkdir()
    (folder / ".venv/.installed").touch()
    for each in Path(sys.prefix).iterdir():
        if each.name != ".installed":
            (folder / ".venv" / each.name).symlink_to(each)
    return folder
