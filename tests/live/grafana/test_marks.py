"""The marks that a run leaves in Grafana."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from generator.grafana.command import TOKEN
from generator.names import LOAD_TEST
from tests.grafana import dashboards
from tests.live.grafana.server import EDITOR, VIEWER, FakeGrafana, send, serving
from tests.performance.marks import mark


@pytest.fixture
def grafana(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGrafana]:
    monkeypatch.setenv(TOKEN, EDITOR)
    with serving(FakeGrafana()) as found:
        yield found


def test_a_run_is_a_region_that_every_dashboard_shows(grafana: FakeGrafana) -> None:
    marked = mark("auditor", "smoke against http://here", grafana.url)
    marked.begin()
    (found,) = grafana.annotations
    assert found["timeEnd"] == found["time"]
    marked.end("verdict: target")
    assert found["text"] == "smoke against http://here: verdict: target"
    assert found["timeEnd"] > found["time"] > 1.7e12, "milliseconds"
    for board in dashboards().values():
        (query,) = (
            each["target"] for each in board["annotations"]["list"] if "tags" in each["target"]
        )
        assert set(query["tags"]) <= set(found["tags"]) == {"auditor", LOAD_TEST}


def test_without_an_address_nothing_is_sent(grafana: FakeGrafana) -> None:
    marked = mark("auditor", "smoke", "")
    marked.begin()
    marked.end("done")
    assert grafana.requests == []


def test_no_run_fails_for_grafana(
    grafana: FakeGrafana, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(handler: BaseHTTPRequestHandler) -> bool:
        send(handler, 500, "{}")
        return True

    monkeypatch.setenv(TOKEN, VIEWER)
    forbidden = mark("auditor", "smoke", grafana.url)
    forbidden.begin()
    forbidden.end("done")
    monkeypatch.setenv(TOKEN, EDITOR)
    ended = mark("auditor", "smoke", grafana.url)
    ended.begin()
    grafana.faults["PATCH", "/api/annotations"] = broken
    ended.end("done")
    monkeypatch.delenv(TOKEN)
    mark("auditor", "smoke", grafana.url).begin()
    monkeypatch.setenv(TOKEN, EDITOR)
    mark("auditor", "smoke", "nowhere").begin()
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in said] == ["warning"] * 4
    assert "it needs annotations:create" in said[0]
    assert "500" in said[1]
    assert f"{TOKEN} is not set" in said[2]
    assert "no address of a Grafana" in said[3]
