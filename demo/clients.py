"""What the demo asks of Prometheus and Alertmanager, over their HTTP APIs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests

SECONDS = 5


@dataclass(frozen=True)
class ActiveAlert:
    """An alert as Prometheus has it; `state` is pending or firing, `since` Unix time."""

    name: str
    severity: str
    state: str
    since: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True)
class Prometheus:
    """Every method raises requests.RequestException where it cannot be asked."""

    url: str

    def query(self, expr: str) -> list[Any]:
        """Samples of an instant query."""
        found: list[Any] = self._get("/api/v1/query", query=expr)["result"]
        return found

    def value(self, expr: str) -> float | None:
        """The value of a query of one series; None if there is none."""
        found = self.query(expr)
        return float(found[0]["value"][1]) if found else None

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
        answer = requests.get(f"{self.url}{path}", params=parameters, timeout=SECONDS)
        answer.raise_for_status()
        return answer.json()["data"]


@dataclass(frozen=True)
class Alertmanager:
    """Every method raises requests.RequestException where it cannot be asked."""

    url: str

    def inhibited(self) -> set[str]:
        """Names of the alerts that are kept back because of others."""
        answer = requests.get(f"{self.url}/api/v2/alerts", timeout=SECONDS)
        answer.raise_for_status()
        return {
            each["labels"]["alertname"] for each in answer.json() if each["status"]["inhibitedBy"]
        }
