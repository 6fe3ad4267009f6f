"""Parts of the stand-in without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from demo.auditor.injector import Leak, Sampler, claim_slot
from demo.auditor.limits import RateLimiter, auth_error, client_id
from demo.auditor.schemas import VerifyRequest
from demo.auditor.settings import Settings
from demo.auditor.storage import Storage
from demo.auditor.verification import Verifier
from demo.database import Database

FAST = {"STANDIN_WORK_SECONDS": "0", "STANDIN_LOAD_SECONDS": "0", "STANDIN_MODEL_BYTES": "4096"}


def settings(**environment: str) -> Settings:
    return Settings.read({**FAST, **environment})


def verify_request(answer: str, *sources: str) -> VerifyRequest:
    return VerifyRequest.model_validate(
        {"answer": answer, "sources": [{"text": text, "score": 0.9} for text in sources]}
    )


@given(ratio=st.floats(0, 1), requests=st.integers(1, 300))
def test_failing_requests_are_spread_evenly(ratio: float, requests: int) -> None:
    sampler = Sampler()
    failed = sum(sampler.select(ratio) for _ in range(requests))
    assert failed == pytest.approx(ratio * requests, abs=1)


@given(st.lists(st.integers(0, 30)))
def test_a_leak_holds_what_it_should_and_releases_everything_once(counts: list[int]) -> None:
    allocated: list[int] = []
    released: list[int] = []

    def allocate() -> int:
        allocated.append(len(allocated))
        return allocated[-1]

    leak = Leak(allocate, released.append, 20)
    for count in (*counts, 0):
        leak.resize(count)
        assert len(allocated) - len(released) == min(count, 20)
    assert sorted(released) == allocated


def test_each_worker_has_a_slot_and_the_next_takes_a_freed_one(tmp_path: Path) -> None:
    first, file = claim_slot(tmp_path)
    second, other = claim_slot(tmp_path)
    file.close()
    third, freed = claim_slot(tmp_path)
    assert (first, second, third) == (0, 1, 0)
    other.close()
    freed.close()


def test_clients_are_limited_per_second_and_per_minute() -> None:
    now = 0.0
    limiter = RateLimiter(60, 10, lambda: now)
    waits = [limiter.retry_after("a") for _ in range(12)]
    assert waits == [0] * 10 + [1, 1]
    assert limiter.retry_after("b") == 0, "every client has its own limit"
    for second in range(1, 6):
        now = float(second)
        assert [limiter.retry_after("a") for _ in range(10)] == [0] * 10
    now = 6.0
    assert limiter.retry_after("a") == 55, "sixty in this minute, the first at 0"
    now = 60.5
    assert limiter.retry_after("a") == 0


def request(**headers: str) -> Request:
    raw = [
        (name.replace("_", "-").lower().encode(), text.encode()) for name, text in headers.items()
    ]
    return Request({"type": "http", "headers": raw, "client": ("10.0.0.1", 1)})


def test_clients_are_identified_by_key_or_address() -> None:
    assert client_id(request()) == "10.0.0.1"
    assert client_id(request(X_Forwarded_For="1.2.3.4, 10.0.0.9")) == "1.2.3.4"
    assert client_id(request(X_API_Key="secret", X_Forwarded_For="1.2.3.4")) == "key secret"


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({}, ""),
        ({"X_API_Key": "good"}, ""),
        ({"X_API_Key": "bad"}, "Invalid API key"),
        ({"Authorization": "Bearer good"}, ""),
        ({"Authorization": "Bearer bad"}, "Invalid token"),
    ],
)
def test_credentials_are_optional_but_must_be_valid(headers: dict[str, str], problem: str) -> None:
    assert auth_error(request(**headers), frozenset({"good"})) == problem


def test_an_answer_supported_by_its_sources_scores_higher() -> None:
    verifier = Verifier(settings())
    source = "Die regelmäßige Verjährungsfrist beträgt drei Jahre."
    good = verifier.verify(verify_request("Die Verjährungsfrist beträgt drei Jahre.", source), 0, 0)
    bad = verifier.verify(verify_request("Häuser sind Pferde.", source), 0, 0)
    weak = verifier.verify(
        verify_request("Die Verjährungsfrist beträgt drei Jahre.", source), 0.5, 0
    )
    assert good.confidence.verified
    assert good.verification.verification_rate == 1
    assert not bad.confidence.verified
    assert bad.verification.verified_sentences == 0
    assert weak.confidence.score == pytest.approx(good.confidence.score - 0.5)


@given(answer=st.text(min_size=1), sources=st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_any_answer_can_be_verified(answer: str, sources: list[str]) -> None:
    found = Verifier(settings()).verify(verify_request(answer, *sources), 0, 0)
    assert 0 <= found.confidence.score <= 1
    assert found.verification.total_sentences >= 1


def test_citations_and_sentences() -> None:
    found = Verifier(settings()).verify(
        verify_request("Es gilt § 823 Abs. 1 BGB. Auch Art. 14 GG gilt! Oder?", "§ 823 BGB"), 0, 0
    )
    assert found.answer.citations == ["§ 823 Abs. 1 BGB", "Art. 14 GG"]
    assert found.answer.total_sentences == 3


def test_results_can_be_stored_and_read(tmp_path: Path) -> None:
    storage = Storage(settings(DATABASE_URL=f"sqlite:///{tmp_path / 'rows'}"))
    verifier = Verifier(settings())
    results = [
        verifier.verify(verify_request("Gut.", "Gut."), weakness, 0) for weakness in (0, 0.6)
    ]
    for result in results:
        storage.store(result)
    assert storage.get(results[0].verification_id) == results[0].model_dump()
    assert storage.get("none") is None
    statistics = storage.statistics()
    assert (statistics.total_verifications, statistics.valid_verifications) == (2, 1)
    assert sum(statistics.by_label.values()) == 2


def test_the_pool_is_limited_in_size() -> None:
    with Database() as database:
        address = f"127.0.0.1:{database.port}"
        storage = Storage(settings(STANDIN_DATABASE=address, DB_POOL_SIZE="2", DB_MAX_OVERFLOW="1"))
        assert [storage.resize_pool(wanted) for wanted in (1, 9, 2, 0)] == [1, 3, 2, 0]
