"""Asks the Auditor for verifications, and takes the time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from threading import Event, Lock, Thread
from typing import Any, Final

import requests

from generator.http import address, unreachable
from tests.performance.verification import ANSWERS, LIMITED, OK, credentials, problem, request

TIMEOUT: Final = 60.0
# A caller who got no answer within TIMEOUT so often in a row asks no more: the host hangs.
GIVE_UP: Final = 3
_WARM_THREADS: Final = 8
_WARM_BATCH: Final = 32


class HostError(Exception):
    """The host cannot be tested; the text says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`problem` is "" for an answer as documented; `limited`: the rate limit refused it.

    `ended` is a moment of the performance counter.
    """

    seconds: float
    ended: float
    problem: str = ""
    limited: bool = False


class Client:
    """Of one thread; the connection is kept if `keep_alive`."""

    def __init__(self, url: str, *, keep_alive: bool = True) -> None:
        self._url = f"{url}/verify"
        self._session = requests.Session()
        self._session.headers.update(credentials())
        if not keep_alive:
            self._session.headers["Connection"] = "close"

    def ask(self, body: Mapping[str, Any]) -> Outcome:
        start = time.perf_counter()
        try:
            answer = self._session.post(self._url, json=body, timeout=TIMEOUT)
        except requests.RequestException as error:
            end = time.perf_counter()
            return Outcome(end - start, end, type(error).__name__)
        end = time.perf_counter()
        limited = answer.status_code == LIMITED
        return Outcome(end - start, end, problem(answer.status_code, answer.text), limited)


def together(
    clients: Iterable[Client],
    bodies: Iterable[Mapping[str, Any]],
    tell: Callable[[], object] = lambda: None,
) -> list[Outcome]:
    """Each client asks for the next body as soon as it has its answer; in the order of the ends.

    Ctrl-C ends it at once: no thread is waited for, and none begins another request.
    """
    waiting, lock, over = iter(bodies), Lock(), Event()
    found: list[Outcome] = []

    def work(client: Client) -> None:
        silent = 0
        while silent < GIVE_UP and not over.is_set():
            with lock:
                body = next(waiting, None)
            if body is None:
                return
            outcome = client.ask(body)
            found.append(outcome)
            silent = silent + 1 if outcome.seconds >= TIMEOUT else 0
            tell()

    threads = [Thread(target=work, args=(client,), daemon=True) for client in clients]
    for each in threads:
        each.start()
    try:
        for each in threads:
            each.join()
    finally:
        over.set()
    return sorted(found, key=lambda each: each.ended)


def host(url: str) -> str:
    """Without a slash at its end; raises HostError."""
    try:
        return address(url, "address of an Auditor: http://HOST:PORT")
    except ValueError as error:
        raise HostError(str(error)) from error


def reach(url: str) -> None:
    """Raises HostError where GET /health is not answered with 200."""
    try:
        status = requests.get(f"{url}/health", headers=credentials(), timeout=TIMEOUT).status_code
    except requests.RequestException as error:
        raise HostError(f"{url} is down: {unreachable(error, (TIMEOUT, TIMEOUT))}") from error
    if status != OK:
        raise HostError(f"{url}/health answers with status {status}")


def warm_up(url: str, most_seconds: float) -> int:
    """Ask until the workers have loaded their models; give the number of requests.

    Each request has a connection of its own, so that all workers are met. They are warm when of a
    batch the slowest took no more than three times the median.
    """
    end = time.monotonic() + most_seconds
    asked = 0
    while time.monotonic() < end:
        clients = [Client(url, keep_alive=False) for _ in range(_WARM_THREADS)]
        bodies = islice(iter(lambda: request(ANSWERS[0], 1), None), _WARM_BATCH)
        outcomes = together(clients, bodies)
        asked += len(outcomes)
        times = [each.seconds for each in outcomes if not each.problem]
        if not times or max(times) <= 3 * statistics.median(times):
            break
    return asked
