"""Type-checks JSON values against published types."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests import tools

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


@dataclass(frozen=True)
class Typed:
    """A value and the type that it should have, out of a module of `tools.node_modules()`."""

    value: Any
    type: str
    module: str


def check(tsc: Path, folder: Path, values: Mapping[str, Typed]) -> dict[str, list[str]]:
    """The compiler's errors of each value, by its name, each with the line of the JSON.

    `folder` is scratch space. Raises RuntimeError where the compiler fails for another reason.
    """
    for name, each in values.items():
        head = f"import type {{ {each.type} }} from '{each.module}';"
        source = json.dumps(each.value, indent=1)
        (folder / f"{name}.ts").write_text(f"{head} export const value: {each.type} = {source};\n")
    (folder / "tsconfig.json").write_text(json.dumps(_SETTINGS))
    (folder / "node_modules").symlink_to(tools.node_modules())
    run = subprocess.run(
        [tsc, "--project", folder, "--pretty", "false"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, list[str]] = {name: [] for name in values}
    for name, line, message in _ERROR.findall(run.stdout):
        if name not in found:
            raise RuntimeError(f"{name}.ts:{line}: {message}")
        found[name].append(f"line {line}: {message}")
    if run.returncode and not any(found.values()):
        raise RuntimeError(run.stdout + run.stderr)
    return found
