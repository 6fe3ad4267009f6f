"""Other users, pid namespaces, a full disk, a real Prometheus."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt
import pytest
import yaml

from exporters import contract
from tests.bundle import ROOT, thresholds
from tests.certificates import Keys
from tests.live.exporters.auditor import START_SECONDS, gunicorn, uvicorn
from tests.live.exporters.auditor import running as auditor_running
from tests.live.exporters.rights import OTHER, USER, as_user
from tests.live.exporters.sidecar import Sidecar, sidecar
from tests.live.exporters.test_workers import REQUESTS, has, pids, send
from tests.live.prometheus import Prometheus, free_port, running, scrape_configs
from tests.live.waiting import until

PID_NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
ERRORS = contract.EXPORTER_ERRORS.sample


@pytest.mark.usefixtures("root")
def test_the_auditors_own_user_needs_no_capability(
    folder: Path, tmp_path: Path, others_python: str
) -> None:
    port = free_port()
    options = ("--port", str(port), "--app-folder", str(folder), "--watch-interval", "0.1")
    rights = as_user(USER)
    with (
        auditor_running(uvicorn(port, 3, others_python), port, folder, **rights) as auditor,
        sidecar(*options, log=tmp_path / "log", python=others_python, **rights) as side,
    ):
        status = Path(f"/proc/{side.process.pid}/status").read_text()
        assert "CapEff:\t0000000000000000" in status
        until(has(side, 3), "all workers are found", START_SECONDS)
        send(auditor, 10)
        os.kill(auditor.verify(), signal.SIGKILL)
        started = contract.WORKER_STARTS.sample
        until(
            lambda: sum(side.values(started).values()) == 4,
            "the killed worker has been replaced",
            START_SECONDS,
        )
        until((folder / "sidecar-archive.json").exists, "the sidecar has created the archive")
        assert side.value(REQUESTS, "/metrics/app") == auditor.sent
        page = side.samples("/metrics?pss=1")
        for metric in (*contract.WORKER_METRICS, contract.DB_CONNECTIONS):
            found = {dict(labels)["worker"] for name, labels in page if name == metric.sample}
            assert found == {"0", "1", "2"}, metric
        assert not any(side.values(ERRORS).values())


@pytest.mark.usefixtures("root")
def test_another_user_reports_what_it_cannot_read(
    folder: Path, tmp_path: Path, others_python: str
) -> None:
    port = free_port()
    rights = {"python": others_python, **as_user(OTHER)}
    options = ("--port", str(port), "--app-folder", str(folder), "--watch-interval", "0.1")
    command = uvicorn(port, 3, others_python)
    with auditor_running(command, port, folder, **as_user(USER)) as auditor:
        send(auditor, 5)
        with sidecar(*options, log=tmp_path / "log", **rights) as side:
            assert has(side, 0)()
            assert side.values(contract.EXPORTER_DISCOVERY.name)["hidden"] == 1
            assert f"user {USER} listens on port {port}" in (tmp_path / "log").read_text()
            assert side.value(REQUESTS, "/metrics/app") == auditor.sent, "0644 files can be read"
            assert not list(folder.glob("sidecar*")), "nothing is merged"
        pid = ("--pid", str(auditor.process.pid), *options)
        with sidecar(*pid, log=tmp_path / "log", **rights) as side:
            until(
                has(side, 3), "the children of the process that is named are found", START_SECONDS
            )
            page = side.samples()
            names = {name for name, labels in page if dict(labels).get("worker")}
            assert contract.RESIDENT_MEMORY.name in names
            assert contract.OPEN_FDS.name in names, "Linux 6.2 and newer"
            assert contract.DB_CONNECTIONS.name not in names, "left out, not 0"
            assert side.values(ERRORS)["permission"] > 0


@pytest.mark.usefixtures("root")
def test_in_another_pid_namespace_no_worker_is_taken_for_dead(folder: Path, tmp_path: Path) -> None:
    port = free_port()
    options = ("--port", str(port), "--app-folder", str(folder), "--watch-interval", "0.1")
    inside = [*PID_NAMESPACE, *gunicorn(port, 2)]
    with auditor_running(inside, port, folder) as auditor:
        send(auditor, 10)
        with sidecar(*options, log=tmp_path / "outside") as side:
            until(has(side, 2), "seen from outside, the workers are found", START_SECONDS)
            send(auditor, 10)
            time.sleep(0.5)
            assert side.value(REQUESTS, "/metrics/app") == auditor.sent
            files = sorted(file.name for file in folder.glob("*.db*"))
            assert not any("ended" in name for name in files)
            assert not list(folder.glob("sidecar*"))
        with sidecar(*options, log=tmp_path / "inside", prefix=PID_NAMESPACE) as side:
            assert side.values(contract.EXPORTER_DISCOVERY.name)["hidden"] == 1
            assert side.value(REQUESTS, "/metrics/app") == auditor.sent
            time.sleep(0.5)
            assert sorted(file.name for file in folder.glob("*.db*")) == files
        auditor.process.kill()  # unshare passes no other signal on


READ_ONLY = """
mount --make-rprivate /
mount --bind "$0" "$0"
mount -o remount,ro,bind /
exec "$@"
"""


@pytest.mark.usefixtures("root")
def test_it_writes_nothing_outside_the_folder(folder: Path, tmp_path: Path) -> None:
    """It runs where everything else is read-only, and still merges files."""
    port = free_port()
    options = ("--port", str(port), "--app-folder", str(folder), "--watch-interval", "0.1")
    prefix = ("unshare", "--mount", "/bin/sh", "-euc", READ_ONLY, str(folder))
    with (
        auditor_running(gunicorn(port, 2), port, folder) as auditor,
        sidecar(*options, log=tmp_path / "log", prefix=prefix) as side,
    ):
        mounts = Path(f"/proc/{side.process.pid}/mounts").read_text()
        assert re.search(r"^\S+ / \S+ ro,", mounts, re.MULTILINE)
        until(has(side, 2), "the workers are found", START_SECONDS)
        send(auditor, 10)
        victim = auditor.verify()
        os.kill(victim, signal.SIGKILL)
        until(lambda: not list(folder.glob(f"*_{victim}.db*")), "its files are merged")
        assert side.value(REQUESTS, "/metrics/app") == auditor.sent
        assert not any(side.values(ERRORS).values())


@pytest.mark.usefixtures("root")
def test_the_limit_of_a_real_cgroup(folder: Path, tmp_path: Path) -> None:
    port, limit = free_port(), 512 << 20
    with cgroup(limit) as group, auditor_running(uvicorn(port, 1), port, folder) as auditor:
        (group / "cgroup.procs").write_text(str(auditor.process.pid))
        with sidecar("--port", str(port), log=tmp_path / "log") as side:
            until(has(side, 1), "the worker is found", START_SECONDS)
            assert side.value(contract.MEMORY_LIMIT.name) == limit
            assert 0 < side.value(contract.MEMORY_USAGE.name) < limit


@contextmanager
def cgroup(limit: int) -> Iterator[Path]:
    """A new memory cgroup, of the version that the machine has."""
    name = f"auditor-test-{os.getpid()}"
    first = Path("/sys/fs/cgroup/memory")
    group = (first if first.is_dir() else first.parent) / name
    file = group / ("memory.limit_in_bytes" if first.is_dir() else "memory.max")
    try:
        group.mkdir()
        file.write_text(str(limit))
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here: {error}")
    try:
        yield group
    finally:
        until(lambda: not (group / "cgroup.procs").read_text(), "the cgroup is empty")
        group.rmdir()


@pytest.mark.usefixtures("root")
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)]
    subprocess.run(mount, check=True, timeout=10)
    try:
        full_disk(folder, tmp_path / "log")
    finally:
        unmount = ["umount", "--lazy", str(folder)]
        subprocess.run(unmount, check=True, timeout=10)


def full_disk(folder: Path, log: Path) -> None:
    port = free_port()
    silent = ("--probe-url", "none")  # a full disk kills the worker that a request reaches
    options = ("--port", str(port), "--app-folder", str(folder), "--watch-interval", "0.1", *silent)
    with (
        auditor_running(gunicorn(port, 2), port, folder) as auditor,
        sidecar(*options, log=log) as side,
    ):
        until(has(side, 2), "the workers are found", START_SECONDS)
        until((folder / "sidecar-archive.json").exists, "the sidecar has created the archive")
        until(lambda: len(written(folder, side)) == 2, "both workers have written")
        send(auditor, 20)
        victim = auditor.verify()
        filler = folder / "filler"
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(bytes(4 << 20))
        os.kill(victim, signal.SIGKILL)
        until(lambda: side.values(ERRORS)["write"] > 0, "the full disk is counted")
        assert side.value(REQUESTS, "/metrics/app") == auditor.sent
        filler.unlink()
        until(lambda: len(written(folder, side)) == 2, "workers that the full disk did not kill")
        send(auditor, 5)
        assert side.value(REQUESTS, "/metrics/app") == auditor.sent
    with (
        auditor_running(gunicorn(port, 2), port, folder) as again,
        sidecar(*options, log=log) as side,
    ):
        again.sent += auditor.sent
        until(lambda: not list(folder.glob("*.ended-*")), "with space again, files are merged")
        send(again, 5)
        assert side.value(REQUESTS, "/metrics/app") == again.sent


def written(folder: Path, side: Sidecar) -> list[int]:
    """Workers whose files are on the disk: a page missing on a full disk kills its writer."""
    files = [(pid, folder / f"histogram_{pid}.db") for pid in pids(side).values()]
    return [pid for pid, file in files if file.exists() and file.stat().st_blocks]


def test_a_real_prometheus_scrapes_both_pages(prometheus_server: Path, tmp_path: Path) -> None:
    port, folder, server = free_port(), tmp_path / "metrics", tmp_path / "prometheus"
    folder.mkdir()
    server.mkdir()
    jobs = thresholds().service.jobs
    options = ("--port", str(port), "--app-folder", str(folder))
    with (
        auditor_running(uvicorn(port, 2), port, folder) as auditor,
        sidecar(*options, log=tmp_path / "log") as side,
    ):
        send(auditor, 10)
        config = {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": scrape_configs(jobs, f"127.0.0.1:{side.port}"),
        }
        with running(prometheus_server, config, server) as prometheus:
            both = {jobs.api: "1", jobs.workers: "1"}
            until(lambda: ups(prometheus) == both, "both are up", START_SECONDS)
            until(lambda: total(prometheus) == auditor.sent, "the requests arrive")
            send(auditor, 7)
            until(lambda: total(prometheus) == auditor.sent, "and further ones")
            targets = prometheus.get("/api/v1/targets")["activeTargets"]
            assert {target["lastError"] for target in targets} == {""}


def test_a_real_prometheus_with_a_certificate_and_a_password(
    prometheus_server: Path, tmp_path: Path, keys: Keys
) -> None:
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    web = {
        "tls_server_config": {
            "cert_file": str(keys.folder / "server.crt"),
            "key_file": str(keys.folder / "server.key"),
            "client_ca_file": str(keys.folder / "ca.crt"),
            "client_auth_type": "RequireAndVerifyClientCert",
            "client_allowed_sans": ["prometheus.example"],
        },
        "basic_auth_users": {"prometheus": hashed},
    }
    (tmp_path / "web.yml").write_text(yaml.safe_dump(web))
    port = free_port()
    secured = {
        "job_name": "secured",
        "scheme": "https",
        "basic_auth": {"username": "prometheus", "password": "secret"},
        "tls_config": {
            "ca_file": str(keys.folder / "server.crt"),
            "cert_file": str(keys.folder / "known.crt"),
            "key_file": str(keys.folder / "known.key"),
        },
        "static_configs": [{"targets": [f"localhost:{port}"]}],
    }
    wrong = {
        **secured,
        "job_name": "wrong",
        "basic_auth": {"username": "prometheus", "password": "guessed"},
    }
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [secured, wrong]}
    command = ["-m", "exporters", "--listen", f"127.0.0.1:{port}", "--port", str(free_port())]
    with subprocess.Popen(
        [sys.executable, *command, "--web-config", str(tmp_path / "web.yml")], cwd=ROOT
    ) as process:
        try:
            with running(prometheus_server, config, tmp_path) as prometheus:
                expected = {"secured": "1", "wrong": "0"}
                until(
                    lambda: ups(prometheus) == expected,
                    "one is let in, the other is not",
                    START_SECONDS,
                )
        finally:
            process.terminate()


def ups(prometheus: Prometheus) -> dict[str, str]:
    return {row["metric"]["job"]: row["value"][1] for row in prometheus.query("up")}


def total(prometheus: Prometheus) -> float:
    return sum(float(row["value"][1]) for row in prometheus.query(f"sum({REQUESTS})"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with sidecar("--port", str(free_port()), log=log) as side:
        side.process.send_signal(number)
        assert side.process.wait(60) == 0
    assert "stopped by a signal" in log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--port", "0"), 2, "'0' is not a port"),
        (("--web-config", "/nowhere.yml"), 2, "/nowhere.yml: cannot read the file: No such file"),
        (("--listen", "192.0.2.1:9105"), 1, "cannot listen on 192.0.2.1:9105"),
        (("--listen", "no-such-host.invalid:9105"), 1, "cannot listen on no-such-host.invalid"),
    ],
)
def test_a_mistake_is_one_message(arguments: tuple[str, ...], code: int, text: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "exporters", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == code
    assert text in run.stderr
    assert "Traceback" not in run.stderr
