"""The whole stack as one Compose file, made of the other rendered configurations.

Every name and port that `deploy` in the thresholds says is taken from there; a host that is not
called as its service here becomes another name of it. The stack has one of each: of several
sidecars or Alertmanagers the first.
"""

from __future__ import annotations

import re
from typing import Any, Final

from exporters.settings import MULTIPROCESS, PREFIX
from exporters.settings import load as sidecar_settings
from generator.deploy import alertmanager, grafana, images, logs, prometheus
from generator.thresholds import Thresholds
from generator.thresholds.units import format_duration
from generator.yamlfile import dump

PATH: Final = "deploy/compose/compose.yaml"
LOOPBACK: Final = "127.0.0.1"
# Where the stack's project folder is, seen from the Compose file.
ROOT: Final = "../.."
USER: Final = "${AUDITOR_UID:-1000}"
METRICS: Final = "/metrics"
# The Auditor's API as it is reached from this machine.
API: Final = 8888
GRAFANA: Final = 3000
ALLOY: Final = 12345
PASSWORD: Final = "grafana-password"  # noqa: S105  # a secret's name
RESTRICTED: Final[dict[str, Any]] = {
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "restart": "unless-stopped",
}
READ_ONLY: Final[dict[str, Any]] = {"read_only": True, **RESTRICTED}


def render(thresholds: Thresholds) -> dict[str, str]:
    """The file by its path."""
    document: dict[str, Any] = {
        "name": thresholds.service.name,
        "services": {
            "auditor": _auditor(thresholds),
            "sidecar": _sidecar(thresholds),
            "prometheus": _prometheus(thresholds),
            "alertmanager": _alertmanager(thresholds),
            "grafana": _grafana(thresholds),
            "loki": _loki(thresholds),
            "alloy": _alloy(),
        },
        "volumes": {
            "metrics": {"name": "auditor-metrics"},
            **{name: {} for name in ("prometheus", "alertmanager", "grafana", "loki")},
        },
        "secrets": {
            PASSWORD: {"file": "${GRAFANA_PASSWORD_FILE:?a file with Grafana's admin password}"}
        },
    }
    return {PATH: dump(document)}


def _auditor(thresholds: Thresholds) -> dict[str, Any]:
    """Not read-only: what its image writes is not known here."""
    host, port = _place(thresholds.deploy.sidecars[0])
    inside = sidecar_settings([], {})
    return {
        "image": "${AUDITOR_IMAGE:?the image of the Auditor}",
        "user": f"{USER}:{USER}",
        "env_file": ["${AUDITOR_ENV_FILE:-/dev/null}"],
        "environment": {MULTIPROCESS: METRICS},
        **RESTRICTED,
        **_named("auditor", host),
        "ports": [_published(API, inside.port), _published(port, port)],
        "volumes": [f"metrics:{METRICS}"],
        "healthcheck": _python_check(str(inside.probe_url), start_period="3m"),
        "logging": {
            "driver": "syslog",
            "options": {
                "syslog-address": f"udp://{LOOPBACK}:{logs.PORT}",
                "syslog-format": "rfc5424",
            },
        },
    }


def _sidecar(thresholds: Thresholds) -> dict[str, Any]:
    _, port = _place(thresholds.deploy.sidecars[0])
    return {
        "build": {
            "context": ROOT,
            "dockerfile": "deploy/sidecar/Dockerfile",
            "args": {"UID": USER},
        },
        "user": f"{USER}:{USER}",
        "pid": "service:auditor",
        "network_mode": "service:auditor",
        "environment": {f"{PREFIX}APP_FOLDER": METRICS, f"{PREFIX}LISTEN": f":{port}"},
        **READ_ONLY,
        "mem_limit": "128m",
        "pids_limit": 32,
        "volumes": [f"metrics:{METRICS}"],
        "healthcheck": _python_check(f"http://{LOOPBACK}:{port}/-/healthy"),
        "depends_on": {"auditor": {"condition": "service_started"}},
    }


def _prometheus(thresholds: Thresholds) -> dict[str, Any]:
    """It keeps what the error budget looks back at."""
    host, port = _place(thresholds.deploy.prometheus)
    config = f"/etc/prometheus/{_name(prometheus.PATH)}"
    return {
        "image": images.PROMETHEUS,
        "command": [
            f"--config.file={config}",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={format_duration(thresholds.slo.period)}",
            f"--web.listen-address=:{port}",
        ],
        **READ_ONLY,
        **_named("prometheus", host),
        "ports": [_published(port, port)],
        "volumes": [
            _mounted(prometheus.PATH, config),
            _mounted("alerts", prometheus.RULES.rpartition("/")[0]),
            "prometheus:/prometheus",
        ],
        "healthcheck": _check(
            "CMD", "promtool", "check", "ready", f"--url=http://{LOOPBACK}:{port}"
        ),
        "depends_on": {"alertmanager": {"condition": "service_started"}},
    }


def _alertmanager(thresholds: Thresholds) -> dict[str, Any]:
    """One alone: an empty cluster address keeps it from looking for others."""
    host, port = _place(thresholds.deploy.alertmanagers[0])
    config = f"/etc/alertmanager/{_name(alertmanager.PATH)}"
    return {
        "image": images.ALERTMANAGER,
        "command": [
            f"--config.file={config}",
            "--storage.path=/alertmanager",
            f"--web.listen-address=:{port}",
            "--cluster.listen-address=",
        ],
        **READ_ONLY,
        **_named("alertmanager", host),
        "ports": [_published(port, port)],
        "volumes": [_mounted(alertmanager.PATH, config), "alertmanager:/alertmanager"],
        "healthcheck": _check(
            "CMD", "amtool", f"--alertmanager.url=http://{LOOPBACK}:{port}", "cluster", "show"
        ),
    }


def _grafana(thresholds: Thresholds) -> dict[str, Any]:
    return {
        "image": images.GRAFANA,
        "environment": {
            "GF_SECURITY_ADMIN_PASSWORD__FILE": f"/run/secrets/{PASSWORD}",
            "GF_AUTH_ANONYMOUS_ENABLED": "false",
            "GF_USERS_ALLOW_SIGN_UP": "false",
            "GF_SERVER_ROOT_URL": thresholds.service.links.grafana,
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            # They would be written into the image's folder, which is read-only.
            "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        },
        "secrets": [PASSWORD],
        **READ_ONLY,
        "tmpfs": ["/tmp"],  # noqa: S108  # of the container
        "ports": [_published(GRAFANA, GRAFANA)],
        "volumes": [
            *(
                _mounted(f"{grafana.FOLDER}/{each}", f"/etc/grafana/provisioning/{each}")
                for each in ("datasources", "dashboards")
            ),
            _mounted("dashboards", grafana.DASHBOARDS),
            "grafana:/var/lib/grafana",
        ],
        "healthcheck": _check(
            *("CMD", "wget", "-q", "-O", "/dev/null", f"http://{LOOPBACK}:{GRAFANA}/api/health")
        ),
        "depends_on": {
            "prometheus": {"condition": "service_healthy"},
            "loki": {"condition": "service_started"},
        },
    }


def _loki(thresholds: Thresholds) -> dict[str, Any]:
    """With the image's own configuration, on its own port: its health check knows no other."""
    host, _ = _place(thresholds.deploy.loki)
    return {
        "image": images.LOKI,
        "command": [
            "-config.file=/etc/loki/local-config.yaml",
            "-reporting.enabled=false",
            "-compactor.retention-enabled=true",
            "-compactor.delete-request-store=filesystem",
            f"-store.retention={format_duration(thresholds.slo.period)}",
        ],
        **READ_ONLY,
        **_named("loki", host),
        "tmpfs": ["/tmp"],  # noqa: S108  # of the container
        "volumes": ["loki:/loki"],
        "healthcheck": _check("CMD", "/usr/bin/loki", "-health"),
    }


def _alloy() -> dict[str, Any]:
    """Its image has a shell, but neither wget nor curl."""
    ask = f"exec 3<>/dev/tcp/{LOOPBACK}/{ALLOY}; printf 'GET /-/ready HTTP/1.0\\r\\n\\r\\n' >&3"
    config = "/etc/alloy/config.alloy"
    data = "/var/lib/alloy/data"
    return {
        "image": images.ALLOY,
        "user": "473:473",
        "command": [
            "run",
            f"--server.http.listen-addr={LOOPBACK}:{ALLOY}",
            f"--storage.path={data}",
            "--disable-reporting",
            config,
        ],
        **READ_ONLY,
        "tmpfs": [f"{data}:mode=1777"],
        "ports": [f"{_published(logs.PORT, logs.PORT)}/udp"],
        "volumes": [_mounted(logs.PATH, config)],
        "healthcheck": _check(
            "CMD", "bash", "-c", f'{ask}; read -r _ code _ <&3; [[ $$code == "200" ]]'
        ),
        "depends_on": {"loki": {"condition": "service_started"}},
    }


def _check(*test: str, start_period: str = "30s") -> dict[str, Any]:
    return {
        "test": list(test),
        "interval": "10s",
        "timeout": "5s",
        "retries": 3,
        "start_period": start_period,
    }


def _python_check(url: str, start_period: str = "30s") -> dict[str, Any]:
    """For images of Python programs, which have no other client for sure."""
    program = f"import urllib.request; urllib.request.urlopen('{url}', timeout=4)"
    return _check("CMD", "python", "-c", program, start_period=start_period)


def _published(port: int | str, inside: int | str) -> str:
    return f"{LOOPBACK}:{port}:{inside}"


def _mounted(path: str, target: str) -> str:
    """A path of this project, read-only in the container."""
    return f"{ROOT}/{path}:{target}:ro"


def _named(service: str, host: str) -> dict[str, Any]:
    """`host` as another name of the service where it is one."""
    return {} if host == service else {"networks": {"default": {"aliases": [host]}}}


def _place(address: str) -> tuple[str, str]:
    """Host and port of an address or of a target; a port that is not said is the scheme's."""
    scheme, _, rest = address.rpartition("://")
    place = rest.partition("/")[0]
    port = re.search(r":(\d+)$", place)
    if port:
        return place[: port.start()], port[1]
    return place, "443" if scheme == "https" else "80"


def _name(path: str) -> str:
    return path.rpartition("/")[2]
