"""Requests to /verify, and checks of the responses."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from http import HTTPStatus
from itertools import cycle, islice
from typing import Any, Final

# Texts of statutes, under names that a retrieval would give them.
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
    """`count` statutes with the scores of a retrieval."""
    chosen = islice(cycle(SOURCES.items()), count)
    return [
        {"source_id": name, "text": text, "score": round(0.95 - 0.02 * rank, 2)}
        for rank, (name, text) in enumerate(chosen)
    ]


def request(answer: str, count: int) -> dict[str, Any]:
    """The body of a request with `count` sources."""
    return {"answer": answer, "sources": sources(count)}


def response_problem(status: int, text: str) -> str:
    """What is wrong with a response; "" if it is as documented."""
    if status != HTTPStatus.OK:
        return f"status {status}"
    try:
        body = json.loads(text)
        rate = float(body["verification"]["verification_rate"])
        score = float(body["confidence"]["score"])
        complete = body["verification_id"] and body["confidence"]["trust_label"]
    except KeyError as error:
        return f"the response has no {error}"
    except (TypeError, ValueError):
        return "the response is not in the Auditor's format"
    if not complete or not 0 <= rate <= 1 or not 0 <= score <= 1:
        return f"the response has invalid values: rate {rate}, score {score}"
    return ""


def credentials(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Headers with LOAD_TEST_API_KEY as X-API-Key and LOAD_TEST_TOKEN as bearer token."""
    headers = {}
    if key := environment.get("LOAD_TEST_API_KEY"):
        headers["X-API-Key"] = key
    if token := environment.get("LOAD_TEST_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    return headers
