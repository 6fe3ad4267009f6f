"""The composed stack: it mounts what is there, where it is looked for, and lets nobody in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporters.settings import load as sidecar_settings
from generator.config import load
from generator.deploy import images, stack
from generator.thresholds import Thresholds
from tests.bundle import FILE, ROOT, files, text, thresholds

FOLDER = (ROOT / stack.COMPOSE).parent
STACK: dict[str, Any] = yaml.safe_load(files()[stack.COMPOSE])
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
LOKI_PORT = "3100"  # Loki's default, which the stack leaves as it is
each_service = pytest.mark.parametrize("name", SERVICES)


def changed(overlay: dict[str, Any]) -> Thresholds:
    return load(text(), FILE, [("changed.json", json.dumps(overlay))])


def mounts(name: str) -> dict[str, Path]:
    """Files and folders of the project by where the service finds them."""
    parts = (each.split(":") for each in SERVICES[name].get("volumes", ()))
    return {target: (FOLDER / path).resolve() for path, target, *_ in parts if "/" in path}


def option(name: str, flag: str) -> str:
    (found,) = [each for each in SERVICES[name]["command"] if each.startswith(f"{flag}=")]
    value: str = found.partition("=")[2]
    return value


def test_every_mount_is_a_rendered_file_or_a_folder_of_them_and_read_only() -> None:
    for name, service in SERVICES.items():
        for target, path in mounts(name).items():
            relative = path.relative_to(ROOT).as_posix()
            assert path.exists(), path
            assert any(each == relative or each.startswith(f"{relative}/") for each in files())
            assert any(each.endswith(f":{target}:ro") for each in service["volumes"])


@pytest.mark.parametrize("name", ["prometheus", "alertmanager", "blackbox"])
def test_a_program_reads_the_configuration_that_is_mounted(name: str) -> None:
    path = mounts(name)[option(name, "--config.file")]
    assert path == ROOT / f"deploy/{name}/{name}.yml"


def test_prometheus_finds_the_rules() -> None:
    (pattern,) = yaml.safe_load(files()[stack.PROMETHEUS])["rule_files"]
    folder, _, wanted = pattern.rpartition("/")
    assert mounts("prometheus")[folder] == ROOT / "alerts"
    assert {path.name for path in (ROOT / "alerts").glob(wanted)} == {
        path.removeprefix("alerts/") for path in files() if path.startswith("alerts/")
    }


def test_grafana_finds_sources_and_dashboards() -> None:
    found = mounts("grafana")
    for kind in ("datasources", "dashboards"):
        assert found[f"/etc/grafana/provisioning/{kind}"] == (
            ROOT / f"deploy/grafana/provisioning/{kind}"
        )
    path = "deploy/grafana/provisioning/dashboards/auditor.yml"
    (provider,) = yaml.safe_load(files()[path])["providers"]
    assert found[provider["options"]["path"]] == ROOT / "dashboards"


def test_services_listen_where_the_thresholds_say_they_are() -> None:
    deploy = thresholds().deploy
    listening = {
        "auditor": load_port(SERVICES["sidecar"]["environment"]["AUDITOR_SIDECAR_LISTEN"]),
        "prometheus": load_port(option("prometheus", "--web.listen-address")),
        "alertmanager": load_port(option("alertmanager", "--web.listen-address")),
        "blackbox": load_port(option("blackbox", "--web.listen-address")),
        "loki": LOKI_PORT,
    }
    said = (
        *(*deploy.sidecars, *deploy.alertmanagers),
        *(deploy.blackbox, deploy.prometheus, deploy.loki),
    )
    assert {each.rpartition("//")[2] for each in said} == {
        f"{name}:{port}" for name, port in listening.items()
    }
    assert not any("networks" in service for service in SERVICES.values())


def load_port(address: str) -> str:
    host, _, port = address.rpartition(":")
    assert not host, "on every address of the container"
    return port


@pytest.mark.parametrize(
    ("key", "address", "service", "host", "port"),
    [
        ("prometheus", "https://metrics.internal", "prometheus", "metrics.internal", "443"),
        ("prometheus", "http://metrics/prefix", "prometheus", "metrics", "80"),
        ("alertmanagers", ["pager:9193", "spare:9193"], "alertmanager", "pager", "9193"),
        ("blackbox", "prober:9116", "blackbox", "prober", "9116"),
    ],
)
def test_another_address_becomes_another_name_and_port(
    key: str, address: str | list[str], service: str, host: str, port: str
) -> None:
    found = yaml.safe_load(stack.render(changed({"deploy": {key: address}}))[stack.COMPOSE])
    one = found["services"][service]
    assert one["networks"] == {"default": {"aliases": [host]}}
    assert f"--web.listen-address=:{port}" in one["command"]
    assert one["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert any(f"http://127.0.0.1:{port}" in each for each in one["healthcheck"]["test"])


def test_an_address_in_brackets_is_a_whole_host() -> None:
    found = yaml.safe_load(
        stack.render(changed({"deploy": {"sidecars": ["[2001:db8::1]:9200"]}}))[stack.COMPOSE]
    )
    auditor, sidecar = (found["services"][name] for name in ("auditor", "sidecar"))
    assert auditor["networks"]["default"]["aliases"] == ["[2001:db8::1]"]
    assert sidecar["environment"]["AUDITOR_SIDECAR_LISTEN"] == ":9200"


@each_service
def test_a_service_is_checked_restricted_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert service.get("read_only", False) is (name != "auditor")
    assert not {"privileged", "cap_add", "devices", "extra_hosts"} & service.keys()
    assert not any("docker.sock" in each for each in service.get("volumes", ()))


@each_service
def test_ports_are_published_on_loopback_alone(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+(/udp)?", port)


def test_no_port_is_published_twice() -> None:
    published = [
        each.split(":")[1] for service in SERVICES.values() for each in service.get("ports", ())
    ]
    assert len(published) == len(set(published))


def test_images_are_pinned_and_named_in_one_place() -> None:
    pinned = {value for name, value in vars(images).items() if name.isupper()}
    used = {service["image"] for service in SERVICES.values() if "image" in service}
    assert used - pinned == {"${AUDITOR_IMAGE:?the image of the Auditor}"}
    assert pinned <= used
    assert all(re.fullmatch(r"[a-z]+/[a-z-]+:v?\d+\.\d+\.\d+", image) for image in pinned)


def test_secrets_are_files_of_whoever_starts_it() -> None:
    (secret,) = STACK["secrets"].values()
    assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", secret["file"])
    variables = {
        (name, value)
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if re.search("PASSWORD|TOKEN|SECRET|KEY", name)
    }
    assert variables == {("GF_SECURITY_ADMIN_PASSWORD__FILE", "/run/secrets/grafana-password")}
    assert SERVICES["grafana"]["secrets"] == list(STACK["secrets"])
    assert SERVICES["grafana"]["environment"]["GF_AUTH_ANONYMOUS_ENABLED"] == "false"


def test_volumes_and_services_that_are_named_exist() -> None:
    for service in SERVICES.values():
        named = {each.split(":")[0] for each in service.get("volumes", ())}
        assert {each for each in named if "/" not in each} <= STACK["volumes"].keys()
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES
            assert how["condition"] in ("service_started", "service_healthy")


def test_the_pair_is_that_of_the_sidecars_own_file() -> None:
    own = yaml.safe_load((ROOT / "deploy/sidecar/compose.yaml").read_text())
    for name in ("auditor", "sidecar"):
        theirs = own["services"][name]
        for key in theirs.keys() - {"image", "ports", "environment"}:
            assert SERVICES[name][key] == theirs[key], key
        workers = "WEB_CONCURRENCY"
        ours, others = (
            {key: value for key, value in service["environment"].items() if key != workers}
            for service in (SERVICES[name], theirs)
        )
        assert ours == others
    assert STACK["volumes"]["metrics"] == own["volumes"]["metrics"]
    assert SERVICES["auditor"]["ports"] == own["services"]["auditor"]["ports"]


def test_the_auditor_runs_as_many_workers_as_it_is_told() -> None:
    environment = SERVICES["auditor"]["environment"]
    workers = thresholds().service.expected_workers
    assert environment["WEB_CONCURRENCY"] == f"${{WORKER_COUNT:-{workers}}}"
    own = yaml.safe_load((ROOT / "deploy/sidecar/compose.yaml").read_text())
    # Like the image, unless it is told otherwise.
    assert own["services"]["auditor"]["environment"]["WEB_CONCURRENCY"] == "${WORKER_COUNT:-1}"


def test_the_auditor_is_asked_where_the_sidecar_probes_it() -> None:
    settings = sidecar_settings([], {})
    assert str(settings.probe_url) in SERVICES["auditor"]["healthcheck"]["test"][-1]
    assert SERVICES["auditor"]["ports"][0].endswith(f":{settings.port}")
    assert thresholds().deploy.api_port == settings.port


def test_what_the_budget_looks_back_at_is_kept() -> None:
    document = stack.render(changed({"slo": {"period": "90d"}}))[stack.COMPOSE]
    assert "--storage.tsdb.retention.time=90d" in document
    assert "-store.retention=90d" in document


def test_the_log_goes_from_the_auditor_through_alloy_to_loki() -> None:
    driver = SERVICES["auditor"]["logging"]
    assert driver["driver"] == "syslog"
    (port,) = SERVICES["alloy"]["ports"]
    assert port.endswith("/udp")
    assert driver["options"]["syslog-address"] == f"udp://127.0.0.1:{port.split(':')[1]}"
    written = files()[stack.LOGS]
    assert 'protocol = "udp"' in written
    assert f'"0.0.0.0:{port.split(":")[2].removesuffix("/udp")}"' in written
    assert mounts("alloy")[SERVICES["alloy"]["command"][-1]] == ROOT / stack.LOGS
    assert f'"{thresholds().deploy.loki}/loki/api/v1/push"' in written


@pytest.mark.parametrize(
    ("selector", "labels"),
    [
        ('{app="auditor"}', ['app = "auditor"']),
        ('{app="auditor", env!="test", team="law"}', ['app = "auditor"', 'team = "law"']),
        ('{app=~"auditor.*"}', ['app = "auditor"']),
    ],
)
def test_a_line_has_the_labels_that_the_dashboards_select(selector: str, labels: list[str]) -> None:
    written = stack.render(changed({"dashboards": {"log_selector": selector}}))[stack.LOGS]
    (inside,) = re.findall(r"labels   = \{\n(.*?)    \}", written, re.DOTALL)
    assert [line.strip().removesuffix(",") for line in inside.splitlines()] == labels
