"""Marks a run in Grafana: an annotation at its start, which becomes a region with the verdict."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import Final

from generator.grafana.client import Grafana, GrafanaError
from generator.grafana.command import TOKEN
from generator.names import LOAD_TEST

TIMEOUT: Final = (3.0, 5.0)


@dataclass
class Annotation:
    """The annotation of one run. Errors of Grafana are only warnings: no run fails for them."""

    service: str
    name: str
    grafana: Grafana | None
    number: int | None = None

    def start(self) -> None:
        if self.grafana:
            tags = (self.service, LOAD_TEST)
            try:
                self.number = self.grafana.annotate(tags, self.name, time.time())
            except GrafanaError as error:
                _warn(error)

    def finish(self, summary: str) -> None:
        if self.grafana and self.number is not None:
            try:
                self.grafana.end_annotation(self.number, f"{self.name}: {summary}", time.time())
            except GrafanaError as error:
                _warn(error)


def annotate_run(service: str, name: str, url: str) -> Annotation:
    """Does nothing without an address and a token in GRAFANA_TOKEN.

    The dashboards of the service show it.
    """
    token = os.environ.get(TOKEN)
    if url and not token:
        _warn(f"no annotations: {TOKEN} is not set")
    try:
        return Annotation(service, name, Grafana(url, token, TIMEOUT) if url and token else None)
    except GrafanaError as error:
        _warn(error)
        return Annotation(service, name, None)


def _warn(text: object) -> None:
    print(f"warning: {text}", file=sys.stderr)
