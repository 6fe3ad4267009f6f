"""The images of the Compose stack, each pinned by its tag.

The owner of a tag can move it; if that matters, pin the digests that your registry shows.
"""

from __future__ import annotations

from typing import Final

PROMETHEUS: Final = "prom/prometheus:v3.5.1"
ALERTMANAGER: Final = "prom/alertmanager:v0.33.1"
BLACKBOX: Final = "prom/blackbox-exporter:v0.28.0"
GRAFANA: Final = "grafana/grafana:12.4.1"
LOKI: Final = "grafana/loki:3.7.6"
ALLOY: Final = "grafana/alloy:v1.18.1"
