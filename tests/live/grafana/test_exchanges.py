"""Requests and responses as Grafana documents them: the fake server and the client agree."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from generator.grafana.client import Grafana, GrafanaError
from generator.grafana.state import Folder
from tests.live.grafana.server import EDITOR, FakeGrafana, send, serving
from tests.live.waiting import HANGS

EXCHANGES = json.loads(Path(__file__).with_name("exchanges.json").read_text())
DASHBOARD = {"uid": "auditor-errors", "title": "Auditor / Errors", "tags": []}
LAW = Folder("law", "Law")
each_exchange = pytest.mark.parametrize(
    "exchange", EXCHANGES, ids=lambda each: each["source"].replace("/", "or")
)


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    """With a folder and a dashboard that has two versions."""
    with serving(FakeGrafana(folders={"law": "Law"})) as found:
        client(found).save(DASHBOARD, LAW, 0)
        found.edit("auditor-errors", lambda data: data.update(schemaVersion=16, timezone=""))
        yield found


def client(grafana: FakeGrafana) -> Grafana:
    return Grafana(grafana.url, EDITOR)


def body(exchange: Any) -> Any:
    if exchange["request"][1] == "/api/folders":
        return {"uid": "auditor", "title": "Auditor"}
    dashboard = {**DASHBOARD, "version": 1 if exchange.get("stale") else 2}
    return {"dashboard": dashboard, "folderUid": "law", "message": "", "overwrite": False}


def missing(documented: Any, given: Any, path: str = "") -> Iterator[str]:
    """The parts of a documented response that another one lacks, or has with another type."""
    if isinstance(documented, dict) and isinstance(given, dict):
        for key, value in documented.items():
            if key in given:
                yield from missing(value, given[key], f"{path}.{key}")
            elif key not in ("isStarred", "folderId"):
                yield f"{path}.{key}"
    elif isinstance(documented, list) and isinstance(given, list):
        if len(documented) != len(given):
            yield path
        for one, other in zip(documented, given, strict=False):
            yield from missing(one, other, f"{path}[]")
    elif type(documented) is not type(given):
        yield path


@each_exchange
def test_the_server_answers_as_documented(grafana: FakeGrafana, exchange: Any) -> None:
    method, path = exchange["request"]
    grafana.wrapped = exchange.get("wrapped", True)
    answer = requests.request(
        method,
        f"{grafana.url}{path}",
        params={"limit": "10", "page": "1"},
        json=body(exchange) if method == "POST" else None,
        headers={"Authorization": f"Bearer {EDITOR}"},
        timeout=HANGS,
    )
    assert answer.status_code == exchange["status"]
    assert list(missing(exchange["answer"], answer.json())) == []


def folder(grafana: Grafana) -> object:
    found = grafana.dashboard("auditor-errors")
    return found and (found.folder, found.file)


def newest(grafana: Grafana) -> object:
    found = grafana.dashboard("auditor-errors")
    return found and str(found.versions[0])


# The client's call for each request, and its result.
READ: dict[str, tuple[Callable[[Grafana], object], object]] = {
    "GET /api/dashboards/uid/auditor-errors": (folder, (Folder("l3KqBxCMz", ""), "")),
    "GET /api/dashboards/uid/auditor-none": (
        lambda grafana: grafana.dashboard("auditor-none"),
        None,
    ),
    "GET /api/dashboards/uid/auditor-errors/versions": (
        newest,
        'version 2 by admin, 2017-06-08T17:24:33-04:00 ("Updated panel title")',
    ),
    "GET /api/dashboards/uid/auditor-errors/versions/1": (
        lambda grafana: grafana.version("auditor-errors", 1),
        {"id": 1, "title": "Auditor / Errors", "version": 1},
    ),
    "POST /api/dashboards/db": (lambda grafana: grafana.save(DASHBOARD, LAW, 2), 3),
    "GET /api/folders/law": (lambda grafana: grafana.folder("law", "Law"), LAW),
    "GET /api/folders": (lambda grafana: grafana.folder("of-provisioning", "Law"), LAW),
    "POST /api/folders": (
        lambda grafana: grafana.create_folder("auditor", "Auditor"),
        Folder("auditor", "Auditor"),
    ),
}


@each_exchange
def test_the_client_reads_what_is_documented(grafana: FakeGrafana, exchange: Any) -> None:
    method, path = exchange["request"]

    def play(handler: Any) -> bool:
        if handler.path.partition("?")[0] != path:
            return False
        send(handler, exchange["status"], json.dumps(exchange["answer"]))
        return True

    grafana.faults[method, path] = play
    read, expected = READ[f"{method} {path}"]
    if exchange["status"] == 412:
        with pytest.raises(GrafanaError, match="somebody saved the dashboard just now"):
            read(client(grafana))
    else:
        assert read(client(grafana)) == expected
