"""The manifests: they carry the rules and dashboards unchanged and fit the sidecar's Deployment."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from exporters.settings import load as sidecar_settings
from generator.bundle import render
from generator.config import load
from generator.deploy import kubernetes
from generator.deploy.kubernetes import FOLDER, LARGEST, applied_size, resource_name
from tests.bundle import FILE, ROOT, files, text, thresholds

MANIFESTS: dict[str, dict[str, Any]] = {
    Path(path).stem: yaml.safe_load(content)
    for path, content in files().items()
    if path.startswith(f"{FOLDER}/")
}
NAME = "app.kubernetes.io/name"
DEPLOYMENT = yaml.safe_load((ROOT / "deploy/sidecar/kubernetes.yaml").read_text())
DASHBOARDS = [name for name in MANIFESTS if name.startswith("dashboard-")]
PORTS = {
    port["name"]: port["containerPort"]
    for container in DEPLOYMENT["spec"]["template"]["spec"]["containers"]
    for port in container["ports"]
}


def test_the_rules_are_those_of_the_files() -> None:
    groups = [
        group
        for path, content in files().items()
        if path.startswith("alerts/")
        for group in yaml.safe_load(content)["groups"]
    ]
    assert groups
    assert MANIFESTS["prometheus-rule"]["spec"] == {"groups": groups}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_config_map_is_a_dashboard_that_grafana_finds(name: str) -> None:
    manifest = MANIFESTS[name]
    ((key, content),) = manifest["data"].items()
    assert content == files()[f"dashboards/{name.removeprefix('dashboard-')}.json"]
    assert key.endswith(".json")
    assert manifest["metadata"]["labels"]["grafana_dashboard"] == "1"
    path = "deploy/grafana/provisioning/dashboards/auditor.yml"
    (provider,) = yaml.safe_load(files()[path])["providers"]
    assert manifest["metadata"]["annotations"] == {"grafana_folder": provider["folder"]}


def test_every_dashboard_has_one_and_each_its_own_file() -> None:
    assert {f"dashboards/{name.removeprefix('dashboard-')}.json" for name in DASHBOARDS} == {
        path for path in files() if path.startswith("dashboards/")
    }
    keys = [key for name in DASHBOARDS for key in MANIFESTS[name]["data"]]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_can_be_applied(name: str) -> None:
    assert applied_size(MANIFESTS[name]) <= LARGEST


def size_of(dashboard: str) -> int:
    return applied_size(
        yaml.safe_load(
            kubernetes.render(thresholds(), {"dashboards/x.json": dashboard})[
                f"{FOLDER}/dashboard-x.yaml"
            ]
        )
    )


@given(st.integers(-40, 40), st.sampled_from(["a", "<", "ü", "\n"]))
@example(0, "a")
@example(1, "a")
def test_a_dashboard_that_is_too_large_is_refused(beyond: int, character: str) -> None:
    """The bound is met to the byte."""
    width = size_of(character * 2) - size_of(character)
    room = LARGEST - size_of("") + beyond
    dashboard = character * (room // width) + "a" * (room % width)
    if beyond <= 0:
        assert size_of(dashboard) == LARGEST + beyond
    else:
        message = f"dashboard-x.yaml would be {LARGEST + beyond} bytes;"
        with pytest.raises(ValueError, match=message):
            size_of(dashboard)


def test_the_size_is_that_of_what_kubectl_notes() -> None:
    manifest = {"data": {"a": '<b> & "c"\n'}, "kind": "Überschrift"}
    noted = '{"data":{"a":"\\u003cb\\u003e \\u0026 \\"c\\"\\n"},"kind":"Überschrift"}'
    assert json.loads(noted) == manifest
    assert applied_size(manifest) == len(noted.encode())


def test_selectors_fit_the_deployment() -> None:
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    monitor, policy = (MANIFESTS[name]["spec"] for name in ("pod-monitor", "network-policy"))
    for selector in (monitor["selector"], policy["podSelector"]):
        assert selector["matchLabels"].items() <= labels.items()
        assert selector["matchLabels"]
    assert monitor.keys() == {"selector", "podMetricsEndpoints"}


def test_both_pages_of_the_sidecar_are_scraped() -> None:
    jobs = thresholds().service.jobs
    endpoints = MANIFESTS["pod-monitor"]["spec"]["podMetricsEndpoints"]
    found = {
        each["relabelings"][0]["replacement"]: (each["path"], PORTS[each["port"]])
        for each in endpoints
    }
    _, port = sidecar_settings([], {}).listen
    assert found == {jobs.api: ("/metrics/app", port), jobs.workers: ("/metrics", port)}


def test_a_service_of_its_own_is_probed_from_outside() -> None:
    service, probe = MANIFESTS["service"], MANIFESTS["probe"]["spec"]
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    (port,) = service["spec"]["ports"]
    assert (port["port"], PORTS[port["targetPort"]]) == (80, thresholds().deploy.api_port)
    assert probe["jobName"] == thresholds().service.jobs.probe
    assert probe["targets"]["staticConfig"]["static"] == [service["metadata"]["name"]]


def test_the_api_is_open_and_the_sidecar_is_prometheus_alone() -> None:
    policy = MANIFESTS["network-policy"]["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    settings = sidecar_settings([], {})
    allowed: dict[int, Any] = {
        PORTS[port["port"]]: rule.get("from", "everyone")
        for rule in policy["ingress"]
        for port in rule["ports"]
    }
    (peer,) = allowed.pop(settings.listen[1])
    assert allowed == {settings.port: "everyone"}
    assert peer["podSelector"]["matchLabels"] == {NAME: "prometheus"}
    assert peer["namespaceSelector"]["matchLabels"]


def test_the_kustomization_lists_every_manifest() -> None:
    listed = MANIFESTS["kustomization"]["resources"]
    assert sorted(listed) == sorted(f"{name}.yaml" for name in MANIFESTS.keys() - {"kustomization"})


def test_objects_of_a_kind_have_names_of_their_own_and_no_namespace() -> None:
    objects = [each for name, each in MANIFESTS.items() if name != "kustomization"]
    named = [(each["kind"], each["metadata"]["name"]) for each in objects]
    assert len(named) == len(set(named))
    assert not any("namespace" in each["metadata"] for each in objects)


@given(st.from_regex("[a-z0-9][a-z0-9_-]{0,39}", fullmatch=True))
@example("auditor_v2")
@example("a-_-")
def test_every_name_of_a_service_becomes_one_that_kubernetes_takes(name: str) -> None:
    overlay = json.dumps({"service": {"name": name}})
    changed = load(text(), FILE, [("changed.json", overlay)])
    assert re.fullmatch("[a-z0-9]([a-z0-9-]*[a-z0-9])?", resource_name(changed))


def test_another_name_of_the_service_is_the_name_of_everything() -> None:
    overlay = json.dumps({"service": {"name": "verifier"}})
    rendered = render(load(text(), FILE, [("changed.json", overlay)]))
    for path, content in rendered.items():
        if path.startswith(f"{FOLDER}/") and not path.endswith("kustomization.yaml"):
            metadata = yaml.safe_load(content)["metadata"]
            assert metadata["name"].startswith("verifier")
            assert metadata["labels"][NAME] == "verifier"
