"""A run as an annotation in Grafana: a mark at its start, a region with its verdict at its end."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import Final

from generator.grafana.client import Grafana
from generator.grafana.command import TOKEN
from generator.grafana.errors import GrafanaError
from generator.names import LOAD_TEST

TIMEOUT: Final = (3.0, 5.0)


@dataclass
class Mark:
    """Of one run. Grafana's failures are said on stderr; no run fails for them."""

    service: str
    name: str
    grafana: Grafana | None
    number: int | None = None

    def begin(self) -> None:
        if self.grafana:
            tags = (self.service, LOAD_TEST)
            try:
                self.number = self.grafana.annotate(tags, self.name, time.time())
            except GrafanaError as error:
                _say(error)

    def end(self, said: str) -> None:
        if self.grafana and self.number is not None:
            try:
                self.grafana.end_annotation(self.number, f"{self.name}: {said}", time.time())
            except GrafanaError as error:
                _say(error)


def mark(service: str, name: str, url: str) -> Mark:
    """Where an address, and a token in the variable GRAFANA_TOKEN, are given; else it does nothing.

    The dashboards show the marks of their service.
    """
    token = os.environ.get(TOKEN)
    if url and not token:
        _say(f"no annotations: {TOKEN} is not set")
    try:
        return Mark(service, name, Grafana(url, token, TIMEOUT) if url and token else None)
    except GrafanaError as error:
        _say(error)
        return Mark(service, name, None)


def _say(text: object) -> None:
    print(f"warning: {text}", file=sys.stderr)
