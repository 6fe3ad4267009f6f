"""A toy verification with the costs of the real one: models to load, then CPU time."""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from datetime import UTC, datetime
from typing import Final

from demo.auditor.schemas import (
    Answer,
    Components,
    Confidence,
    Sources,
    Verification,
    VerifyRequest,
    VerifyResponse,
)
from demo.auditor.settings import Settings

# Weights and labels only approximate the Auditor's.
_CITATION: Final = re.compile(r"(?:§{1,2}|Art\.)\s*\d+[a-z]?(?:\s+Abs\.\s*\d+)?\s+[A-Z]\w*")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+(?=[A-ZÄÖÜ])")
_VERIFIED: Final = 0.6
_LABELS: Final = ((0.85, "Verified (High Confidence)"), (_VERIFIED, "Verified"))
_REJECTED: Final = "Review required"


class Verifier:
    """The first request loads the models, which blocks the whole worker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models: bytearray | None = None

    def verify(self, request: VerifyRequest, weakness: float, extra: float) -> VerifyResponse:
        """Blocks for `extra` more seconds, and subtracts `weakness` from the score."""
        start = time.perf_counter()
        self._load()
        _compute(self._settings.work_seconds + extra)
        sentences = _SENTENCE_END.split(request.answer.strip())
        similarities = [_similarity(each, request) for each in sentences]
        verified = sum(each >= 0.3 for each in similarities)
        citations = _CITATION.findall(request.answer)
        components = Components(
            semantic_similarity=sum(similarities) / len(similarities),
            retrieval_quality=_mean([each.score for each in request.sources]),
            citation_presence=1.0 if citations else 0.5,
            coverage=verified / len(sentences),
        )
        return VerifyResponse(
            verification_id=str(uuid.uuid4()),
            timestamp=datetime.now(UTC).isoformat(),
            duration_ms=1000 * (time.perf_counter() - start),
            answer=Answer(
                text=request.answer,
                total_sentences=len(sentences),
                has_citations=bool(citations),
                citations=citations,
            ),
            sources=Sources(
                count=len(request.sources),
                fingerprints=[_fingerprint(each.text) for each in request.sources],
            ),
            verification=Verification(
                verified_sentences=verified,
                total_sentences=len(sentences),
                verification_rate=verified / len(sentences),
            ),
            confidence=_confidence(components, weakness),
            metadata=request.metadata,
        )

    def _load(self) -> None:
        if self._models is None:
            self._models = bytearray(self._settings.model_bytes)
            for page in range(0, len(self._models), 4096):
                self._models[page] = 1
            time.sleep(self._settings.load_seconds)


def _compute(seconds: float) -> None:
    """Block the event loop, as the Auditor's models do."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        hashlib.pbkdf2_hmac("sha256", b"sentence", b"source", 500)


def _similarity(sentence: str, request: VerifyRequest) -> float:
    """The share of the sentence's words that occur in the best matching source."""
    words = set(re.findall(r"\w+", sentence.lower()))
    if not words:
        return 0.0
    return max(
        len(words & set(re.findall(r"\w+", source.text.lower()))) / len(words)
        for source in request.sources
    )


def _mean(scores: list[float | None]) -> float:
    """A missing score counts as 0.5, as in the Auditor."""
    return sum(0.5 if each is None else each for each in scores) / len(scores)


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _confidence(components: Components, weakness: float) -> Confidence:
    parts = components.model_dump().values()
    score = max(0.0, min(1.0, sum(parts) / 4 - weakness))
    label = next((label for bound, label in _LABELS if score >= bound), _REJECTED)
    return Confidence(
        score=score, verified=score >= _VERIFIED, trust_label=label, components=components
    )
