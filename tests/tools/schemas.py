"""The JSON Schemas of Kubernetes' own objects, out of a Python package that carries them all."""

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from tests.tools import KUBERNETES, KUBERNETES_SCHEMAS
from tests.tools.run import run
from tests.tools.wanted import UnavailableError

PACKAGE: Final = Path(__file__).with_name("schemas.txt")
# Strict: a field that no object has is an error.
INSIDE: Final = "kubernetes_validate/kubernetes-json-schema/{}-local-strict/_definitions.json"


def ready(folder: Path) -> bool:
    """Whether the schemas are there that the pinned package has."""
    there = folder / KUBERNETES_SCHEMAS
    pinned = there / PACKAGE.name
    return (
        all((there / f"{version}.json").exists() for version in KUBERNETES)
        and pinned.exists()
        and pinned.read_bytes() == PACKAGE.read_bytes()
    )


def install(folder: Path) -> str:
    """Put the definitions of each of KUBERNETES below `folder`. Raises UnavailableError."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes")
        run(*pip, "--dest", work, "-r", PACKAGE, cwd=work)
        fresh = work / KUBERNETES_SCHEMAS
        fresh.mkdir()
        _unpack(next(work.glob("*.whl")), fresh)
        shutil.copy(PACKAGE, fresh)
        shutil.rmtree(folder / KUBERNETES_SCHEMAS, ignore_errors=True)
        shutil.move(fresh, folder / KUBERNETES_SCHEMAS)
    return f"{PACKAGE.name} (Kubernetes {' and '.join(KUBERNETES)})"


def _unpack(wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for version in KUBERNETES:
            try:
                text = archive.read(INSIDE.format(version))
            except KeyError as error:
                raise UnavailableError(f"no Kubernetes {version} in {wheel.name}") from error
            (target / f"{version}.json").write_bytes(text)
