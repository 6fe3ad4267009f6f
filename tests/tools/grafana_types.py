"""Type-checks dashboards against Grafana's published schema."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests import tools

TYPES: Final = Path(__file__).with_name("dashboard.ts")
_SETTINGS: Final = {
    "compilerOptions": {
        "strict": True,
        "noEmit": True,
        "skipLibCheck": True,
        "target": "es2022",
        "module": "esnext",
        "moduleResolution": "bundler",
        "types": [],
    },
    "include": ["*.ts"],
}
_ERROR: Final = re.compile(r"^(\w+)\.ts\((\d+),\d+\): error (TS\d+: .*)$", re.MULTILINE)


def check(tsc: Path, folder: Path, dashboards: Mapping[str, Any]) -> dict[str, list[str]]:
    """The compiler's errors of each dashboard, by its name, each with the line of the JSON.

    `folder` is scratch space. Raises RuntimeError where the compiler fails for another reason.
    """
    for name, dashboard in dashboards.items():
        source = json.dumps(dashboard, indent=1)
        head = "import type { AuditorDashboard } from './dashboard';"
        (folder / f"{name}.ts").write_text(
            f"{head} export const dashboard: AuditorDashboard = {source};\n"
        )
    (folder / TYPES.name).write_text(TYPES.read_text())
    (folder / "tsconfig.json").write_text(json.dumps(_SETTINGS))
    (folder / "node_modules").symlink_to(tools.node_modules())
    run = subprocess.run(
        [tsc, "--project", folder, "--pretty", "false"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, list[str]] = {name: [] for name in dashboards}
    for name, line, message in _ERROR.findall(run.stdout):
        if name not in found:
            raise RuntimeError(f"{name}.ts:{line}: {message}")
        found[name].append(f"line {line}: {message}")
    if run.returncode and not any(found.values()):
        raise RuntimeError(run.stdout + run.stderr)
    return found
