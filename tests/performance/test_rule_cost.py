"""What the rules cost a real Prometheus with a hundred instances of eight workers: `make bench`.

It is backfilled as far as the rules look back: six hours of requests, one hour of histograms and
workers, one month of hourly recordings.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.alerts import objectives
from generator.names import LATENCY, OPEN_FDS, REQUESTS, RESIDENT_MEMORY, START_TIME, THREADS
from generator.promql import le
from generator.thresholds.model import Thresholds
from generator.thresholds.units import format_duration
from tests.bundle import ROOT, recordings, thresholds
from tests.live.prometheus import Prometheus, running
from tests.live.target import STARTED, app, serve, workers

INSTANCES = [f"10.0.0.{index}:9105" for index in range(100)]
WORKERS = 8
HOUR = 3600.0
# Seconds until scraped and recorded samples follow the backfilled ones.
SETTLE_SECONDS = 90
MEASUREMENTS = 7
MAX_SHARE = 0.05

_LEAKING = (RESIDENT_MEMORY, OPEN_FDS, THREADS, START_TIME)
_SAMPLE = re.compile(r"(?P<name>[\w:]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")


def many_workers() -> Thresholds:
    """The committed thresholds with eight workers."""
    found = thresholds()
    service = found.service.model_copy(update={"expected_workers": WORKERS})
    return found.model_copy(update={"service": service})


def recent_history(now: float) -> Iterator[str]:
    """OpenMetrics of the requests, histograms and workers, in order of time."""
    service = many_workers().service
    within = f'{LATENCY}_bucket{{le="{le(many_workers().slo.latency.within)}"}}'
    counted = (f"{REQUESTS}{{", f"{LATENCY}_count", within)
    step = service.scrape_interval
    start = now - 6 * HOUR
    for turn in range(int(6 * HOUR / step)):
        at = start + turn * step
        recent = now - at <= HOUR
        seconds = max(0.0, at - STARTED + 7 * HOUR)
        page = [*app(many_workers(), seconds), f'{REQUESTS}{{status="error"}} {seconds / 100}']
        yield from _samples((x for x in page if recent or x.startswith(counted)), "api", at)
        if recent:
            leaking = (x for x in workers(many_workers(), seconds) if x.startswith(_LEAKING))
            yield from _samples(leaking, "workers", at)
            yield from _samples(_envelopes(), "workers", at)
    yield "# EOF"


def _envelopes() -> Iterator[str]:
    """The recorded lower envelopes of each worker."""
    for recording in recordings():
        if re.fullmatch(r"worker:\w+:min\d+\w", recording.name):
            yield from (f'{recording.name}{{worker="{each}"}} 1e9' for each in range(WORKERS))


def hourly_history(now: float) -> Iterator[str]:
    """OpenMetrics of a month of hourly recordings."""
    slo = thresholds().slo
    hour = slo.burn.fast.window  # of the recordings
    names = [
        count(hour).name
        for each in objectives.objectives(many_workers())
        for count in (each.all_, each.bad)
    ]
    assert all(name.endswith(format_duration(hour)) for name in names)
    for turn in range(int(slo.period / hour)):
        at = (now // hour - slo.period / hour + turn) * hour
        yield from _samples((f"{name} 36000" for name in names), "api", at)
    yield "# EOF"


def _samples(page: Iterable[str], job: str, at: float) -> Iterator[str]:
    job = getattr(thresholds().service.jobs, job)
    for line in page:
        found = _SAMPLE.fullmatch(line)
        assert found, line
        inner = f"{found['labels']}," if found["labels"] else ""
        for instance in INSTANCES:
            labels = f'{inner}job="{job}",instance="{instance}"'
            yield f"{found['name']}{{{labels}}} {found['value']} {at:.0f}"


def backfill(promtool: Path, folder: Path, lines: Iterator[str], block: str) -> None:
    page = folder / "history.txt"
    with page.open("w") as file:
        file.writelines(f"{line}\n" for line in lines)
    length = f"--max-block-duration={block}"
    command = (promtool, "tsdb", "create-blocks-from", "openmetrics", "-q", length)
    subprocess.run([*command, page, folder / "data"], check=True, timeout=600)
    page.unlink()


def scrape_config(job: str, path: str, address: str) -> dict[str, Any]:
    """One server stands for all instances."""
    return {
        "job_name": job,
        "metrics_path": path,
        "static_configs": [{"targets": INSTANCES}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": address},
        ],
    }


@pytest.mark.bench
def test_the_rules_of_a_hundred_instances_are_cheap(
    any_promtool: Path, prometheus_server: Path, tmp_path: Path
) -> None:
    service = many_workers().service
    now = time.time()
    backfill(any_promtool, tmp_path, recent_history(now), "6h")
    backfill(any_promtool, tmp_path, hourly_history(now), "48h")
    interval = {"scrape_interval": format_duration(service.scrape_interval)}
    with serve(many_workers()) as address:
        jobs = {service.jobs.api: "/metrics/app", service.jobs.workers: "/metrics"}
        config = {
            "global": {**interval, "evaluation_interval": interval["scrape_interval"]},
            "rule_files": [str(ROOT / "alerts/*.yml")],
            "scrape_configs": [scrape_config(job, path, address) for job, path in jobs.items()],
        }
        with running(
            prometheus_server, config, tmp_path, "--storage.tsdb.retention.time=60d"
        ) as server:
            time.sleep(SETTLE_SECONDS)
            measured = [later(server, service.scrape_interval) for _ in range(MEASUREMENTS)]
            slowest = sorted(server.rules(), key=lambda rule: -rule["evaluationTime"])[:5]
            series = server.query("prometheus_tsdb_head_series") or server.query("count({job!=''})")
    medians = {group: statistics.median(each[group] for each in measured) for group in measured[0]}
    for group, share in sorted(medians.items(), key=lambda item: -item[1]):
        print(f"{group:24} {share:7.2%} of its interval")
    for rule in slowest:
        print(f"{rule['name']:60} {rule['evaluationTime'] * 1000:7.1f} ms")
    print(f"{series[0]['value'][1]} series; all rules: {sum(medians.values()):.2%} of the time")
    assert sum(medians.values()) <= MAX_SHARE


def later(server: Prometheus, seconds: float) -> dict[str, float]:
    """How long the last evaluation of each group took, as a share of its interval."""
    time.sleep(seconds)
    groups = server.get("/api/v1/rules")["groups"]
    return {group["name"]: group["evaluationTime"] / group["interval"] for group in groups}
