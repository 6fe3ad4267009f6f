"""Users of the Auditor: standard, burst and heavy, with a realistic mix of requests.

    locust -f tests/performance/locustfile.py --host http://localhost:8888

LOAD_TEST_API_KEY is sent as X-API-Key, LOAD_TEST_TOKEN as bearer token. A 429 is counted under the
request's name with " (429)", apart from failures: it is the limit at work. A run ends with a
verdict on its verifications by thresholds.yaml, and exits 0, 1 (poor) or 2 (nothing proven).
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

from locust import FastHttpUser, between, constant_pacing, events, task
from locust.env import Environment
from locust.runners import WorkerRunner

from generator.thresholds import load
from tests.performance.grading import judge

THRESHOLDS: Final = Path(__file__).parents[2] / "thresholds.yaml"
VERIFICATION: Final = "/verify "
LIMITED: Final = " (429)"

# Texts of statutes, by a name as a retrieval gives it.
SOURCES: Final = {
    "bgb_823_1": "Wer vorsätzlich oder fahrlässig das Leben, den Körper, die Gesundheit, "
    "die Freiheit, das Eigentum oder ein sonstiges Recht eines anderen widerrechtlich verletzt, "
    "ist dem anderen zum Ersatz des daraus entstehenden Schadens verpflichtet.",
    "bgb_433_1": "Durch den Kaufvertrag wird der Verkäufer einer Sache verpflichtet, dem Käufer "
    "die Sache zu übergeben und das Eigentum an der Sache zu verschaffen.",
    "bgb_195": "Die regelmäßige Verjährungsfrist beträgt drei Jahre.",
    "bgb_199_1": "Die regelmäßige Verjährungsfrist beginnt mit dem Schluss des Jahres, in dem der "
    "Anspruch entstanden ist.",
}
ANSWERS: Final = (
    "Wer nach § 823 BGB das Eigentum eines anderen verletzt, ist zum Ersatz verpflichtet.",
    "Durch den Kaufvertrag wird der Verkäufer nach § 433 BGB verpflichtet, die Sache zu übergeben.",
    "Die regelmäßige Verjährungsfrist beträgt nach § 195 BGB drei Jahre.",
)


def sources(count: int) -> list[dict[str, Any]]:
    """So many snippets of statutes, with the scores of a retrieval."""
    chosen = islice(cycle(SOURCES.items()), count)
    return [
        {"source_id": name, "text": text, "score": round(0.95 - 0.02 * rank, 2)}
        for rank, (name, text) in enumerate(chosen)
    ]


def problem(body: Any) -> str:
    """What of a response of /verify is not as documented; empty if nothing is."""
    try:
        rate = body["verification"]["verification_rate"]
        score = body["confidence"]["score"]
        complete = body["verification_id"] and body["confidence"]["trust_label"]
    except (KeyError, TypeError) as error:
        return f"the response lacks {error}"
    if not complete or not 0 <= rate <= 1 or not 0 <= score <= 1:
        return f"the response makes no sense: rate {rate}, score {score}"
    return ""


@dataclass
class Measured:
    """Seconds of the verifications that succeeded, how many failed, and the most users at once.

    Locust's own percentiles are rounded to two digits, too coarse for a bound.
    """

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    users: int = 0


measured = Measured()


def note(name: str, response_time: float, exception: object, **_: object) -> None:
    if name.startswith(VERIFICATION) and not name.endswith(LIMITED):
        if exception:
            measured.failed += 1
        else:
            measured.seconds.append(response_time / 1000)


def spawned(user_count: int, **_: object) -> None:
    measured.users = max(measured.users, user_count)


def report(data: dict[str, Any], **_: object) -> None:
    """A worker's part since its last report."""
    data["verifications"] = (measured.seconds, measured.failed)
    measured.seconds, measured.failed = [], 0


def collect(data: dict[str, Any], **_: object) -> None:
    seconds, failed = data["verifications"]
    measured.seconds.extend(seconds)
    measured.failed += failed


def judged(environment: Environment, **_: object) -> None:
    if not isinstance(environment.runner, WorkerRunner):
        thresholds = load(THRESHOLDS.read_text(), str(THRESHOLDS))
        verdict = judge(thresholds, measured.seconds, measured.failed, measured.users)
        print(verdict.text())
        environment.process_exit_code = verdict.exit_code


events.request.add_listener(note)
events.spawning_complete.add_listener(spawned)
events.report_to_master.add_listener(report)
events.worker_report.add_listener(collect)
events.quitting.add_listener(judged)


class AuditorUser(FastHttpUser):
    abstract = True

    def on_start(self) -> None:
        self.last = ""
        self.headers: dict[str, str] = {}
        if key := os.environ.get("LOAD_TEST_API_KEY"):
            self.headers["X-API-Key"] = key
        if token := os.environ.get("LOAD_TEST_TOKEN"):
            self.headers["Authorization"] = f"Bearer {token}"

    def verify(self, name: str, answer: str, count: int) -> None:
        body = {"answer": answer, "sources": sources(count)}
        with self.client.post(
            "/verify", json=body, headers=self.headers, name=name, catch_response=True
        ) as response:
            if response.status_code == 429:
                response.request_meta["name"] = f"{name}{LIMITED}"
                response.success()
            elif response.status_code != 200:
                response.failure(f"status {response.status_code}")
            elif wrong := problem(response.json()):
                response.failure(wrong)
            else:
                self.last = response.json()["verification_id"]

    def look(self, path: str, name: str) -> None:
        self.client.get(path, headers=self.headers, name=name)


class StandardUser(AuditorUser):
    """Asks now and then, mostly for verifications of a sentence or two."""

    wait_time = between(0.2, 0.6)

    @task(12)
    def one_sentence(self) -> None:
        self.verify("/verify one sentence", random.choice(ANSWERS), len(SOURCES))  # noqa: S311  # no secret

    @task(5)
    def several_sentences(self) -> None:
        self.verify("/verify several sentences", " ".join(ANSWERS), len(SOURCES))

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

    wait_time = constant_pacing(5)

    @task
    def burst(self) -> None:
        for _ in range(10):
            self.verify("/verify burst", random.choice(ANSWERS), len(SOURCES))  # noqa: S311  # no secret


class HeavyUser(AuditorUser):
    """Long answers against many sources."""

    wait_time = between(1, 3)

    @task
    def heavy(self) -> None:
        self.verify("/verify heavy", " ".join(ANSWERS * 8), 20)
