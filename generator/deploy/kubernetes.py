"""Manifests for a cluster with the Prometheus operator: rules, scraping, dashboards, policy.

They contain the rendered rules and dashboards; kustomization.yaml lists them. None sets a
namespace; it is chosen when they are applied.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from generator.deploy.stack import BLACKBOX_MODULE
from generator.deploy.templates import document
from generator.thresholds import Thresholds
from generator.yamlfile import dump, read_yaml

FOLDER: Final = "deploy/kubernetes"
# Largest size of all annotations of an object; `kubectl apply` stores the whole object in one.
LARGEST: Final = 262_144


def render(thresholds: Thresholds, rendered: Mapping[str, str]) -> dict[str, str]:
    """Each manifest by its path; `rendered` holds the rules and the dashboards.

    Raises ValueError for a manifest that is too large to be applied.
    """
    name = resource_name(thresholds)

    def manifest(template: str, **values: object) -> dict[str, Any]:
        return document(template, thresholds, name=name, **values)

    rules, dashboards = (_below(rendered, folder) for folder in ("alerts", "dashboards"))
    groups = [group for text in rules.values() for group in read_yaml(text)["groups"]]
    manifests = {
        "prometheus-rule.yaml": manifest("prometheus-rule.yaml") | {"spec": {"groups": groups}},
        "pod-monitor.yaml": manifest("pod-monitor.yaml"),
        "probe.yaml": manifest("probe.yaml", blackbox_module=BLACKBOX_MODULE),
        "service.yaml": manifest("service.yaml"),
        "network-policy.yaml": manifest("network-policy.yaml"),
    }
    for dashboard, text in dashboards.items():
        data = {f"{name}-{dashboard}.json": text}
        found = manifest("dashboard.yaml", dashboard=dashboard) | {"data": data}
        manifests[f"dashboard-{dashboard}.yaml"] = found
    index = manifest("kustomization.yaml", manifests=list(manifests))
    return {
        f"{FOLDER}/{path}": _text(path, each)
        for path, each in {**manifests, "kustomization.yaml": index}.items()
    }


def resource_name(thresholds: Thresholds) -> str:
    """The service's name in a form valid in Kubernetes: no underscore, no hyphen at the end."""
    return thresholds.service.name.replace("_", "-").rstrip("-")


def _below(rendered: Mapping[str, str], folder: str) -> dict[str, str]:
    """The texts of a folder's files, by their names without the suffix."""
    paths = {PurePosixPath(path): text for path, text in rendered.items()}
    return {path.stem: text for path, text in paths.items() if path.parts[0] == folder}


def _text(path: str, manifest: dict[str, Any]) -> str:
    size = applied_size(manifest)
    if size > LARGEST:
        raise ValueError(
            f"{FOLDER}/{path} would be {size} bytes; `kubectl apply` accepts at most {LARGEST}"
        )
    return dump(manifest)


def applied_size(manifest: dict[str, Any]) -> int:
    """Bytes of a manifest as `kubectl apply` stores it: JSON in which <, > and & are escaped."""
    text = json.dumps(manifest, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode()) + 5 * sum(text.count(each) for each in "<>&")
