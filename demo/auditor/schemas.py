"""Request and response bodies of the Auditor's API."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

Ratio = Annotated[float, Field(ge=0, le=1)]


class Source(BaseModel):
    text: Annotated[str, Field(min_length=1)]
    source_id: str | None = None
    score: Ratio | None = None


class VerifyRequest(BaseModel):
    answer: Annotated[str, Field(min_length=1)]
    sources: Annotated[list[Source], Field(min_length=1)]
    metadata: dict[str, Any] | None = None


class Answer(BaseModel):
    text: str
    total_sentences: int
    has_citations: bool
    citations: list[str]


class Sources(BaseModel):
    count: int
    fingerprints: list[str]


class Verification(BaseModel):
    verified_sentences: int
    total_sentences: int
    verification_rate: float


class Components(BaseModel):
    semantic_similarity: float
    retrieval_quality: float
    citation_presence: float
    coverage: float


class Confidence(BaseModel):
    score: Ratio
    verified: bool
    trust_label: str
    components: Components


class VerifyResponse(BaseModel):
    verification_id: str
    timestamp: str
    duration_ms: float
    answer: Answer
    sources: Sources
    verification: Verification
    confidence: Confidence
    metadata: dict[str, Any] | None = None


class Health(BaseModel):
    status: str
    version: str
    timestamp: str


class Statistics(BaseModel):
    total_verifications: int
    valid_verifications: int
    average_confidence: float
    by_label: dict[str, int]


class Problem(BaseModel):
    error: str
    detail: str | None = None
    verification_id: str | None = None
