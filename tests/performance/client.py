"""Sends requests to the Auditor and measures their latencies."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from threading import Event, Lock, Thread
from typing import Any, Final

import requests

from generator.http import address, unreachable
from tests.performance.verification import ANSWERS, credentials, request, response_problem

TIMEOUT: Final = 60.0
# After this many timeouts in a row a caller gives up.
MAX_TIMEOUTS: Final = 3
_WARM_UP_THREADS: Final = 8
_WARM_UP_BATCH: Final = 32


class HostError(Exception):
    """The host cannot be tested; the message says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`problem` is "" for a good response; `limited`: the rate limit rejected the request.

    `ended` is a value of time.perf_counter().
    """

    seconds: float
    ended: float
    problem: str = ""
    limited: bool = False


class Client:
    """Sends requests from one thread, over one connection if `keep_alive`."""

    def __init__(self, url: str, *, keep_alive: bool = True) -> None:
        self._url = f"{url}/verify"
        self._session = requests.Session()
        self._session.headers.update(credentials())
        if not keep_alive:
            self._session.headers["Connection"] = "close"

    def send(self, body: Mapping[str, Any]) -> Outcome:
        start = time.perf_counter()
        try:
            response = self._session.post(self._url, json=body, timeout=TIMEOUT)
        except requests.RequestException as error:
            end = time.perf_counter()
            return Outcome(end - start, end, type(error).__name__)
        end = time.perf_counter()
        problem = response_problem(response.status_code, response.text)
        limited = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
        return Outcome(end - start, end, problem, limited)


def send_all(
    clients: Iterable[Client],
    bodies: Iterable[Mapping[str, Any]],
    on_response: Callable[[], object] = lambda: None,
) -> list[Outcome]:
    """Each client sends the next body as soon as it has its response. Ordered by their end.

    Ctrl-C takes effect at once: it waits for no thread, and no thread sends another request.
    """
    remaining, lock, stop = iter(bodies), Lock(), Event()
    outcomes: list[Outcome] = []

    def run(client: Client) -> None:
        timeouts = 0
        while timeouts < MAX_TIMEOUTS and not stop.is_set():
            with lock:
                body = next(remaining, None)
            if body is None:
                return
            outcome = client.send(body)
            outcomes.append(outcome)
            timeouts = timeouts + 1 if outcome.seconds >= TIMEOUT else 0
            on_response()

    threads = [Thread(target=run, args=(client,), daemon=True) for client in clients]
    for each in threads:
        each.start()
    try:
        for each in threads:
            each.join()
    finally:
        stop.set()
    return sorted(outcomes, key=lambda each: each.ended)


def host(url: str) -> str:
    """The URL without a trailing slash; raises HostError."""
    try:
        return address(url, "http://HOST:PORT of an Auditor")
    except ValueError as error:
        raise HostError(str(error)) from error


def check_health(url: str) -> None:
    """Raises HostError unless GET /health answers with 200."""
    try:
        status = requests.get(f"{url}/health", headers=credentials(), timeout=TIMEOUT).status_code
    except requests.RequestException as error:
        raise HostError(f"{url} is down: {unreachable(error, (TIMEOUT, TIMEOUT))}") from error
    if status != HTTPStatus.OK:
        raise HostError(f"{url}/health answers with status {status}")


def warm_up(url: str, max_seconds: float) -> int:
    """Send requests until all workers have loaded their models; return how many were sent.

    Every request uses a new connection, to reach all workers. They are warm when the slowest
    request of a batch takes at most three times the median.
    """
    end = time.monotonic() + max_seconds
    sent = 0
    while time.monotonic() < end:
        clients = [Client(url, keep_alive=False) for _ in range(_WARM_UP_THREADS)]
        bodies = islice(iter(lambda: request(ANSWERS[0], 1), None), _WARM_UP_BATCH)
        outcomes = send_all(clients, bodies)
        sent += len(outcomes)
        times = [each.seconds for each in outcomes if not each.problem]
        if not times or max(times) <= 3 * statistics.median(times):
            break
    return sent
