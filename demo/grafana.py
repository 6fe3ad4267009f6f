"""Grafana with the bundle's provisioning, where a binary or Docker is there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from demo.processes import Part, answers
from generator.deploy import images
from generator.deploy.stack import PROVISIONING


def grafana(folder: Path, port: int) -> Part | None:
    """The first of a binary on PATH and a Docker that runs; None without."""
    settings = _settings(folder, port)
    log = folder / "log" / "grafana.log"
    ready = answers(f"http://127.0.0.1:{port}/api/health")
    for name, server in (("grafana", ("server",)), ("grafana-server", ())):
        if program := shutil.which(name):
            home = Path(program).resolve().parents[1]
            command = [program, *server, f"--homepath={_home(home)}"]
            return Part("grafana", command, log, ready, settings)
    if docker := _docker():
        return Part("grafana", [docker, *_run(folder, settings)], log, ready)
    return None


def _home(beside: Path) -> Path:
    """Where a package keeps its files, else where a downloaded archive does."""
    installed = Path("/usr/share/grafana")
    return installed if installed.is_dir() else beside


def _docker() -> str | None:
    """Only if its daemon answers."""
    docker = shutil.which("docker")
    if docker is None:
        return None
    info = subprocess.run([docker, "info"], capture_output=True, timeout=20, check=False)
    return docker if info.returncode == 0 else None


def _run(folder: Path, settings: dict[str, str]) -> list[str]:
    """It has the same paths and the same network as the rest of the demo."""
    environment = [f"--env={name}={value}" for name, value in settings.items()]
    user = f"--user={os.getuid()}:{os.getgid()}"
    volume = f"--volume={folder}:{folder}"
    return ["run", "--rm", "--network=host", user, volume, *environment, images.GRAFANA]


def _settings(folder: Path, port: int) -> dict[str, str]:
    """Who reaches the loopback interface may look, and nobody may change anything."""
    return {
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(port),
        "GF_PATHS_PROVISIONING": str(folder / PROVISIONING),
        "GF_PATHS_DATA": str(folder / "grafana"),
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_DISABLE_LOGIN_FORM": "true",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    }
