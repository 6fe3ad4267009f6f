"""The outside programs that tests run; `make tools` puts them under .tools/."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".tools"
PROMTOOLS: Final = ("promtool-2.42", "promtool-2.53", "promtool-3")
PROMETHEUSES: Final = ("prometheus-2.42", "prometheus-3")
ALERTMANAGERS: Final = ("alertmanager-0.25", "alertmanager-0.33")
AMTOOLS: Final = ("amtool-0.25", "amtool-0.33")
VMALERT: Final = "vmalert"
BLACKBOX_EXPORTERS: Final = ("blackbox-exporter-0.23", "blackbox-exporter-0.28")
PROCESS_EXPORTER: Final = "process-exporter"
DOCKER_COMPOSE: Final = "docker-compose"
KUSTOMIZE: Final = "kustomize"
NODE_MODULES: Final = "node_modules"
KUBERNETES_SCHEMAS: Final = "kubernetes-schemas"
# Releases of Kubernetes: the oldest that the manifests promise to work with, and the newest.
KUBERNETES: Final = ("v1.25.0", "v1.37.0")
_OVERLAY: Final = 'mount -t overlay overlay -o lowerdir="$0":/usr/share /usr/share; exec "$@"'


class MissingToolError(Exception):
    """A program could not be had on this machine; the text says why."""


def program(name: str) -> Path:
    """Path of a program by the name that it has here.

    Raises MissingToolError.
    """
    return _existing(FOLDER / "bin" / name)


def share(name: str) -> Path:
    """What a program out of a package would find in /usr/share; nothing is there for others."""
    return FOLDER / "share" / name


def command(name: str) -> list[str | Path]:
    """How to run a program.

    Debian's Alertmanager looks for its templates in /usr/share, where it has not been installed.
    Raises MissingToolError.
    """
    path, below = program(name), share(name)
    if not below.exists():
        return [path]
    return ["unshare", "--map-root-user", "--mount", "/bin/sh", "-euc", _OVERLAY, str(below), path]


def promtools() -> list[Path]:
    """Every promtool that is there: PROMTOOLS, else the one of the machine's distribution."""
    names = (*PROMTOOLS, "promtool-own")
    return [path for name in names if (path := FOLDER / "bin" / name).exists()]


def node_modules() -> Path:
    """Folder with the published types and schemas that come from npm. Raises MissingToolError."""
    return _existing(FOLDER / NODE_MODULES)


def kubernetes_schemas() -> Path:
    """Folder with a file of definitions for each of KUBERNETES. Raises MissingToolError."""
    return _existing(FOLDER / KUBERNETES_SCHEMAS)


def tsc() -> Path:
    """Path of the TypeScript compiler, which needs no Node. Raises MissingToolError."""
    for path in node_modules().glob("@typescript/typescript-*/lib/tsc"):
        return path
    raise MissingToolError("typescript has no compiler for this machine")


def origin(name: str) -> str:
    """Version of a tool and where it came from, on one line; empty if it is not there."""
    path = FOLDER / "origin" / name
    return path.read_text().strip() if path.exists() else ""


def _existing(path: Path) -> Path:
    if path.exists():
        return path
    note = FOLDER / "missing" / path.name
    reason = note.read_text().strip() if note.exists() else "run `make tools`"
    raise MissingToolError(f"{path.name} is missing: {reason}")
