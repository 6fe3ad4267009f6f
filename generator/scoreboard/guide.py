"""The alerting rules of the Auditor's performance testing guide, to compare with."""

from __future__ import annotations

from typing import Final

GROUP: Final = "guide"

# As printed in its chapter Alerting Rules, below the two lines that make a rule file of them.
RULES: Final = """\
groups:
- name: guide
  rules:
  # Alert on high error rate
  - alert: HighErrorRate
    expr: rate(auditor_verify_requests_total{status="error"}[5m]) > 0.05
    for: 5m
    annotations:
      summary: "High error rate detected"

  # Alert on high latency
  - alert: HighLatency
    expr: histogram_quantile(0.95, auditor_verify_latency_seconds_bucket) > 2
    for: 5m
    annotations:
      summary: "p95 latency > 2s"

  # Alert on memory leak
  - alert: MemoryLeak
    expr: rate(process_resident_memory_bytes[1h]) > 10485760  # 10 MB/hour
    for: 3h
    annotations:
      summary: "Possible memory leak detected"
"""
