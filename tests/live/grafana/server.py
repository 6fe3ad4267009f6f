"""A fake Grafana with the endpoints that a push, a pull and a load test use.

It follows the docs of Grafana's HTTP API ("Dashboard", "Dashboard versions", "Folder",
"Annotations") or, where they are silent, its source (pkg/api/dashboard.go,
pkg/services/dashboards/errors.go). Like Grafana's classic storage it keeps dashboards unchanged.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
Answer = tuple[int, Any]
Query = dict[str, list[str]]
# Runs before the response; true if it has sent one itself.
Fault = Callable[[BaseHTTPRequestHandler], bool]

EDITOR = "glsa_editor"
VIEWER = "glsa_viewer"
INITIAL = "Initial save"


@dataclass
class Dashboard:
    id: int
    folder: str
    file: str = ""
    versions: list[Json] = field(default_factory=list)

    @property
    def data(self) -> Json:
        data: Json = self.versions[-1]["data"]
        return data


@dataclass
class FakeGrafana:
    """`wrapped`: the list of versions as since 11.5; `path`: the path of Grafana's address."""

    wrapped: bool = True
    path: str = ""
    url: str = ""
    folders: dict[str, str] = field(default_factory=dict)
    dashboards: dict[str, Dashboard] = field(default_factory=dict)
    annotations: list[Json] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    faults: dict[tuple[str, str], Fault] = field(default_factory=dict)

    @property
    def written(self) -> list[str]:
        """Paths of the requests that write."""
        return [path for method, path in self.requests if method != "GET"]

    def edit(self, uid: str, change: Callable[[Json], object], message: str = "") -> None:
        """Save a change like a user in the browser."""
        data = deepcopy(self.dashboards[uid].data)
        change(data)
        self._save(self.dashboards[uid], data, message, "alice")

    def answer(self, method: str, path: str, query: Query, body: Json) -> Answer:
        for pattern, verb, run in _ROUTES:
            if verb == method and (match := re.fullmatch(pattern, path)):
                return run(self, *match.groups(), *([body] if body else []), query)
        return 404, {"message": "Not found"}

    def get_dashboard(self, uid: str, _: Query) -> Answer:
        found = self.dashboards.get(uid)
        if found is None:
            return 404, {"message": "Dashboard not found"}
        meta = {
            "type": "db",
            "canSave": True,
            "slug": uid,
            "url": f"/d/{uid}/{uid}",
            "version": found.data["version"],
            "folderUid": found.folder,
            "folderTitle": self.folders.get(found.folder, "General"),
            "provisioned": bool(found.file),
            "provisionedExternalId": found.file,
        }
        return 200, {"dashboard": found.data, "meta": meta}

    def get_versions(self, uid: str, query: Query) -> Answer:
        if uid not in self.dashboards:
            return 404, {"message": "Dashboard not found"}
        found = []
        for each in reversed(self.dashboards[uid].versions):
            entry = {key: value for key, value in each.items() if key != "data"}
            found.append(entry | ({} if each["parentVersion"] else {"message": INITIAL}))
        found = found[: int(query["limit"][0])]
        return 200, {"continueToken": "", "versions": found} if self.wrapped else found

    def get_version(self, uid: str, number: str, _: Query) -> Answer:
        for each in self.dashboards[uid].versions:
            if each["version"] == int(number):
                return 200, each
        return 404, {"message": "Dashboard version not found"}

    def post_dashboard(self, body: Json, _: Query) -> Answer:
        data = body["dashboard"]
        uid = data["uid"]
        if body["folderUid"] and body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        found = self.dashboards.get(uid)
        if found is None:
            if data.get("version"):
                return 404, {"message": "Dashboard not found", "status": "not-found"}
            found = Dashboard(len(self.dashboards) + 1, body["folderUid"])
        elif found.file:
            return 400, {"message": "Cannot save provisioned dashboard"}
        elif data.get("version") != found.data["version"] and not body["overwrite"]:
            message = "The dashboard has been changed by someone else"
            return 412, {"message": message, "status": "version-mismatch"}
        self.dashboards[uid] = found
        found.folder = body["folderUid"]
        self._save(found, data, body["message"], "sa-1-push")
        return 200, {
            "id": found.id,
            "uid": uid,
            "url": f"/d/{uid}/{uid}",
            "status": "success",
            "version": found.data["version"],
            "slug": uid,
            "folderUid": found.folder,
        }

    def _save(self, dashboard: Dashboard, data: Json, message: str, by: str) -> None:
        number = len(dashboard.versions) + 1
        dashboard.versions.append(
            {
                "id": number,
                "dashboardId": dashboard.id,
                "uid": data["uid"],
                "parentVersion": number - 1,
                "restoredFrom": 0,
                "version": number,
                "created": f"2026-01-31T12:00:{number:02}Z",
                "createdBy": by,
                "message": message,
                "data": {**data, "id": dashboard.id, "version": number},
            }
        )

    def get_folders(self, query: Query) -> Answer:
        found = [{"id": 1, "uid": uid, "title": title} for uid, title in self.folders.items()]
        limit, page = int(query["limit"][0]), int(query["page"][0])
        return 200, found[limit * (page - 1) : limit * page]

    def get_folder(self, uid: str, _: Query) -> Answer:
        if uid not in self.folders:
            return 404, {"message": "folder not found", "status": "not-found"}
        return 200, {"id": 1, "uid": uid, "title": self.folders[uid], "version": 1}

    def post_folder(self, body: Json, query: Query) -> Answer:
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", body["uid"]):
            return 400, {"message": "uid contains illegal characters"}
        if body["uid"] in self.folders:
            return 409, {"message": "a folder/dashboard with the same uid already exists"}
        self.folders[body["uid"]] = body["title"]
        return self.get_folder(body["uid"], query)

    def post_annotation(self, body: Json, _: Query) -> Answer:
        """Times are in milliseconds. Without an end it is a point in time."""
        self.annotations.append({"timeEnd": body["time"], **body})
        return 200, {"message": "Annotation added", "id": len(self.annotations)}

    def patch_annotation(self, number: str, body: Json, _: Query) -> Answer:
        """Keeps what is not in the body."""
        if int(number) > len(self.annotations):
            return 404, {"message": "Annotation not found"}
        self.annotations[int(number) - 1].update(body)
        return 200, {"message": "Annotation patched"}


_ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    (r"/api/dashboards/uid/([^/]+)", "GET", FakeGrafana.get_dashboard),
    (r"/api/dashboards/uid/([^/]+)/versions", "GET", FakeGrafana.get_versions),
    (r"/api/dashboards/uid/([^/]+)/versions/(\d+)", "GET", FakeGrafana.get_version),
    (r"/api/dashboards/db", "POST", FakeGrafana.post_dashboard),
    (r"/api/folders", "GET", FakeGrafana.get_folders),
    (r"/api/folders/([^/]+)", "GET", FakeGrafana.get_folder),
    (r"/api/folders", "POST", FakeGrafana.post_folder),
    (r"/api/annotations", "POST", FakeGrafana.post_annotation),
    (r"/api/annotations/(\d+)", "PATCH", FakeGrafana.patch_annotation),
)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, grafana: FakeGrafana) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.grafana = grafana
        grafana.url = f"http://127.0.0.1:{self.server_port}{grafana.path}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or a response of two packets takes 40 ms
    server: Server

    def do_GET(self) -> None:
        self.serve("GET")

    def do_POST(self) -> None:
        self.serve("POST")

    def do_PATCH(self) -> None:
        self.serve("PATCH")

    def serve(self, method: str) -> None:
        grafana = self.server.grafana
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = urlsplit(self.path)
        path = parts.path.removeprefix(grafana.path)
        grafana.requests.append((method, path))
        for (verb, begin), fault in grafana.faults.items():
            if verb == method and path.startswith(begin) and fault(self):
                return
        if not parts.path.startswith(f"{grafana.path}/api/"):
            send(self, 404, "<html>nothing here</html>", "text/html; charset=UTF-8")
            return
        status, document = self.refused(method, path) or grafana.answer(
            method, path, parse_qs(parts.query), json.loads(body or b"{}")
        )
        send(self, status, json.dumps(document))

    def refused(self, method: str, path: str) -> Answer | None:
        """A viewer can read dashboards, but not their versions."""
        token = self.headers.get("Authorization", "")
        reads = method == "GET" and "/versions" not in path
        if token == f"Bearer {EDITOR}" or (token == f"Bearer {VIEWER}" and reads):
            return None
        if token == f"Bearer {VIEWER}":
            needed = "You'll need additional permissions to perform this action."
            return 403, {"accessErrorId": "ACE1", "message": needed, "title": "Access denied"}
        return 401, {"message": "Invalid API key", "messageId": "api-key.invalid"}

    def log_message(self, *_: object) -> None:
        pass


def send(
    to: BaseHTTPRequestHandler, status: int, text: str, kind: str = "application/json"
) -> None:
    to.send_response(status)
    to.send_header("Content-Type", kind)
    to.send_header("Content-Length", str(len(text.encode())))
    to.end_headers()
    to.wfile.write(text.encode())


@contextmanager
def serving(grafana: FakeGrafana, kind: type[Server] = Server) -> Iterator[FakeGrafana]:
    with kind(grafana) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield grafana
        finally:
            server.shutdown()
            thread.join(10)
