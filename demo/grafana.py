"""Grafana with the bundle's provisioning, if there is a binary or Docker."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from demo.processes import Component, responds
from generator.deploy import images
from generator.deploy.stack import PROVISIONING


def grafana(folder: Path, port: int) -> Component | None:
    """Grafana from PATH, else in Docker; None if there is neither."""
    settings = _settings(folder, port)
    log = folder / "log" / "grafana.log"
    ready = responds(f"http://127.0.0.1:{port}/api/health")
    for name, server in (("grafana", ("server",)), ("grafana-server", ())):
        if program := shutil.which(name):
            command = [program, *server, f"--homepath={_home(program)}"]
            return Component("grafana", command, log, ready, settings)
    if docker := _docker():
        return Component("grafana", [docker, *_run(folder, settings)], log, ready)
    return None


def _home(program: str) -> Path:
    """Grafana's files: from the distribution's package, else beside the downloaded binary."""
    installed = Path("/usr/share/grafana")
    return installed if installed.is_dir() else Path(program).resolve().parents[1]


def _docker() -> str | None:
    """The client, if its daemon is running."""
    docker = shutil.which("docker")
    if docker is None:
        return None
    info = subprocess.run([docker, "info"], capture_output=True, timeout=20, check=False)
    return docker if info.returncode == 0 else None


def _run(folder: Path, settings: dict[str, str]) -> list[str]:
    """`docker run` with the paths and the network of the other components."""
    environment = [f"--env={name}={value}" for name, value in settings.items()]
    user = f"--user={os.getuid()}:{os.getgid()}"
    volume = f"--volume={folder}:{folder}"
    return ["run", "--rm", "--network=host", user, volume, *environment, images.GRAFANA]


def _settings(folder: Path, port: int) -> dict[str, str]:
    """Anyone on this machine can view the dashboards; nobody can edit them."""
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
