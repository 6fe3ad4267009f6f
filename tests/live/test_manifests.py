"""The manifests in the programs that read them, and against the schemas that are published."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from generator.deploy.kubernetes import FOLDER
from tests import tools
from tests.bundle import ROOT, files, thresholds
from tests.live.prometheus import running
from tests.live.waiting import HANGS, until
from tests.tools import typescript
from tests.tools.skipping import had, or_skip
from tests.tools.typescript import Typed

Json = dict[str, Any]
Change = Callable[[Json], object]
OPERATOR = "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1"


MANIFESTS = {
    Path(path).stem: yaml.safe_load(text)
    for path, text in files().items()
    if path.startswith(f"{FOLDER}/") and "kustomization" not in path
}
OF_OPERATOR = {
    name: each for name, each in MANIFESTS.items() if each["apiVersion"].startswith("monitoring.")
}
OF_KUBERNETES = {
    **{name: each for name, each in MANIFESTS.items() if name not in OF_OPERATOR},
    "deployment": yaml.safe_load((ROOT / "deploy/sidecar/kubernetes.yaml").read_text()),
}


@cache
def definitions_of(version: str) -> Json:
    folder = or_skip(tools.kubernetes_schemas)
    found: Json = json.loads((folder / f"{version}.json").read_text())
    return found


def kubernetes_errors(manifest: Json, version: str) -> list[str]:
    """What Kubernetes' own schema says against an object, strictly: no unknown field."""
    definitions = definitions_of(version)
    group, _, api = manifest["apiVersion"].rpartition("/")
    wanted = {"group": group, "kind": manifest["kind"], "version": api}
    (name,) = [
        name
        for name, each in definitions["$defs"].items()
        if wanted in each.get("x-kubernetes-group-version-kind", ())
    ]
    validator = jsonschema.Draft202012Validator({**definitions, "$ref": f"#/$defs/{name}"})
    return [error.message for error in validator.iter_errors(manifest)]


@pytest.mark.parametrize("version", tools.KUBERNETES)
@pytest.mark.parametrize("name", OF_KUBERNETES)
def test_a_manifest_keeps_to_the_schema_of_kubernetes(name: str, version: str) -> None:
    assert kubernetes_errors(OF_KUBERNETES[name], version) == []


@pytest.mark.parametrize("version", tools.KUBERNETES)
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("network-policy", lambda found: found["spec"]["ingress"][0].update(form=[])),
        ("network-policy", lambda found: found["spec"].update(policyTypes="Ingress")),
        ("dashboard-errors", lambda found: found["data"].update(number=1)),
        ("deployment", lambda found: found["spec"].update(replica=2)),
    ],
)
def test_the_schema_of_kubernetes_refuses_mistakes(name: str, change: Change, version: str) -> None:
    changed = copy.deepcopy(OF_KUBERNETES[name])
    change(changed)
    assert kubernetes_errors(changed, version)


def operator_errors(tsc: Path, folder: Path, manifest: Json) -> list[str]:
    kind = manifest["kind"]
    typed = Typed(manifest, f"I{kind}", f"{OPERATOR}/{kind}")
    return typescript.check(tsc, folder, {kind: typed})[kind]


@pytest.mark.parametrize("name", OF_OPERATOR)
def test_a_manifest_has_the_type_that_the_operator_has(
    name: str, tsc: Path, tmp_path: Path
) -> None:
    assert operator_errors(tsc, tmp_path, OF_OPERATOR[name]) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("prometheus-rule", lambda found: found["spec"]["groups"][0]["rules"][0].update(four="5m")),
        ("prometheus-rule", lambda found: found["spec"]["groups"][0].pop("name")),
        ("pod-monitor", lambda found: found["spec"].pop("selector")),
        ("probe", lambda found: found["spec"]["prober"].update(address="blackbox")),
        ("probe", lambda found: found["spec"]["targets"]["staticConfig"].update(relabelings=[])),
        (
            "pod-monitor",
            lambda found: found["spec"]["podMetricsEndpoints"][0]["relabelings"][0].update(
                action="set"
            ),
        ),
        (
            "pod-monitor",
            lambda found: found["spec"]["podMetricsEndpoints"][0]["relabelings"][0].update(
                target_label="job"
            ),
        ),
    ],
)
def test_the_types_of_the_operator_refuse_mistakes(
    name: str, change: Change, tsc: Path, tmp_path: Path
) -> None:
    changed = copy.deepcopy(OF_OPERATOR[name])
    change(changed)
    assert operator_errors(tsc, tmp_path, changed)


def test_promtool_takes_the_rules_of_the_manifest(promtool: Path, tmp_path: Path) -> None:
    spec = MANIFESTS["prometheus-rule"]["spec"]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(spec))
    done = subprocess.run(
        [promtool, "check", "rules", tmp_path / "rules.yml"],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    count = sum(len(group["rules"]) for group in spec["groups"])
    assert (done.returncode, done.stderr) == (0, "")
    assert f"SUCCESS: {count} rules found" in done.stdout


def built(folder: Path) -> list[Json]:
    done = subprocess.run(
        [had(tools.KUSTOMIZE), "build", folder],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


def by_name(manifests: list[Json]) -> list[Json]:
    return sorted(manifests, key=lambda each: (each["kind"], each["metadata"]["name"]))


def test_kustomize_builds_all_of_it() -> None:
    wanted = copy.deepcopy(list(MANIFESTS.values()))
    for each in wanted:
        each["metadata"]["labels"]["app.kubernetes.io/part-of"] = thresholds().service.name
    assert by_name(built(ROOT / FOLDER)) == by_name(wanted)


def test_the_kustomization_of_the_page_changes_what_it_says(tmp_path: Path) -> None:
    page = (ROOT / "docs/deploy/kubernetes.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (block,) = (each for each in blocks if "kind: Kustomization" in each)
    (tmp_path / "kustomization.yaml").write_text(block)
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    for path, text in files().items():
        if path.startswith(f"{FOLDER}/"):
            (tmp_path / path).write_text(text)
    found = built(tmp_path)
    assert len(found) == len(MANIFESTS)
    for each in found:
        assert each["metadata"]["namespace"] == "auditor"
        assert each["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    (probe,) = [each for each in found if each["kind"] == "Probe"]
    assert probe["spec"]["prober"]["url"] == "prometheus-blackbox-exporter.observability.svc:9115"
    (policy,) = [each for each in found if each["kind"] == "NetworkPolicy"]
    (peer,) = policy["spec"]["ingress"][1]["from"]
    assert peer["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": "observability"
    }


def respelt(rule: Json) -> Json:
    """A relabelling rule of the operator as Prometheus writes it."""
    spelt = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    return {spelt.get(key, key): value for key, value in rule.items()}


def as_operator(name: str, endpoint: Json) -> Json:
    """The scrape job that the operator makes of an endpoint: its own relabelling, then ours."""
    own = [
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
        {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
        {"target_label": "container", "replacement": "sidecar"},
        {"target_label": "job", "replacement": f"law/{name}"},
        {"target_label": "endpoint", "replacement": endpoint["port"]},
    ]
    ours = map(respelt, endpoint["relabelings"])
    pods = {"auditor-a": "127.0.0.1:1", "auditor-b": "127.0.0.1:2"}
    return {
        "job_name": f"podMonitor/law/{name}{endpoint['path']}",
        "metrics_path": endpoint["path"],
        "scrape_interval": endpoint["interval"],
        "static_configs": [
            {
                "targets": [address],
                "labels": {
                    "__meta_kubernetes_namespace": "law",
                    "__meta_kubernetes_pod_name": pod,
                },
            }
            for pod, address in pods.items()
        ],
        "relabel_configs": [*own, *ours],
    }


def probe_as_operator(probe: Json) -> Json:
    """The scrape job that the operator makes of a Probe, in the namespace `law`."""
    spec, targets = probe["spec"], probe["spec"]["targets"]["staticConfig"]
    own = [
        {"target_label": "job", "replacement": spec["jobName"]},
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": spec["prober"]["url"]},
    ]
    return {
        "job_name": "probe/law/auditor",
        "metrics_path": "/probe",
        "params": {"module": [spec["module"]]},
        "scrape_interval": spec["interval"],
        "static_configs": [{"targets": targets["static"], "labels": {"namespace": "law"}}],
        "relabel_configs": [*own, *map(respelt, targets["relabelingConfigs"])],
    }


def test_the_probe_asks_the_service_in_its_namespace(
    prometheus_server: Path, tmp_path: Path
) -> None:
    probe, service = MANIFESTS["probe"], MANIFESTS["service"]["metadata"]["name"]
    config = {"scrape_configs": [probe_as_operator(probe)]}
    with running(prometheus_server, config, tmp_path) as prometheus:
        until(lambda: prometheus.get("/api/v1/targets")["activeTargets"], "a target")
        (target,) = prometheus.get("/api/v1/targets")["activeTargets"]
    job = thresholds().service.jobs.probe
    assert target["labels"] == {"job": job, "instance": f"law/{service}"}
    assert target["scrapeUrl"] == (
        f"http://{probe['spec']['prober']['url']}/probe"
        f"?module=http_2xx&target=http%3A%2F%2F{service}.law.svc%2Fhealth"
    )


def test_the_targets_have_the_labels_that_the_rules_join_by_and_no_other(
    prometheus_server: Path, tmp_path: Path
) -> None:
    monitor = MANIFESTS["pod-monitor"]
    jobs = [
        as_operator(monitor["metadata"]["name"], endpoint)
        for endpoint in monitor["spec"]["podMetricsEndpoints"]
    ]
    with running(prometheus_server, {"scrape_configs": jobs}, tmp_path) as prometheus:
        until(lambda: len(prometheus.get("/api/v1/targets")["activeTargets"]) == 4, "four targets")
        targets = prometheus.get("/api/v1/targets")["activeTargets"]
    found = {
        (
            each["labels"]["job"],
            each["labels"]["instance"],
            each["scrapeUrl"].partition(":")[2].partition("/metrics")[2],
        )
        for each in targets
    }
    assert all(each["labels"].keys() == {"job", "instance"} for each in targets)
    named = thresholds().service.jobs
    assert found == {
        (job, instance, page)
        for job, page in ((named.api, "/app"), (named.workers, ""))
        for instance in ("law/auditor-a", "law/auditor-b")
    }
