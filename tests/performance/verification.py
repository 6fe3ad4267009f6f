"""Requests for a verification, who asks, and what is wrong with an answer."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from itertools import cycle, islice
from typing import Any, Final

OK: Final = 200
LIMITED: Final = 429  # the rate limit at work, no failure

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


def problem(status: int, text: str) -> str:
    """What of an answer of /verify is not as documented; empty if nothing is."""
    if status != OK:
        return f"status {status}"
    try:
        body = json.loads(text)
        rate = float(body["verification"]["verification_rate"])
        score = float(body["confidence"]["score"])
        complete = body["verification_id"] and body["confidence"]["trust_label"]
    except KeyError as error:
        return f"the response lacks {error}"
    except (TypeError, ValueError):
        return "the response is not of the Auditor's form"
    if not complete or not 0 <= rate <= 1 or not 0 <= score <= 1:
        return f"the response makes no sense: rate {rate}, score {score}"
    return ""


def request(answer: str, count: int) -> dict[str, Any]:
    """Body of a request with so many sources."""
    return {"answer": answer, "sources": sources(count)}


def credentials(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Headers: LOAD_TEST_API_KEY as X-API-Key, LOAD_TEST_TOKEN as bearer token."""
    headers = {}
    if key := environment.get("LOAD_TEST_API_KEY"):
        headers["X-API-Key"] = key
    if token := environment.get("LOAD_TEST_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    return headers
