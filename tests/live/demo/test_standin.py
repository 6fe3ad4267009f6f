"""The stand-in under real uvicorn: the Auditor's routes, JSON, metrics and log lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.injection import Effect
from tests.bundle import thresholds
from tests.live.standin import Standin, standin
from tests.live.waiting import until

pytestmark = pytest.mark.xdist_group("standin")


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    folder = tmp_path_factory.mktemp("standin")
    with standin(folder, STANDIN_API_KEYS="good") as started:
        yield started


def test_a_verification_has_the_auditors_fields(auditor: Standin) -> None:
    body = auditor.verify().json()
    assert body.keys() == {
        "verification_id",
        "timestamp",
        "duration_ms",
        "answer",
        "sources",
        "verification",
        "confidence",
        "metadata",
    }
    assert body["verification"] == {
        "verified_sentences": 1,
        "total_sentences": 1,
        "verification_rate": 1.0,
    }
    assert body["confidence"].keys() == {"score", "verified", "trust_label", "components"}
    assert body["sources"].keys() == {"count", "fingerprints"}
    assert auditor.get(f"/verifications/{body['verification_id']}").json() == body
    assert auditor.get("/verifications/none").status_code == 404
    assert auditor.get("/statistics").json()["total_verifications"] >= 1
    assert auditor.get("/health").json().keys() == {"status", "version", "timestamp"}
    assert auditor.get("/").json()["service"] == "JuraGPT Auditor"


def test_metrics_have_the_auditors_buckets_and_no_process_series(auditor: Standin) -> None:
    auditor.verify()
    text = auditor.get("/metrics").text
    assert "process_" not in text
    service = thresholds().service
    for name, buckets in (
        ("auditor_verify_latency_seconds", service.latency_buckets),
        ("auditor_confidence_score", service.confidence_buckets),
    ):
        found = re.findall(rf'^{name}_bucket{{le="([^"]+)"}}', text, re.MULTILINE)
        assert [float(bound) for bound in found] == [*buckets, float("inf")]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"answer": "", "sources": [{"text": "x"}]}, {}, 422),
        ({"answer": "x", "sources": []}, {}, 422),
        ({"answer": "x", "sources": [{"text": "x", "score": 2}]}, {}, 422),
        (None, {"X-API-Key": "bad"}, 401),
        (None, {"Authorization": "Bearer bad"}, 401),
    ],
)
def test_rejected_requests_are_not_counted(
    auditor: Standin, body: Any, headers: dict[str, str], status: int
) -> None:
    def counts() -> list[float | None]:
        name = "auditor_verify_requests_total"
        return [auditor.metric(name, status=each) for each in ("success", "error")]

    before = counts()
    assert auditor.verify(body, **headers).status_code == status
    assert counts() == before


def test_a_valid_key_is_accepted(auditor: Standin) -> None:
    assert auditor.verify(**{"X-API-Key": "good"}).status_code == 200


def test_a_failure_is_counted_logged_and_answered_with_500(tmp_path: Path) -> None:
    with standin(tmp_path) as auditor:
        auditor.inject(Effect.ERRORS, 1)
        until(lambda: auditor.verify().status_code == 500, "the fault is active")
        before = auditor.metric("auditor_verify_requests_total", status="error") or 0
        latency = auditor.metric("auditor_verify_latency_seconds_count")
        answer = auditor.verify()
        assert answer.json()["detail"]["error"] == "Verification failed"
        assert auditor.metric("auditor_verify_requests_total", status="error") == before + 1
        assert auditor.metric("auditor_verify_latency_seconds_count") == latency
        line = r"^[-0-9]+ [:0-9]+,\d+ - auditor\.api\.server - ERROR - Verification failed: \w+"
        assert re.search(line, auditor.log, re.MULTILINE)


def test_the_rate_limit_answers_429(tmp_path: Path) -> None:
    with standin(tmp_path, ENABLE_RATE_LIMITING="true") as auditor:
        answers = [auditor.verify() for _ in range(12)]
        assert [each.status_code for each in answers] == [200] * 10 + [429] * 2
        assert answers[-1].headers["Retry-After"] == "1"
        assert "Rate limit exceeded" in answers[-1].json()["detail"]
        assert auditor.get("/health").ok
        assert auditor.served == 10
