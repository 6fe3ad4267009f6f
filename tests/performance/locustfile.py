"""Users of the Auditor: standard, burst and heavy, with a realistic mix of requests.

    locust -f tests/performance/locustfile.py --host http://localhost:8888

LOAD_TEST_API_KEY is sent as X-API-Key, LOAD_TEST_TOKEN as bearer token. A 429 is counted under the
request's name with " (429)", apart from failures: it is the limit at work. What is not answered
within --stop-timeout of the end is a failure. A run ends with a verdict by thresholds.yaml, and
exits 0, 1 (poor) or 2 (nothing proven).
"""

from __future__ import annotations

import random
import time
from typing import Any

from gevent import GreenletExit, sleep
from locust import FastHttpUser, between, constant_pacing, task

from tests.performance import session
from tests.performance.verification import (
    ANSWERS,
    LIMITED,
    SOURCES,
    credentials,
    problem,
    request,
)


class UnansweredError(Exception):
    """A run has ended before the answer came."""


class AuditorUser(FastHttpUser):
    abstract = True

    def on_start(self) -> None:
        self.last = ""
        self.headers = credentials()

    def verify(self, name: str, answer: str, count: int) -> None:
        """`name` is the request's in Locust's statistics."""
        name = f"{session.VERIFICATION}{name}"
        sleep()  # the end of the run may be under way: it comes now, not amid the request
        start = time.perf_counter()
        try:
            with self.client.post(
                "/verify",
                json=request(answer, count),
                headers=self.headers,
                name=name,
                catch_response=True,
            ) as response:
                if limited(response):
                    return
                if not response.status_code:
                    response.failure(f"{type(response.error).__name__}: {response.error}")
                elif wrong := problem(response.status_code, response.text or ""):
                    response.failure(wrong)
                else:
                    self.last = response.json()["verification_id"]
        except GreenletExit:
            self.environment.events.request.fire(
                request_type="POST",
                name=name,
                response_time=1000 * (time.perf_counter() - start),
                response_length=0,
                exception=UnansweredError("no answer before the end of the run"),
                context={},
            )
            raise

    def look(self, path: str, name: str) -> None:
        with self.client.get(
            path, headers=self.headers, name=name, catch_response=True
        ) as response:
            limited(response)


def limited(response: Any) -> bool:
    """Whether the rate limit refused the request, which is then counted under a name of its own."""
    if response.status_code != LIMITED:
        return False
    response.request_meta["name"] += session.LIMITED
    response.success()
    return True


class StandardUser(AuditorUser):
    """Asks now and then, mostly for verifications of a sentence or two."""

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
        if self.last:
            self.look(f"/verifications/{self.last}", "/verifications/ID")

    @task(1)
    def health(self) -> None:
        self.look("/health", "/health")

    @task(1)
    def statistics(self) -> None:
        self.look("/statistics", "/statistics")


class BurstUser(AuditorUser):
    """Ten requests in a row, then a pause."""

    weight = 3
    wait_time = constant_pacing(5)

    @task
    def burst(self) -> None:
        for _ in range(10):
            self.verify("burst", random.choice(ANSWERS), len(SOURCES))  # noqa: S311  # no secret


class HeavyUser(AuditorUser):
    """Long answers against many sources."""

    weight = 1
    wait_time = between(1, 3)

    @task
    def heavy(self) -> None:
        self.verify("heavy", " ".join(ANSWERS * 8), 20)
