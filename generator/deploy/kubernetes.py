"""Manifests for a cluster with the Prometheus operator: rules, scraping, dashboards, policy.

They mirror the rendered rules and dashboards; kustomization.yaml lists them. None names a
namespace: it is that of whoever applies them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import yaml

from generator.thresholds import Thresholds
from generator.thresholds.units import format_duration
from generator.yamlfile import dump

FOLDER: Final = "deploy/kubernetes"
NAME: Final = "app.kubernetes.io/name"
PART_OF: Final = "app.kubernetes.io/part-of"
COMPONENT: Final = "app.kubernetes.io/component"
# Ports of the pod by their names in deploy/sidecar/kubernetes.yaml.
API_PORT: Final = "api"
METRICS_PORT: Final = "metrics"
# Where kube-prometheus runs Prometheus.
MONITORING: Final = "monitoring"
# What the operator adds to every target; the rules are tested without, and `instance` says as much.
ADDED: Final = ("namespace", "pod", "container", "endpoint")
# Of all annotations of an object; `kubectl apply` writes the whole object into one.
LARGEST: Final = 262_144

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def render(thresholds: Thresholds, rendered: Mapping[str, str]) -> dict[str, str]:
    """Each manifest by its path; `rendered` holds the rules and the dashboards.

    Raises ValueError for a manifest that is too large to be applied.
    """
    manifests = {
        "prometheus-rule.yaml": _rules(thresholds, rendered),
        "pod-monitor.yaml": _pod_monitor(thresholds),
        "network-policy.yaml": _network_policy(thresholds),
        **_dashboards(thresholds, rendered),
    }
    files = {f"{FOLDER}/{name}": _text(name, manifest) for name, manifest in manifests.items()}
    return {**files, f"{FOLDER}/kustomization.yaml": dump(_kustomization(thresholds, manifests))}


def resource_name(thresholds: Thresholds) -> str:
    """The service's name as Kubernetes takes it: no underscore, no hyphen at the end."""
    return thresholds.service.name.replace("_", "-").rstrip("-")


def _rules(thresholds: Thresholds, rendered: Mapping[str, str]) -> dict[str, Any]:
    groups = [
        group
        for path, text in rendered.items()
        if path.startswith("alerts/")
        for group in yaml.load(text, Loader=_Loader)["groups"]  # noqa: S506  # a safe one
    ]
    return _object("monitoring.coreos.com/v1", "PrometheusRule", _metadata(thresholds, "rules")) | {
        "spec": {"groups": groups},
    }


def _pod_monitor(thresholds: Thresholds) -> dict[str, Any]:
    """Both pages of the sidecar, each as its own job."""
    jobs = thresholds.service.jobs
    return _object("monitoring.coreos.com/v1", "PodMonitor", _metadata(thresholds, "metrics")) | {
        "spec": {
            "selector": {"matchLabels": {NAME: resource_name(thresholds)}},
            "podMetricsEndpoints": [
                _endpoint(thresholds, jobs.api, "/metrics/app"),
                _endpoint(thresholds, jobs.workers, "/metrics"),
            ],
        },
    }


def _endpoint(thresholds: Thresholds, job: str, path: str) -> dict[str, Any]:
    """The operator's own job is NAMESPACE/NAME for both; the rules join them by `instance`."""
    return {
        "port": METRICS_PORT,
        "path": path,
        "interval": format_duration(thresholds.service.scrape_interval),
        "relabelings": [
            {"targetLabel": "job", "replacement": job},
            {
                "sourceLabels": ["__meta_kubernetes_namespace", "__meta_kubernetes_pod_name"],
                "separator": "/",
                "targetLabel": "instance",
            },
            {"action": "labeldrop", "regex": "|".join(ADDED)},
        ],
    }


def _network_policy(thresholds: Thresholds) -> dict[str, Any]:
    """The API for everyone, the sidecar for Prometheus alone."""
    prometheus = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": MONITORING}},
        "podSelector": {"matchLabels": {NAME: "prometheus"}},
    }
    return _object("networking.k8s.io/v1", "NetworkPolicy", _metadata(thresholds, "network")) | {
        "spec": {
            "podSelector": {"matchLabels": {NAME: resource_name(thresholds)}},
            "policyTypes": ["Ingress"],
            "ingress": [
                {"ports": [{"port": API_PORT, "protocol": "TCP"}]},
                {"from": [prometheus], "ports": [{"port": METRICS_PORT, "protocol": "TCP"}]},
            ],
        },
    }


def _dashboards(thresholds: Thresholds, rendered: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """A ConfigMap each, as Grafana's sidecar looks for them."""
    found = {
        path.removeprefix("dashboards/").removesuffix(".json"): text
        for path, text in rendered.items()
        if path.startswith("dashboards/")
    }
    return {
        f"dashboard-{name}.yaml": _object(
            "v1",
            "ConfigMap",
            {
                **_metadata(thresholds, "dashboard", f"dashboard-{name}"),
                "annotations": {"grafana_folder": thresholds.service.name.capitalize()},
            },
        )
        | {"data": {f"{resource_name(thresholds)}-{name}.json": text}}
        for name, text in found.items()
    }


def _kustomization(thresholds: Thresholds, resources: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "labels": [{"pairs": {PART_OF: resource_name(thresholds)}}],
        "resources": list(resources),
    }


def _object(version: str, kind: str, metadata: dict[str, Any]) -> dict[str, Any]:
    """How every manifest begins."""
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _metadata(thresholds: Thresholds, component: str, suffix: str = "") -> dict[str, Any]:
    name = resource_name(thresholds)
    labels = {NAME: name, COMPONENT: component}
    if component == "dashboard":
        labels["grafana_dashboard"] = "1"
    return {"name": f"{name}-{suffix}" if suffix else name, "labels": labels}


def _text(name: str, manifest: dict[str, Any]) -> str:
    size = applied_size(manifest)
    if size > LARGEST:
        raise ValueError(
            f"{FOLDER}/{name} would be {size} bytes large; `kubectl apply` takes {LARGEST}"
        )
    return dump(manifest)


def applied_size(manifest: dict[str, Any]) -> int:
    """Bytes of a manifest as `kubectl apply` notes it: JSON in which <, > and & are escaped."""
    text = json.dumps(manifest, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode()) + 5 * sum(text.count(each) for each in "<>&")
