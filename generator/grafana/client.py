"""A client for Grafana's HTTP API (9.4 and newer). Every failure is a GrafanaError."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from generator.errors import InputError
from generator.grafana.diff import Json
from generator.grafana.state import SIGNATURE, Folder, LiveDashboard, Version, signature
from generator.http import Bearer, address, unreachable

# Connect and read timeout in seconds.
TIMEOUT: Final = (5.0, 30.0)
_FOLDERS_PER_PAGE: Final = 1000
_MAX_VERSIONS: Final = 100
# Grafana 12.1 reports it with status 406. Others return a dashboard with "elements", not panels.
_NEWER_SCHEMA: Final = (
    "was saved in Grafana's v2 schema, which cannot be converted back; "
    "delete it there, with its history, and push again"
)


class GrafanaError(InputError):
    """Grafana cannot be reached or rejects a request; the message says why."""


class Grafana:
    """A Grafana at `url`, which may have a path.

    Raises GrafanaError for an invalid address or token.
    """

    def __init__(self, url: str, token: str, timeout: tuple[float, float] = TIMEOUT) -> None:
        self.url = _address(url)
        self.timeout = timeout
        self._session = requests.Session()
        self._session.auth = Bearer(_token(token))
        self._session.headers["Accept"] = "application/json"

    def dashboard(self, uid: str) -> LiveDashboard | None:
        """A dashboard with its versions; None if it does not exist."""
        found = self._request("GET", f"/api/dashboards/uid/{uid}", "dashboards:read")
        if found is None:
            return None
        with self._parsing():
            dashboard, meta = dict(found["dashboard"]), dict(found["meta"])
            if "elements" in dashboard:
                raise GrafanaError(f"{self.url}: {uid} {_NEWER_SCHEMA}")
            file = str(meta.get("provisionedExternalId") or "a file")
            return LiveDashboard(
                dashboard=dashboard,
                version=int(dashboard["version"]),
                folder=Folder(str(meta.get("folderUid", "")), str(meta.get("folderTitle", ""))),
                versions=self._versions(uid),
                file=file if meta.get("provisioned") else "",
            )

    def version(self, uid: str, number: int) -> Json:
        """A dashboard as it was saved in that version."""
        path = f"/api/dashboards/uid/{uid}/versions/{number}"
        found = self._request("GET", path, "dashboards:write")
        with self._parsing():
            return dict(found["data"])

    def _versions(self, uid: str) -> tuple[Version, ...]:
        """The newest first. Since 11.5 Grafana wraps the list."""
        path = f"/api/dashboards/uid/{uid}/versions"
        query = {"limit": str(_MAX_VERSIONS)}
        found = self._request("GET", path, "dashboards:write", query=query) or []
        entries = found["versions"] if isinstance(found, Mapping) else found
        versions = [
            Version(
                int(each["version"]),
                str(each.get("createdBy", "")),
                str(each.get("created", "")),
                str(self._message(path, each)),
            )
            for each in entries
        ]
        return tuple(sorted(versions, key=lambda each: -each.number))

    def _message(self, path: str, entry: Json) -> Any:
        """The list hides the message of the first version."""
        if entry.get("parentVersion") or SIGNATURE in entry["message"]:
            return entry.get("message", "")
        whole = self._request("GET", f"{path}/{entry['version']}", "dashboards:write") or entry
        return whole["message"]

    def folder(self, uid: str, title: str) -> Folder | None:
        """The folder with that uid, else the one with that title at the top level, else None."""
        found = self._request("GET", f"/api/folders/{uid}", "folders:read")
        with self._parsing():
            if found:
                return _folder(found)
            return next((each for each in self._folders() if each.title == title), None)

    def _folders(self) -> Iterator[Folder]:
        for page in itertools.count(1):
            query = {"limit": str(_FOLDERS_PER_PAGE), "page": str(page)}
            found = self._request("GET", "/api/folders", "folders:read", query=query) or []
            yield from map(_folder, found)
            if len(found) < _FOLDERS_PER_PAGE:
                return

    def create_folder(self, uid: str, title: str) -> Folder:
        body = {"uid": uid, "title": title}
        created = self._request("POST", "/api/folders", "folders:create", body=body)
        with self._parsing():
            return _folder(created)

    def save(self, dashboard: Json, folder: Folder, version: int) -> int:
        """Save on top of `version` (0 for a new dashboard) and return the new version.

        Grafana rejects it if somebody has saved another version meanwhile.
        """
        body = {
            "dashboard": {**dashboard, "id": None, "version": version},
            "folderUid": folder.uid,
            "message": signature(dashboard),
            "overwrite": False,
        }
        saved = self._request("POST", "/api/dashboards/db", "dashboards:write", body=body)
        with self._parsing():
            return int(saved["version"])

    def annotate(self, tags: Sequence[str], text: str, at: float) -> int:
        """Annotate a time (Unix) on every dashboard that shows these tags; return the id."""
        body = {"tags": list(tags), "text": text, "time": round(1000 * at)}
        created = self._request("POST", "/api/annotations", "annotations:create", body=body)
        with self._parsing():
            return int(created["id"])

    def end_annotation(self, number: int, text: str, at: float) -> None:
        """Turn an annotation into a region that ends at this time, with a new text."""
        body = {"text": text, "timeEnd": round(1000 * at)}
        self._request("PATCH", f"/api/annotations/{number}", "annotations:write", body=body)

    def _request(
        self,
        method: str,
        path: str,
        permission: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
    ) -> Any:
        """The JSON of the response; None if Grafana answers a GET with 404."""
        try:
            response = self._session.request(
                method,
                f"{self.url}{path}",
                params=query,
                json=body,
                timeout=self.timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise GrafanaError(f"{self.url}: {unreachable(error, self.timeout)}") from error
        try:
            document = response.json()
        except requests.JSONDecodeError:
            document = None
        if response.ok and not response.is_redirect and document is not None:
            return document
        has_message = isinstance(document, Mapping) and "message" in document
        if response.status_code == requests.codes.not_found and method == "GET" and has_message:
            return None
        raise GrafanaError(f"{self.url}: {_reason(response, document, permission)}")

    @contextmanager
    def _parsing(self) -> Iterator[None]:
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise GrafanaError(f"{self.url}: unexpected response: {error!r}") from error


def _reason(response: requests.Response, document: Any, permission: str) -> str:
    """Why a response is no success; status codes as in the docs of Grafana's HTTP API."""
    if response.is_redirect:
        return f"redirects to {response.headers['location'].split('/api/')[0]}; use that address"
    request = f"{response.request.method} {urlsplit(str(response.request.url)).path}"
    code = response.status_code
    if document is None and code < requests.codes.server_error:
        kind = response.headers.get("content-type", "nothing").partition(";")[0]
        return (
            f"{request} returned {kind} with status {code} instead of JSON; "
            "check the address, its path, and that no login page is in front"
        )
    body = document if isinstance(document, Mapping) else {}
    message = str(body.get("message") or response.reason)
    if code == requests.codes.precondition_failed:
        if body.get("status") == "version-mismatch":
            return "somebody saved the dashboard just now; push again to see the change"
        return f"{message} ({body.get('status', code)}); fix this in Grafana, then push again"
    if code >= requests.codes.server_error:
        return f"{request} failed with {code} ({message}); check Grafana's log, then try again"
    texts = {
        401: f"the token was rejected ({message}): it is wrong, expired or for another Grafana",
        403: f"the token does not allow {request} ({message}); it needs {permission}",
        406: f"{request.rpartition('/')[2]} {_NEWER_SCHEMA}",
        429: f"too many requests ({message}); try again in a minute",
    }
    return texts.get(code, f"{request} failed with {code}: {message}")


def _address(url: str) -> str:
    """Without a trailing slash; raises GrafanaError."""
    try:
        found = address(url, "https://HOST of a Grafana, with its path if any")
    except ValueError as error:
        raise GrafanaError(str(error)) from error
    parts = urlsplit(found)
    if parts.username or parts.password:
        raise GrafanaError("the address contains a password; use GRAFANA_TOKEN or --token-file")
    if parts.query or parts.fragment:
        raise GrafanaError(f"{url} is the address of a page; use the base address of Grafana")
    return found


def _token(text: str) -> str:
    token = text.strip()
    if not token.isascii() or not token.isprintable() or len(token.split()) != 1:
        raise GrafanaError("the token is empty or has invalid characters, such as a space")
    return token


def _folder(found: Json) -> Folder:
    return Folder(str(found["uid"]), str(found["title"]))
