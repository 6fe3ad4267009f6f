"""Real uvicorn and gunicorn servers, and what the sidecar exports about them."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from exporters import contract
from tests.live.exporters import kernel
from tests.live.exporters.auditor import START_SECONDS, Auditor, gunicorn, request, running, uvicorn
from tests.live.exporters.sidecar import Sidecar, beside, sidecar
from tests.live.prometheus import free_port
from tests.live.waiting import until

Command = Callable[[int, int], list[str]]
SERVERS = [
    pytest.param(uvicorn, 1, id="uvicorn-1"),
    pytest.param(uvicorn, 4, id="uvicorn-4"),
    pytest.param(uvicorn, 16, id="uvicorn-16", marks=pytest.mark.full),
    pytest.param(gunicorn, 4, id="gunicorn-4"),
]
REQUESTS = "auditor_verify_requests_total"
LATENCY = "auditor_verify_latency_seconds_count"


def pids(side: Sidecar) -> dict[str, int]:
    """Pid by slot."""
    return {
        dict(labels)["worker"]: int(dict(labels)["pid"])
        for (name, labels) in side.samples()
        if name == contract.WORKER_INFO.name
    }


def has(side: Sidecar, workers: int) -> Callable[[], bool]:
    return lambda: side.value(contract.WORKERS.name) == workers


def starts(side: Sidecar) -> dict[str, float]:
    """Worker starts by slot."""
    return side.values(contract.WORKER_STARTS.sample)


def counts(side: Sidecar, auditor: Auditor) -> bool:
    """Whether the app's page has exactly the requests that were answered."""
    found = side.samples("/metrics/app")
    total = found[REQUESTS, (("status", "success"),)]
    assert total == found[LATENCY, ()] == found["auditor_confidence_score_count", ()]
    return total == auditor.sent


@pytest.mark.parametrize(("command", "workers"), SERVERS)
def test_every_value_is_what_the_kernel_says(
    command: Command, workers: int, tmp_path: Path
) -> None:
    with beside(command, workers, tmp_path, "--probe-url", "none") as (auditor, side):
        until(has(side, workers), "all workers are found", START_SECONDS)
        expected = sorted(auditor.children() or [auditor.process.pid])
        until(lambda: sorted(pids(side).values()) == expected, "they are the server's processes")
        for _ in range(20):
            auditor.verify()
        slots = pids(side)
        assert sorted(slots, key=int) == [str(slot) for slot in range(workers)]

        def page() -> kernel.Samples:
            found = side.samples("/metrics?pss=1")
            return {key: value for key, value in found.items() if dict(key[1]).get("worker")}

        def truth() -> kernel.Samples:
            found: dict[kernel.Key, float] = {}
            for slot, pid in slots.items():
                found |= kernel.expected(slot, pid)
                found[contract.DB_CONNECTIONS.sample, (("worker", slot),)] = 0
                found[contract.WORKER_STARTS.sample, (("worker", slot),)] = 1
            return found

        kernel.assert_same(page, truth)
        errors = side.values(contract.EXPORTER_ERRORS.sample)
        assert not any(errors.values()), errors
        labels = {value for _, pairs in side.samples() for _, value in pairs}
        assert all(re.fullmatch(r"[a-z_]+|[0-9.+]+|\+Inf", value) for value in labels), labels


@pytest.mark.parametrize(
    ("command", "workers"),
    [
        pytest.param(uvicorn, 4, id="uvicorn-4", marks=pytest.mark.full),
        pytest.param(uvicorn, 16, id="uvicorn-16", marks=pytest.mark.full),
        pytest.param(gunicorn, 4, id="gunicorn-4"),
    ],
)
def test_counters_stay_exact_whatever_the_workers_do(
    command: Command, workers: int, tmp_path: Path
) -> None:
    port = free_port()
    folder = tmp_path / "metrics"
    folder.mkdir()
    options = ("--port", str(port), "--app-folder", str(folder), "--watch-interval", "0.1")
    with running(command(port, workers), port, folder) as auditor:
        with sidecar(*options, log=tmp_path / "log") as side:
            until(has(side, workers), "all workers are found", START_SECONDS)
            send(auditor, 40)
            assert counts(side, auditor)

            slots = pids(side)
            victim = auditor.verify()
            os.kill(victim, signal.SIGKILL)
            until(lambda: victim not in pids(side).values(), "the killed worker is gone")
            assert counts(side, auditor)
            until(has(side, workers), "it has been replaced", START_SECONDS)
            after = pids(side)
            assert [slot for slot in slots if slots[slot] != after[slot]] == [
                slot for slot in slots if slots[slot] == victim
            ], "the new worker has the freed slot, the others keep theirs"
            assert starts(side) == {slot: 1 + (slots[slot] == victim) for slot in slots}
            send(auditor, 20)
            assert counts(side, auditor)

            if command is gunicorn:  # uvicorn has no reload of its own
                auditor.process.send_signal(signal.SIGHUP)
                until(
                    lambda: (
                        not set(pids(side).values()) & set(after.values()) and has(side, workers)()
                    ),
                    "the reload has replaced all workers",
                    START_SECONDS,
                )
                send(auditor, 20)
                assert counts(side, auditor)

            auditor.stop()
            until(has(side, 0), "the Auditor is gone", START_SECONDS)
            assert counts(side, auditor)
            assert side.values(contract.EXPORTER_DISCOVERY.name)["no_listener"] == 1

            auditor.start()
            until(auditor.serves, "the app serves again", START_SECONDS)
            assert side.value(contract.WORKERS.name) >= 1, "found within one scrape"
            until(has(side, workers), "all workers are found again", START_SECONDS)
            send(auditor, 20)
            assert counts(side, auditor)
            until(
                lambda: merged(folder) and counts(side, auditor),
                "dead files are merged",
            )
            assert side.stop() == 0
        with sidecar(*options, log=tmp_path / "log") as again:
            assert counts(again, auditor), "its own restart loses nothing"
            send(auditor, 5)
            assert counts(again, auditor)


def serving_beside(auditor: Auditor, known: set[int]) -> int:
    """The process that serves a request; 0 if it is a known one."""
    return next(iter({auditor.verify()} - known), 0)


@pytest.mark.parametrize("command", [pytest.param(uvicorn, marks=pytest.mark.full), gunicorn])
def test_starts_are_counted_by_slot(command: Command, tmp_path: Path) -> None:
    """One worker in a crash loop beside three healthy ones, and nobody scrapes meanwhile."""
    with beside(command, 4, tmp_path) as (auditor, side):
        until(has(side, 4), "all workers are found", START_SECONDS)
        healthy = pids(side)
        victim, crashes = healthy.pop("2"), 6
        for _ in range(crashes):
            known = {victim, *healthy.values()}
            os.kill(victim, signal.SIGKILL)
            newcomer = partial(serving_beside, auditor, known)
            victim = until(newcomer, "the next one serves", START_SECONDS)
        assert pids(side) == {**healthy, "2": victim}
        expected = {"0": 1, "1": 1, "2": 1 + crashes, "3": 1}
        assert starts(side) == expected

        for pid in auditor.children():
            os.kill(pid, signal.SIGKILL)
        dead = {victim, *healthy.values()}
        until(
            lambda: not set(pids(side).values()) & dead and has(side, 4)(),
            "all of them are replaced",
            START_SECONDS,
        )
        expected = {slot: count + 1 for slot, count in expected.items()}
        assert starts(side) == expected

        before = set(pids(side).values())
        auditor.process.send_signal(signal.SIGHUP)
        until(
            lambda: not set(pids(side).values()) & before and has(side, 4)(),
            "all of them are reloaded",
            START_SECONDS,
        )
        assert sum(starts(side).values()) == sum(expected.values()) + 4
        assert len(starts(side)) <= 8, "as many slots as there were workers at a time"


def send(auditor: Auditor, requests: int) -> None:
    for _ in range(requests):
        auditor.verify()


def merged(folder: Path) -> bool:
    """Whether only files of live processes are left."""
    found = [re.findall(r"_(\d+)\.db", file.name) for file in folder.iterdir()]
    return all(Path(f"/proc/{pid}").exists() for each in found for pid in each)


def test_totals_never_decrease_while_workers_are_killed_under_load(tmp_path: Path) -> None:
    with beside(gunicorn, 4, tmp_path, "--watch-interval", "0.05") as (auditor, side):
        until(has(side, 4), "all workers are found", START_SECONDS)
        seen = [0.0]
        failed = 0
        for turn in range(200):
            try:
                pid = auditor.verify()
                if turn % 20 == 10:
                    os.kill(pid, signal.SIGKILL)
            except (OSError, AssertionError):
                failed += 1
            page = side.values(REQUESTS, "/metrics/app")
            seen.append(page.get("success", 0.0))
        assert seen == sorted(seen)
        assert auditor.sent <= seen[-1] <= auditor.sent + failed
        assert auditor.sent >= 180


def test_a_server_of_one_worker_that_is_killed(tmp_path: Path) -> None:
    """It has no parent to replace it, so somebody starts it again."""
    with beside(uvicorn, 1, tmp_path) as (auditor, side):
        for turn in range(1, 4):
            until(has(side, 1), "the worker is found", START_SECONDS)
            send(auditor, 10)
            assert counts(side, auditor)
            assert pids(side) == {"0": auditor.process.pid}
            assert starts(side) == {"0": turn}
            auditor.process.kill()
            auditor.process.wait(60)
            assert has(side, 0)()
            assert counts(side, auditor)
            auditor.start()
            until(auditor.serves, "the app serves again", START_SECONDS)
            assert has(side, 1)(), "found within one scrape"


@pytest.mark.parametrize(
    "kind", [pytest.param("pid", marks=pytest.mark.full), "pid-file", "pattern", "wrapper"]
)
def test_the_process_can_be_named(kind: str, tmp_path: Path) -> None:
    port = free_port()
    command = uvicorn(port, 2)
    if kind == "wrapper":
        command = ["/bin/sh", "-c", '"$@"; exit $?', "sh", *command]
    with running(command, port, tmp_path) as auditor:
        pid = auditor.process.pid
        (tmp_path / "pid").write_text(f"{pid}\n")
        named = {
            "pid": ("--pid", str(pid)),
            "pid-file": ("--pid-file", str(tmp_path / "pid")),
            "pattern": ("--pattern", f"uvicorn .*--port {port} "),
            "wrapper": ("--pid", str(pid)),
        }[kind]
        with sidecar("--port", str(port), *named, log=tmp_path / "log") as side:
            until(has(side, 2), "the workers are found", START_SECONDS)
            found = set(pids(side).values())
            assert {auditor.verify() for _ in range(40)} <= found
        if kind == "wrapper":  # the shell passes no signal on
            for child in auditor.children():
                os.kill(child, signal.SIGTERM)
            until(lambda: not auditor.children(), "it has ended with its workers")


def test_connections_to_the_database_belong_to_their_workers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as database:
        port = database.getsockname()[1]
        with beside(uvicorn, 2, tmp_path, "--db-ports", str(port)) as (auditor, side):
            until(has(side, 2), "the workers are found", START_SECONDS)
            opened = Counter(auditor.connect_to_database(port) for _ in range(12))
            expected = {slot: float(opened[pid]) for slot, pid in pids(side).items()}
            assert side.values(contract.DB_CONNECTIONS.name) == expected
            assert sum(expected.values()) == 12


def test_waiting_requests_are_counted(tmp_path: Path) -> None:
    """One stopped worker: five requests wait on open connections, three are not accepted yet."""
    with (
        beside(uvicorn, 1, tmp_path, "--probe-url", "none") as (auditor, side),
        ExitStack() as stack,
    ):
        address = ("127.0.0.1", auditor.port)
        kept = [http.client.HTTPConnection(*address, timeout=60) for _ in range(5)]
        for connection in kept:
            stack.callback(connection.close)
            connection.request("GET", "/health")
            connection.getresponse().read()
        assert waiting(side) == (5, 1, 0, 0)
        auditor.process.send_signal(signal.SIGSTOP)
        try:
            for connection in kept:
                connection.request("GET", "/health")
            fresh = [stack.enter_context(socket.create_connection(address, 60)) for _ in range(3)]
            fresh[0].sendall(b"GET /health HTTP/1.1\r\n\r\n")
            until(lambda: waiting(side) == (8, 1, 5, 3), "all of them wait")
        finally:
            auditor.process.send_signal(signal.SIGCONT)
        for connection in kept:
            assert connection.getresponse().read()
        until(lambda: waiting(side)[2:] == (0, 0), "nothing waits any more")


def waiting(side: Sidecar) -> tuple[float, ...]:
    """Connections, clients, connections with unread requests, connections not accepted yet."""
    page = side.samples()
    families = (
        contract.API_CONNECTIONS,
        contract.API_CLIENTS,
        contract.CONNECTIONS_WAITING,
        contract.ACCEPT_QUEUE,
    )
    return tuple(page[family.name, ()] for family in families)


def test_a_hung_worker_fails_the_probe(tmp_path: Path) -> None:
    options = ("--probe-interval", "0.2", "--probe-timeout", "0.5")
    with beside(uvicorn, 1, tmp_path, *options) as (auditor, side):
        until(lambda: side.value(contract.PROBE_SUCCESS.name) == 1, "the probe succeeds")
        auditor.process.send_signal(signal.SIGSTOP)
        try:
            until(lambda: side.value(contract.PROBE_SUCCESS.name) == 0, "the probe fails")
            assert has(side, 1)(), "it still lives"
            assert request(side.port, "/-/healthy")[0] == 200
        finally:
            auditor.process.send_signal(signal.SIGCONT)
        until(lambda: side.value(contract.PROBE_SUCCESS.name) == 1, "the probe succeeds again")


def test_an_auditor_that_is_not_up_yet_is_no_error(tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "log"
    with sidecar("--port", str(port), "--watch-interval", "0.05", log=log) as side:
        assert has(side, 0)()
        assert side.values(contract.EXPORTER_DISCOVERY.name)["no_listener"] == 1
        assert (contract.RESIDENT_MEMORY.name, ()) not in side.samples()
        with running(uvicorn(port, 1), port, tmp_path):
            until(has(side, 1), "the worker is found", START_SECONDS)
        until(has(side, 0), "the worker is gone", START_SECONDS)
        lines = [line for line in log.read_text().splitlines() if "nothing listens" in line]
        assert len(lines) == 2, "once before it was up, once after"
