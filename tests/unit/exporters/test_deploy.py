"""The files to deploy the sidecar: unit, image and manifests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporters.settings import OPTIONS, PREFIX, load
from exporters.web.webconfig import parse
from tests.bundle import ROOT

FOLDER = ROOT / "deploy/sidecar"
PAGES = sorted((ROOT / "docs/sidecar").glob("*.md"))
TEXTS = [*PAGES, *sorted(FOLDER.iterdir()), ROOT / "README.md"]
HIDING = {"ProtectProc", "ProcSubset", "PrivateUsers", "PrivateNetwork", "PrivatePIDs"}


def unit() -> dict[str, list[str]]:
    """Values of each key of the section Service."""
    found: dict[str, list[str]] = {}
    section = (
        (FOLDER / "auditor-sidecar.service").read_text().split("[Service]")[1].split("[Install]")[0]
    )
    for line in section.splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("User", "auditor"),
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_NETLINK AF_UNIX"),
        ("MemoryDenyWriteExecute", "yes"),
        ("PrivateTmp", "yes"),
        ("ProtectControlGroups", "yes"),
        ("ProtectKernelLogs", "yes"),
        ("ProtectKernelModules", "yes"),
        ("ProtectKernelTunables", "yes"),
        ("Restart", "on-failure"),
        ("EnvironmentFile", "-/etc/default/auditor-sidecar"),
    ],
)
def test_the_unit_is_hardened(key: str, value: str) -> None:
    assert unit()[key] == [value]


def test_the_unit_lets_the_sidecar_see_the_workers_and_write_to_their_folder() -> None:
    found = unit()
    assert not HIDING & found.keys()
    assert "RemoveIPC" not in found, (
        "it would remove shared memory of the Auditor, as both have the same user"
    )
    folder = dict(each.split("=") for each in found["Environment"][0].split())
    assert found["ReadWritePaths"] == [f"-{folder['AUDITOR_SIDECAR_APP_FOLDER']}"]


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """On a machine without systemd this is skipped."""
    program = shutil.which("systemd-analyze")
    if not program:
        pytest.skip("no systemd-analyze on PATH")
    text = (FOLDER / "auditor-sidecar.service").read_text()
    file = tmp_path / "auditor-sidecar.service"
    file.write_text(text.replace("/opt/auditor-sidecar/bin/python", sys.executable))
    run = subprocess.run(
        [program, "verify", file], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_systemd_rates_the_exposure_of_the_unit_as_low() -> None:
    """On a machine without systemd, or with one older than 250, this is skipped."""
    program = shutil.which("systemd-analyze")
    if not program:
        pytest.skip("no systemd-analyze on PATH")
    run = subprocess.run(
        [program, "security", "--offline=true", "--no-pager", FOLDER / "auditor-sidecar.service"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "offline" in run.stderr:
        pytest.skip("systemd-analyze is older than 250")
    rated = re.search(r"exposure level for auditor-sidecar\.service: ([\d.]+)", run.stdout)
    assert rated
    assert float(rated[1]) < 2.0


def dockerfile() -> list[tuple[str, str]]:
    """Instructions and their arguments."""
    lines = (FOLDER / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    pairs = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(name, " ".join(rest.split())) for name, _, rest in pairs]


def test_the_image_has_what_it_needs_and_no_more() -> None:
    copied = [
        rest.split()[0] for name, rest in dockerfile() if name == "COPY" and "--from" not in rest
    ]
    assert copied == ["exporters/requirements.txt", "exporters"]
    assert all((ROOT / path).exists() for path in copied)
    assert any("--require-hashes" in rest for name, rest in dockerfile() if name == "RUN")
    assert ("USER", "${UID}:${UID}") in dockerfile()
    assert dockerfile()[-1] == ("ENTRYPOINT", '["python", "-m", "exporters"]')
    images = [rest.split()[0] for name, rest in dockerfile() if name == "FROM"]
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+", image) for image in images)


def test_the_health_check_of_the_image_uses_its_port() -> None:
    (check,) = [rest for name, rest in dockerfile() if name == "HEALTHCHECK"]
    (exposed,) = [rest for name, rest in dockerfile() if name == "EXPOSE"]
    host, port = load([], {}).listen
    assert f"http://{host}:{port}/-/healthy" in check
    assert exposed == str(port)


def test_user_and_port_are_the_same_everywhere() -> None:
    (uid,) = [rest.removeprefix("UID=") for name, rest in dockerfile() if name == "ARG"]
    sidecar = compose()["services"]["sidecar"]
    assert sidecar["user"] == f"${{AUDITOR_UID:-{uid}}}:${{AUDITOR_UID:-{uid}}}"
    assert sidecar["build"]["args"]["UID"] == f"${{AUDITOR_UID:-{uid}}}"
    context = pod()["securityContext"]
    assert {context[key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {int(uid)}
    _, port = load([], sidecar["environment"]).listen
    assert f"127.0.0.1:{port}:{port}" in compose()["services"]["auditor"]["ports"]


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["--listen", "192.0.2.1:1"]])
def test_the_package_needs_nothing_else_of_the_repository(
    tmp_path: Path, arguments: list[str]
) -> None:
    shutil.copytree(ROOT / "exporters", tmp_path / "exporters")
    packages = tmp_path / "packages"
    packages.mkdir()
    for name in ("prometheus_client", "yaml"):
        (packages / name).symlink_to(Path(sysconfig.get_path("purelib")) / name)
    run = subprocess.run(
        [sys.executable, "-S", "-m", "exporters", *arguments],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in run.stderr
    assert run.returncode == (1 if "--listen" in arguments else 0), run.stderr


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    return found


def test_compose_puts_the_sidecar_into_the_auditors_namespaces() -> None:
    auditor, sidecar = (compose()["services"][name] for name in ("auditor", "sidecar"))
    assert sidecar["pid"] == sidecar["network_mode"] == "service:auditor"
    assert sidecar["user"] == auditor["user"]
    assert sidecar["volumes"] == auditor["volumes"] == ["metrics:/metrics"]
    assert sidecar["environment"]["AUDITOR_SIDECAR_APP_FOLDER"] == "/metrics"
    assert auditor["environment"]["PROMETHEUS_MULTIPROC_DIR"] == "/metrics"
    assert all(port.startswith("127.0.0.1:") for port in auditor["ports"])
    assert "ports" not in sidecar
    assert (sidecar["read_only"], sidecar["cap_drop"]) == (True, ["ALL"])
    assert sidecar["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit"} <= sidecar.keys()
    assert (ROOT / sidecar["build"]["dockerfile"]).exists()


def test_the_page_gives_the_composed_volume_to_the_user() -> None:
    volume = compose()["volumes"]["metrics"]["name"]
    page = (ROOT / "docs/sidecar/docker.md").read_text()
    assert re.findall(r"-v (\S+):/metrics \S+ chown", page) == [volume]


def pod() -> dict[str, Any]:
    manifest = yaml.safe_load((FOLDER / "kubernetes.yaml").read_text())
    assert (manifest["apiVersion"], manifest["kind"]) == ("apps/v1", "Deployment")
    labels = manifest["spec"]["template"]["metadata"]["labels"]
    assert manifest["spec"]["selector"]["matchLabels"] == labels
    found: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return found


def test_the_pod_shares_processes_user_and_folder() -> None:
    assert pod()["shareProcessNamespace"] is True
    auditor, sidecar = pod()["containers"]
    assert "runAsUser" not in {**auditor.get("securityContext", {}), **sidecar["securityContext"]}
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert auditor["volumeMounts"] == sidecar["volumeMounts"]
    (volume,) = pod()["volumes"]
    assert volume["emptyDir"]["medium"] == "Memory"
    folder = sidecar["volumeMounts"][0]["mountPath"]
    assert {"name": "PROMETHEUS_MULTIPROC_DIR", "value": folder} in auditor["env"]
    assert {"name": "AUDITOR_SIDECAR_APP_FOLDER", "value": folder} in sidecar["env"]


def test_the_pods_sidecar_is_restricted_and_probed() -> None:
    _, sidecar = pod()["containers"]
    assert sidecar["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod()["automountServiceAccountToken"] is False
    assert sidecar["resources"]["limits"]["memory"] == "128Mi"
    paths = [sidecar[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "readiness")]
    assert paths == ["/-/healthy", "/-/ready"]
    (port,) = sidecar["ports"]
    listen = {each["name"]: each["value"] for each in sidecar["env"]}["AUDITOR_SIDECAR_LISTEN"]
    assert listen == f":{port['containerPort']}"


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_every_option_and_variable_that_is_named_exists(file: Path) -> None:
    text = file.read_text()
    variables = {option.variable for option in OPTIONS}
    assert set(re.findall(rf"{PREFIX}[A-Z_]+", text)) <= variables
    known = {option.flag for option in OPTIONS} | {"--help", "--version"}
    for command in re.findall(r"-m exporters((?: +(?!#)\S+)*)", text):
        named = set(re.findall(r"(--[a-z-]+)", command))
        assert named <= known, command
        if "--help" not in named and '"' not in command:
            load(command.replace("`", "").split(), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_yaml_on_a_page_is_valid(page: Path) -> None:
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
        assert yaml.safe_load(block)


def test_the_web_configuration_on_its_page_is_valid(tmp_path: Path) -> None:
    text = (ROOT / "docs/sidecar/web-config.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    config = parse(tmp_path / "web.yml", block)
    assert config.tls
    assert list(config.users) == ["prometheus"]
