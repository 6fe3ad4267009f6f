"""The sidecar compared with Debian's prometheus-process-exporter: `make bench`.

Both watch the same fake workers. The peer runs without its thread metrics. It has 2.8 times the
series and reads proportional memory by default, so it is measured with and without that. The
sidecar runs with the environment of the systemd unit and the container image.
"""

from __future__ import annotations

import http.client
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests import tools
from tests.live.prometheus import free_port
from tests.live.waiting import until
from tests.tools import ROOT

FAKE_WORKERS = Path(__file__).with_name("fake_workers.py")
SERVICE_ENVIRONMENT = {"PYTHONNODEBUGRANGES": "1", "MALLOC_MMAP_THRESHOLD_": "131072"}
MIB = 2**20
MAX_RSS = 30 * MIB


class Exporter:
    """A running exporter, scraped over a kept-alive connection like Prometheus does."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, path: str) -> None:
        self.process = process
        self.path = path
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def scrape(self) -> tuple[float, bytes]:
        """The duration in seconds, and the page."""
        start = time.perf_counter()
        self.connection.request("GET", self.path)
        answer = self.connection.getresponse()
        page = answer.read()
        assert answer.status == 200, page
        return time.perf_counter() - start, page

    def serves(self) -> bool:
        self.connection.close()
        return bool(self.scrape()[1])

    def cpu(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss(self) -> int:
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Cost:
    """The cost of an exporter: latencies and total CPU time in milliseconds, RSS in bytes."""

    latencies: list[float]
    cpu: float
    rss: int

    @property
    def latency(self) -> float:
        return statistics.median(self.latencies)

    def __str__(self) -> str:
        cpu = self.cpu / len(self.latencies)
        return f"{self.latency:9.2f} ms {cpu:9.2f} ms {self.rss / MIB:6.1f} MiB"


@contextmanager
def fake_workers(*numbers: int) -> Iterator[int]:
    """Numbers of workers, threads and file descriptors; yields the port."""
    process = subprocess.Popen(
        [sys.executable, FAKE_WORKERS, *map(str, numbers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.communicate(timeout=60)


@contextmanager
def exporter(command: list[str], port: int, path: str = "/metrics") -> Iterator[Exporter]:
    environment = {"PATH": os.environ["PATH"], **SERVICE_ENVIRONMENT}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        running = Exporter(process, port, path)
        until(running.serves, "the exporter responds", 120)
        yield running
        running.connection.close()
    finally:
        process.kill()
        process.wait(10)


def sidecar(port: int, *options: str) -> tuple[list[str], int]:
    listen = free_port()
    command = [sys.executable, "-m", "exporters", "--port", str(port), "--probe-url", "none"]
    return [*command, "--listen", f"127.0.0.1:{listen}", *options], listen


def peer(folder: Path, *options: str) -> tuple[list[str], int]:
    listen = free_port()
    groups = {"process_names": [{"name": "{{.PID}}", "cmdline": ["fake_workers.py"]}]}
    (folder / "peer.yml").write_text(yaml.safe_dump(groups))
    program = str(tools.program(tools.PROCESS_EXPORTER))
    paths = [f"-config.path={folder / 'peer.yml'}", f"-web.listen-address=127.0.0.1:{listen}"]
    return [program, *paths, "-threads=false", "-children=false", *options], listen


def measure(exporters: list[Exporter], turns: int) -> list[Cost]:
    """Scrape the exporters alternately, so that noise affects all of them."""
    costs = [Cost([], each.cpu(), 0) for each in exporters]
    for _ in range(turns):
        for each, cost in zip(exporters, costs, strict=True):
            cost.latencies.append(each.scrape()[0] * 1000)
    for each, cost in zip(exporters, costs, strict=True):
        cost.cpu = (each.cpu() - cost.cpu) * 1000
        cost.rss = each.rss()
    return costs


@pytest.mark.bench
@pytest.mark.parametrize(
    ("workers", "threads", "turns", "goal"),
    [(4, 20, 200, 10), (100, 20, 30, 20), (1000, 20, 5, 20), (100, 1, 60, 5)],
)
def test_a_scrape_costs_a_fraction_of_the_peers(
    workers: int, threads: int, turns: int, goal: float, tmp_path: Path
) -> None:
    with (
        fake_workers(workers, threads, 50) as port,
        exporter(*sidecar(port)) as ours,
        exporter(*peer(tmp_path)) as theirs,
        exporter(*peer(tmp_path, "-gather-smaps=false")) as light,
    ):
        expected = f"\nauditor_workers {workers}\n".encode()
        until(lambda: expected in ours.scrape()[1], "all workers are found")
        assert ours.scrape()[1].count(b"auditor_worker_threads{") == workers
        our, *others = measure([ours, theirs, light], turns)
    print(f"\n{workers} workers of {threads} threads and 50 fds, {turns} turns")
    print(f"{'':28}  latency          CPU         RSS      ratio of latency, CPU")
    print(f"  sidecar                 {our}")
    for name, other in zip(("process-exporter", "  without smaps"), others, strict=True):
        ratios = f"{other.latency / our.latency:8.1f} {other.cpu / our.cpu:8.1f}"
        print(f"  {name:22}  {other} {ratios}")
    assert others[0].latency / our.latency >= goal
    assert our.rss <= MAX_RSS


DEAD = 10_000
PROGRAM = """
import os, sys, time
from exporters.app import AppMetrics
from exporters.exposition import render
from pathlib import Path
metrics = AppMetrics(Path(sys.argv[1]), print)
slots = {pid: pid for pid in range(1, 5)}
dead = lambda pid: pid not in slots
start = time.perf_counter()
metrics.merge(dead)
while metrics.merge(dead): pass
print((time.perf_counter() - start) * 1e3)
times = []
for _ in range(200):
    start = time.perf_counter()
    render(metrics.collect(slots), openmetrics=True)
    times.append((time.perf_counter() - start) * 1e3)
print(sorted(times)[100])
"""
STANDARD = """
import os, sys, time
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
times = []
for _ in range(3):
    start = time.perf_counter()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=sys.argv[1])
    generate_latest(registry)
    times.append((time.perf_counter() - start) * 1e3)
print(sorted(times)[1])
"""


@pytest.mark.bench
def test_a_scrape_of_the_app_costs_the_same_after_ten_thousand_workers(tmp_path: Path) -> None:
    write_workers(tmp_path, 4 + DEAD)
    (theirs,) = run(STANDARD, tmp_path)
    merging, ours = run(PROGRAM, tmp_path)
    print(f"\n4 live workers with 2 files each, {DEAD} dead ones behind")
    print(f"  sidecar, merged         {ours:9.3f} ms; merging took {merging:.0f} ms")
    print(f"  MultiProcessCollector   {theirs:9.1f} ms; {theirs / ours:.0f} times as long")
    assert ours <= 1
    assert theirs / ours >= 500


def write_workers(folder: Path, count: int) -> None:
    """Write the files of that many workers: one real worker's, and copies of them."""
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    program = (
        "import tests.live.exporters.app as app\n"
        "app.REQUESTS.labels('success').inc()\napp.REQUESTS.labels('error').inc()\n"
        "app.LATENCY.observe(0.3)\napp.CONFIDENCE.observe(0.9)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)
    for file in list(folder.iterdir()):
        content = file.read_bytes()
        kind = file.name.split("_")[0]
        for pid in range(1, count + 1):
            with (folder / f"{kind}_{pid}.db").open("wb") as copy:
                copy.write(content[:4096])  # the rest is a hole of zeros
                copy.truncate(len(content))
        file.unlink()


def run(program: str, folder: Path) -> list[float]:
    """The numbers that a program prints."""
    command = [sys.executable, "-c", program, str(folder)]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300).stdout
    return [float(line) for line in output.split()]
