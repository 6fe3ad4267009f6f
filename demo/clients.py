"""Clients for the HTTP APIs of Prometheus and Alertmanager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import requests

TIMEOUT_SECONDS: Final = 5


@dataclass(frozen=True)
class ActiveAlert:
    """An alert in Prometheus; `state` is pending or firing, `since` is Unix time."""

    name: str
    severity: str
    state: str
    since: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True)
class Prometheus:
    """Every method raises requests.RequestException when a request fails."""

    url: str

    def query(self, expr: str) -> list[Any]:
        """The samples of an instant query."""
        result: list[Any] = self._get("/api/v1/query", query=expr)["result"]
        return result

    def value(self, expr: str) -> float | None:
        """The value of the first sample; None if there is none."""
        samples = self.query(expr)
        return float(samples[0]["value"][1]) if samples else None

    def alerts(self) -> list[ActiveAlert]:
        return [
            ActiveAlert(
                name=each["labels"]["alertname"],
                severity=each["labels"]["severity"],
                state=each["state"],
                since=datetime.fromisoformat(each["activeAt"]).timestamp(),
                labels=each["labels"],
                annotations=each["annotations"],
            )
            for each in self._get("/api/v1/alerts")["alerts"]
        ]

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self._get("/api/v1/rules")["groups"] for rule in group["rules"]]

    def _get(self, path: str, **parameters: str) -> Any:
        return _get(f"{self.url}{path}", **parameters)["data"]


@dataclass(frozen=True)
class Alertmanager:
    """Every method raises requests.RequestException when a request fails."""

    url: str

    def inhibited(self) -> set[str]:
        """The names of the inhibited alerts."""
        alerts = _get(f"{self.url}/api/v2/alerts")
        return {each["labels"]["alertname"] for each in alerts if each["status"]["inhibitedBy"]}


def _get(url: str, **parameters: str) -> Any:
    response = requests.get(url, params=parameters, timeout=TIMEOUT_SECONDS)
    response.raise_for_status()
    return response.json()
