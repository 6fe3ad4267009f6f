"""Grafana's HTTP API, as far as push, pull and load tests need it: Grafana 9.4 and newer.

Every failure is a GrafanaError.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, urlsplit

import requests

from generator.grafana.errors import NOT_CLASSIC, GrafanaError, refused
from generator.grafana.state import SIGNATURE, Folder, Live, Save, parse_saves, signature
from generator.http import Bearer, address, unreachable

Json = Mapping[str, Any]

# Seconds to connect, and between two parts of an answer.
TIMEOUT: Final = (5.0, 30.0)
_FOLDERS: Final = 1000
_SAVES: Final = 100


class Grafana:
    """A Grafana at `url`, which may have a path.

    Raises GrafanaError for an address or a token that cannot be one.
    """

    def __init__(self, url: str, token: str, timeout: tuple[float, float] = TIMEOUT) -> None:
        self.url = _address(url)
        self.timeout = timeout
        self._session = requests.Session()
        self._session.auth = Bearer(_token(token))
        self._session.headers["Accept"] = "application/json"

    def dashboard(self, uid: str) -> Live | None:
        """A dashboard with its history; None if there is none of that uid."""
        found = self._ask("GET", f"/api/dashboards/uid/{_quoted(uid)}", "dashboards:read")
        if found is None:
            return None
        with _understood(self.url):
            dashboard, meta = dict(found["dashboard"]), dict(found["meta"])
            if "elements" in dashboard:
                raise GrafanaError(f"{self.url}: {uid} {NOT_CLASSIC}")
            return Live(
                dashboard=dashboard,
                version=int(dashboard["version"]),
                folder=Folder(str(meta.get("folderUid", "")), str(meta.get("folderTitle", ""))),
                saves=self._saves(uid),
                file=_file(meta),
            )

    def version(self, uid: str, number: int) -> Json:
        """A dashboard as one of its saves left it."""
        path = f"/api/dashboards/uid/{_quoted(uid)}/versions/{number}"
        found = self._ask("GET", path, "dashboards:write")
        with _understood(self.url):
            return dict(found["data"])

    def folder(self, uid: str, title: str) -> Folder | None:
        """The folder of that uid or else of that title at the top level; None if there is none."""
        found = self._ask("GET", f"/api/folders/{_quoted(uid)}", "folders:read")
        with _understood(self.url):
            if found:
                return Folder(str(found["uid"]), str(found["title"]))
            return next((each for each in self._folders() if each.title == title), None)

    def _folders(self) -> Iterator[Folder]:
        for page in itertools.count(1):
            query = {"limit": str(_FOLDERS), "page": str(page)}
            found = self._ask("GET", "/api/folders", "folders:read", query=query) or []
            yield from (Folder(str(each["uid"]), str(each["title"])) for each in found)
            if len(found) < _FOLDERS:
                return

    def make_folder(self, uid: str, title: str) -> Folder:
        body = {"uid": uid, "title": title}
        made = self._ask("POST", "/api/folders", "folders:create", body=body)
        with _understood(self.url):
            return Folder(str(made["uid"]), str(made["title"]))

    def save(self, dashboard: Json, folder: Folder, version: int) -> int:
        """Save over `version`, 0 for a new one, and give the version that this makes.

        Grafana refuses where somebody has saved another one meanwhile.
        """
        body = {
            "dashboard": {**dashboard, "id": None, "version": version},
            "folderUid": folder.uid,
            "message": signature(dashboard),
            "overwrite": False,
        }
        saved = self._ask("POST", "/api/dashboards/db", "dashboards:write", body=body)
        with _understood(self.url):
            return int(saved["version"])

    def annotate(self, tags: Sequence[str], text: str, at: float) -> int:
        """Mark a moment, in Unix time, on every dashboard that shows these tags; give its id."""
        body = {"tags": list(tags), "text": text, "time": round(1000 * at)}
        made = self._ask("POST", "/api/annotations", "annotations:create", body=body)
        with _understood(self.url):
            return int(made["id"])

    def end_annotation(self, number: int, text: str, at: float) -> None:
        """Make a mark a region that ends at this moment, with another text."""
        body = {"text": text, "timeEnd": round(1000 * at)}
        self._ask("PATCH", f"/api/annotations/{number}", "annotations:write", body=body)

    def _saves(self, uid: str) -> tuple[Save, ...]:
        """The newest; since 11.5 Grafana wraps the list. It hides the message of the first save."""
        path = f"/api/dashboards/uid/{_quoted(uid)}/versions"
        found = self._ask("GET", path, "dashboards:write", query={"limit": str(_SAVES)}) or []
        documents = found["versions"] if isinstance(found, Mapping) else found
        return parse_saves([self._whole(path, each) for each in documents])

    def _whole(self, path: str, entry: Json) -> Json:
        if entry.get("parentVersion") or SIGNATURE in entry["message"]:
            return entry
        alone = self._ask("GET", f"{path}/{entry['version']}", "dashboards:write") or entry
        return {**entry, "message": alone["message"]}

    def _ask(
        self,
        method: str,
        path: str,
        permission: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
    ) -> Any:
        """The JSON of an answer; None for a 404 that Grafana itself gave to a GET."""
        try:
            answer = self._session.request(
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
            document = answer.json()
        except requests.JSONDecodeError:
            document = None
        if answer.ok and not answer.is_redirect and document is not None:
            return document
        said = isinstance(document, Mapping) and "message" in document
        if answer.status_code == requests.codes.not_found and method == "GET" and said:
            return None
        raise GrafanaError(f"{self.url}: {refused(answer, document, permission)}")


def _address(url: str) -> str:
    """Without a slash at its end; raises GrafanaError."""
    try:
        found = address(url, "https://HOST of a Grafana, with its path if any")
    except ValueError as error:
        raise GrafanaError(str(error)) from error
    parts = urlsplit(found)
    if parts.username or parts.password:
        raise GrafanaError("the address holds a password; give a token, in GRAFANA_TOKEN or a file")
    if parts.query or parts.fragment:
        raise GrafanaError(f"{url} is an address of a page: give it up to Grafana's own path")
    return found


def _token(text: str) -> str:
    token = text.strip()
    if not token.isascii() or not token.isprintable() or len(token.split()) != 1:
        raise GrafanaError("the token is empty or has a space or a line break within")
    return token


@contextmanager
def _understood(url: str) -> Iterator[None]:
    """Around the reading of an answer."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = f"{url}: an answer is not as Grafana documents it: {error!r}"
        raise GrafanaError(text) from error


def _file(meta: Json) -> str:
    return str(meta.get("provisionedExternalId") or "a file") if meta.get("provisioned") else ""


def _quoted(uid: str) -> str:
    return quote(uid, safe="")
