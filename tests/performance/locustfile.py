"""Users of the Auditor: standard, burst and heavy, with a realistic mix of requests.

    locust -f tests/performance/locustfile.py --host http://localhost:8888

LOAD_TEST_API_KEY is sent as X-API-Key, LOAD_TEST_TOKEN as bearer token. A 429 is the rate limit at
work and no failure: it is counted under the request's name with " (429)". A request that is not
answered within --stop-timeout of the end is a failure. A run ends with a verdict by thresholds.yaml
and exits with 0 (good), 1 (poor) or 2 (inconclusive).
"""

from __future__ import annotations

import random
import time
from http import HTTPStatus
from typing import Any

from gevent import GreenletExit, sleep
from locust import FastHttpUser, between, constant_pacing, task

from tests.performance import session
from tests.performance.verification import (
    ANSWERS,
    SOURCES,
    credentials,
    request,
    response_problem,
)


class UnansweredError(Exception):
    """The run ended before the response came."""


class AuditorUser(FastHttpUser):
    abstract = True

    def on_start(self) -> None:
        self.last_id = ""
        self.headers = credentials()

    def verify(self, name: str, answer: str, count: int) -> None:
        """`name` is that of the request in Locust's statistics."""
        name = f"{session.VERIFICATION}{name}"
        sleep()  # if the run is ending, stop here and not during the request
        start = time.perf_counter()
        try:
            with self.client.post(
                "/verify",
                json=request(answer, count),
                headers=self.headers,
                name=name,
                catch_response=True,
            ) as response:
                if rate_limited(response):
                    return
                if not response.status_code:
                    response.failure(f"{type(response.error).__name__}: {response.error}")
                elif problem := response_problem(response.status_code, response.text or ""):
                    response.failure(problem)
                else:
                    self.last_id = response.json()["verification_id"]
        except GreenletExit:
            self.environment.events.request.fire(
                request_type="POST",
                name=name,
                response_time=1000 * (time.perf_counter() - start),
                response_length=0,
                exception=UnansweredError("no response before the end of the run"),
                context={},
            )
            raise

    def read(self, path: str, name: str) -> None:
        with self.client.get(
            path, headers=self.headers, name=name, catch_response=True
        ) as response:
            rate_limited(response)


def rate_limited(response: Any) -> bool:
    """Whether the rate limit rejected the request, which then counts under another name."""
    if response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
        return False
    response.request_meta["name"] += session.LIMITED
    response.success()
    return True


class StandardUser(AuditorUser):
    """Sends a request now and then, mostly to verify one or several sentences."""

    weight = 16
    wait_time = between(0.2, 0.6)

    @task(12)
    def one_sentence(self) -> None:
        self.verify("one sentence", random.choice(ANSWERS), len(SOURCES))  # noqa: S311  # no secret

    @task(5)
    def several_sentences(self) -> None:
        self.verify("several sentences", " ".join(ANSWERS), len(SOURCES))

    @task(1)
    def read_again(self) -> None:
        if self.last_id:
            self.read(f"/verifications/{self.last_id}", "/verifications/ID")

    @task(1)
    def health(self) -> None:
        self.read("/health", "/health")

    @task(1)
    def statistics(self) -> None:
        self.read("/statistics", "/statistics")


class BurstUser(AuditorUser):
    """Sends ten requests in a row, then pauses."""

    weight = 3
    wait_time = constant_pacing(5)

    @task
    def burst(self) -> None:
        for _ in range(10):
            self.verify("burst", random.choice(ANSWERS), len(SOURCES))  # noqa: S311  # no secret


class HeavyUser(AuditorUser):
    """Sends long answers with many sources."""

    weight = 1
    wait_time = between(1, 3)

    @task
    def heavy(self) -> None:
        self.verify("heavy", " ".join(ANSWERS * 8), 20)
