"""What went wrong between here and a Grafana, and what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from generator.errors import InputError

# Grafana says so by 406 (12.1), or hands out the dashboard with "elements" for panels.
NOT_CLASSIC: Final = (
    "was saved in Grafana's newer schema (v2), which leads not back: "
    "delete it there, which deletes its history, and push again"
)


class GrafanaError(InputError):
    """Grafana cannot be reached or does not do what it was asked to."""


def refused(answer: requests.Response, document: Any, permission: str) -> str:
    """What an answer means that is no success; `document` is its JSON, None if it has none.

    Status codes are those of Grafana's own documentation of its HTTP API, "Dashboard" and "Folder".
    """
    if answer.is_redirect:
        return f"it is elsewhere: give the address {answer.headers['location'].split('/api/')[0]}"
    asked = f"{answer.request.method} {urlsplit(str(answer.request.url)).path}"
    code = answer.status_code
    if document is None and code < requests.codes.server_error:
        kind = answer.headers.get("content-type", "nothing").partition(";")[0]
        return (
            f"{code} and {kind} for {asked}, where Grafana answers JSON: "
            "is this its address, path and all, and no login page before it?"
        )
    body = document if isinstance(document, Mapping) else {}
    message = str(body.get("message") or answer.reason)
    if code == requests.codes.precondition_failed:
        if body.get("status") == "version-mismatch":
            return "somebody saved the dashboard just now: push again to see what"
        return f"{message} ({body.get('status', code)}): change that in Grafana, then push again"
    if code >= requests.codes.server_error:
        return f"{code} for {asked} ({message}): look into its log, then try again"
    texts = {
        401: f"the token is not accepted ({message}): wrong, expired, or of another Grafana",
        403: f"the token may not do {asked} ({message}): it needs {permission}",
        406: f"{asked.rpartition('/')[2]} {NOT_CLASSIC}",
        429: f"it is asked too often ({message}): try again in a minute",
    }
    return texts.get(code, f"{code} for {asked}: {message}")
